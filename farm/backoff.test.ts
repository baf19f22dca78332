import { expect, test } from 'vitest';
import { fc } from '../shared/chance.fixture.ts';
import { backoffMs, pause } from './backoff.ts';

test.each([
  [1, 0, 250],
  [1, 1, 500],
  [2, 1, 1_000],
  [7, 1, 30_000],
  [1_000, 1, 30_000],
])('after %i failures with chance %f, %i ms', (failures, random, ms) => {
  expect(backoffMs(failures, random)).toBe(ms);
});

test('it never exceeds the most, and never goes below half of what it would be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const ms = backoffMs(failures, random, 100, 5_000);
      expect(ms).toBeGreaterThanOrEqual(50);
      expect(ms).toBeLessThanOrEqual(5_000);
    }),
  );
});

test('a pause ends at once, and quietly, when it is told to stop', async () => {
  const stop = new AbortController();
  const paused = pause(3_600_000, stop.signal);
  stop.abort();
  await expect(paused).resolves.toBeUndefined();
  await expect(pause(3_600_000, stop.signal)).resolves.toBeUndefined();
});
