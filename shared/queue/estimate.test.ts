import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { estimateSeconds, type FarmPace, remainingSeconds } from './estimate.ts';

const pace = (fields: Partial<FarmPace> = {}): FarmPace => ({
  slots: 8,
  free: 0,
  typicalMs: 60_000,
  meanMs: 80_000,
  ...fields,
});

test.each([
  ['a slot is free', 0, pace({ free: 1 }), 0, 60],
  ['the last slot that is free', 7, pace({ free: 8 }), 0, 60],
  ['one more than there are free slots', 8, pace({ free: 8 }), 0, 70],
  ['the next that comes free of many', 0, pace(), 0, 70],
  ['the next that comes free of one', 0, pace({ slots: 1 }), 0, 140],
  ['a round of all slots ahead', 7, pace(), 0, 140],
  ['half of what can be done is of those who come', 7, pace(), 0.5 / 10_000, 214],
  ['as many come as can be done', 7, pace(), 1 / 10_000, 625],
  ['twice as many come', 7, pace(), 2 / 10_000, 625],
  ['as many come, and an hour of work is ahead', 359, pace(), 1 / 10_000, 5_366],
  ['half as many come, and an hour of work is ahead', 359, pace(), 0.5 / 10_000, 4_483],
  ['many come, and a slot is free', 0, pace({ free: 1 }), 1, 60],
  ['no slot at all counts as one', 2, pace({ slots: 0, meanMs: 10_000 }), 0, 90],
  ['builds that take no time', 5, pace({ typicalMs: 0, meanMs: 0 }), 0, 1],
])('%s', (_, ahead, farm, newcomers, seconds) => {
  expect(estimateSeconds(ahead, farm, newcomers)).toBe(seconds);
});

test.each([
  ['for a while', 45_000, 15],
  ['longer than usual', 600_000, 1],
])('a build that runs %s', (_, elapsedMs, seconds) => {
  expect(remainingSeconds(pace(), elapsedMs)).toBe(seconds);
});

const numbers = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(600_000), fc.nat(600_000));
const farms = numbers.map(([slots, free, typicalMs, meanMs]): FarmPace => ({ slots, free, typicalMs, meanMs }));
const rates = fc.double({ min: 0, max: 0.01, noNaN: true });

test('is a whole number of at least a second, and no shorter further back in the queue or where more come', () => {
  fc.assert(
    fc.property(fc.nat(100_000), farms, rates, rates, (ahead, farm, newcomers, more) => {
      const seconds = estimateSeconds(ahead, farm, newcomers);
      expect(Number.isSafeInteger(seconds) && seconds >= 1).toBe(true);
      expect(estimateSeconds(ahead + 1, farm, newcomers)).toBeGreaterThanOrEqual(seconds);
      expect(estimateSeconds(ahead, farm, newcomers + more)).toBeGreaterThanOrEqual(seconds);
    }),
  );
});

test('is never longer than if all of a rush came first', () => {
  fc.assert(
    fc.property(fc.nat(100_000), farms, rates, (ahead, farm, newcomers) => {
      const alone = estimateSeconds(ahead, farm, 0);
      const most = alone + 30 * 60;
      expect(estimateSeconds(ahead, farm, newcomers)).toBeLessThanOrEqual(most + 1);
    }),
  );
});
