import { expect, it, test } from 'vitest';
import { ReportPace } from './report-pace.ts';

function pace(ownMs = 5_000) {
  const clock = { at: 1_000, now: () => clock.at };
  return { clock, pace: new ReportPace(ownMs, clock) };
}

it.each([
  ['does not ask', 5_000, 0, 5_000],
  ['asks for less than the node waits by itself', 5_000, 20, 5_000],
  ['asks for more', 5_000, 20_000, 20_000],
  ['asks for more than its leases can bear', 5_000, 4_294_967_295, 30_000],
  ['asks for anything of a node that is set to be rarer still', 60_000, 20_000, 60_000],
])('a node whose edge %s', (_, ownMs, askedMs, waitsMs) => {
  const { clock, pace: own } = pace(ownMs);
  own.told();
  own.asked(askedMs);
  expect(own.untilNextMs).toBe(waitsMs);
  clock.at += waitsMs;
  expect(own.untilNextMs).toBe(0);
});

test('what was never said is said at once, and what was said along with something else waits anew', () => {
  const { clock, pace: own } = pace();
  expect(own.untilNextMs).toBe(0);
  own.told();
  clock.at += 4_000;
  own.told();
  clock.at += 4_000;
  expect(own.untilNextMs).toBe(1_000);
});

test('an edge whose farm has become small again is heard', () => {
  const { pace: own } = pace();
  own.told();
  own.asked(20_000);
  own.asked(0);
  expect(own.untilNextMs).toBe(5_000);
});
