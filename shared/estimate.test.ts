import fc from 'fast-check';
import { expect, test } from 'vitest';
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
  ['half of what starts is of those who came later', 7, pace(), 0.5, 220],
  ['all of it is', 7, pace(), 1, 460],
  ['no slot at all counts as one', 2, pace({ slots: 0, meanMs: 10_000 }), 0, 90],
  ['builds that take no time', 5, pace({ typicalMs: 0, meanMs: 0 }), 0, 1],
])('%s', (_, ahead, farm, overtaken, seconds) => {
  expect(estimateSeconds(ahead, farm, overtaken)).toBe(seconds);
});

test.each([
  ['for a while', 45_000, 15],
  ['longer than usual', 600_000, 1],
])('a build that runs %s', (_, elapsedMs, seconds) => {
  expect(remainingSeconds(pace(), elapsedMs)).toBe(seconds);
});

test('is a whole number of at least a second, and no shorter further back in the queue', () => {
  const numbers = fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(600_000), fc.nat(600_000));
  fc.assert(
    fc.property(
      fc.nat(100_000),
      numbers,
      fc.double({ min: 0, max: 2, noNaN: true }),
      (ahead, [slots, free, typicalMs, meanMs], overtaken) => {
        const farm = { slots, free, typicalMs, meanMs };
        const seconds = estimateSeconds(ahead, farm, overtaken);
        expect(Number.isSafeInteger(seconds) && seconds >= 1).toBe(true);
        expect(estimateSeconds(ahead + 1, farm, overtaken)).toBeGreaterThanOrEqual(seconds);
      },
    ),
  );
});
