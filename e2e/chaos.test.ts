/** A short run of `npm run chaos`, always of the same plan: with real parts, and looked through at the end as the long one is. */
import { expect, test } from 'vitest';
import { chaosPlan } from './chaos/plan.ts';
import { wrongsOf } from './chaos/report.ts';
import { runChaos } from './chaos/run.ts';
import { tableOf } from './chaos/table.ts';

/** Of this seed the short plan has each of the five faults, and edge, store and nodes among those whom they befall. */
const SHORT = { seed: 272, minutes: 0.75 };
/** For a hang; it is over when everything has ended. */
const PATIENCE_MS = 25 * 60_000;

test('the short plan kills, freezes, cuts off, slows and fills, and has the edge, the store and nodes suffer', () => {
  const { faults } = chaosPlan(SHORT.seed, SHORT.minutes * 60_000);
  expect(new Set(faults.map(({ fault }) => fault)).size).toBe(5);
  expect(faults.map(({ target }) => target)).toEqual(
    expect.arrayContaining(['edge', 'store', expect.stringMatching(/^trusted/), expect.stringMatching(/^volunteer/)]),
  );
});

test('in all this weather every accepted request ends in a right image or a true failure, and nothing is left', {
  timeout: PATIENCE_MS,
}, async ({ signal }) => {
  const report = await runChaos(SHORT, () => undefined, signal);
  console.log(tableOf(report));
  expect(wrongsOf(report)).toEqual([]);
  expect(report.isWhole).toBe(true);
  expect(report.visits.image, 'somebody got an image').toBeGreaterThan(0);
  expect(report.befallen.length).toBe(chaosPlan(SHORT.seed, SHORT.minutes * 60_000).faults.length);
});
