import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimateSeconds } from './estimate.ts';

test.each([
  ['first in the queue, one slot', 0, 1, 60_000, 0, 60],
  ['first in the queue, many slots', 0, 8, 60_000, 0, 60],
  ['eighth of eight slots', 7, 8, 60_000, 0, 60],
  ['one more than there are slots', 8, 8, 60_000, 0, 120],
  ['no slot at all counts as one', 2, 0, 10_000, 0, 30],
  ['running for a while', 0, 1, 60_000, 45_000, 15],
  ['running longer than usual', 0, 1, 60_000, 600_000, 1],
  ['builds that take no time', 5, 1, 0, 0, 1],
])('%s', (_, position, slots, typicalMs, elapsedMs, seconds) => {
  expect(estimateSeconds(position, slots, typicalMs, elapsedMs)).toBe(seconds);
});

test('is a whole number of at least a second, and no shorter further back in the queue', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.nat(1000), fc.nat(600_000), (position, slots, typicalMs) => {
      const seconds = estimateSeconds(position, slots, typicalMs);
      expect(Number.isSafeInteger(seconds) && seconds >= 1).toBe(true);
      expect(estimateSeconds(position + 1, slots, typicalMs)).toBeGreaterThanOrEqual(seconds);
    }),
  );
});
