import { expect, test } from 'vitest';
import { GRACE_MS, SERVED_GRAIN_MS } from '../shared/store/image-budget.ts';
import { FILES_STAY_MS, LEAVES_KV_MS, LIFETIMES, TOLD_OF_BUILDS_MS } from './lifetimes.ts';

/** Those of answers that say nothing of a finished build, or that nobody is told by whom they outlive it. */
const OTHERS = [
  'failureInMemoryMs',
  'unknownHashMs',
  'unbuiltMs',
  // Of which build a name is: whether that is there is asked for each time.
  'nameInMemoryMs',
  'sureNameMs',
  'seedFailureMs',
  'queueFullMs',
  'liveIntentMs',
  'grantMs',
  'healthMs',
  'countsMs',
  'fullCountsMs',
  'runningMs',
  'queuedMinMs',
  'orderPermitMs',
  'logPermitMs',
  // What is waited for.
  'submissionsMs',
  'kvSettlesMs',
  'callMs',
  'fetchMs',
];

test('every lifetime is known to have to do with finished builds, or not to: a new one is to be thought of', () => {
  const rest = Object.entries(LIFETIMES).filter(([name]) => name.endsWith('Ms') && !OTHERS.includes(name));
  expect(rest.map(([, ms]) => ms).sort()).toEqual([...TOLD_OF_BUILDS_MS].sort());
});

test('files stay longer than anybody may tell of them, and as long again as it takes to fetch them', () => {
  for (const ms of TOLD_OF_BUILDS_MS) expect(FILES_STAY_MS).toBeGreaterThanOrEqual(ms + LIFETIMES.fetchMs);
  // The last deletion in KV comes when nobody is left who could write it.
  expect(LEAVES_KV_MS.at(-1)).toBeGreaterThanOrEqual(LIFETIMES.callMs);
});

test('an image that is served is known to be before its grace is over', () => {
  expect(SERVED_GRAIN_MS + LIFETIMES.countsMs).toBeLessThan(GRACE_MS);
});
