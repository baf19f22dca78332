import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { type End, placeBetween } from './place-between.ts';

test.each([
  ['in the middle of both ends', 1_000, { n: 64, at: 400 }, { n: 64, at: 600 }, 500],
  ['a quarter of the way', 1_000, { n: 64, at: 450 }, { n: 64, at: 650 }, 282],
  ['at the front', 1_000, { n: 64, at: 500 }, { n: 64, at: 600 }, 64],
  ['before the front was looked up', 1_000, { n: 64, at: 510 }, { n: 64, at: 600 }, 64],
  ['at the back', 1_000, { n: 64, at: 400 }, { n: 64, at: 500 }, 936],
  ['behind what was the back', 1_000, { n: 64, at: 400 }, { n: 64, at: 490 }, 936],
  ['where both ends stand at one place, at the back', 1_000, { n: 64, at: 500 }, { n: 64, at: 500 }, 936],
  ['where the ends are one', 128, { n: 64, at: 500 }, { n: 64, at: 500 }, 64],
  ['where more was counted than is left', 10, { n: 64, at: 1 }, { n: 64, at: 900 }, 10],
])('%s', (_, others, front: End, back: End, place) => {
  expect(placeBetween(others, front, back, 500)).toBe(place);
});

test('is a whole number, of no more than there are, and no smaller further back', () => {
  const end = fc.record({ n: fc.nat(64), at: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.nat(5_000), end, end, fc.nat(1_000), (others, front, back, at) => {
      const place = placeBetween(others, front, back, at);
      expect(Number.isSafeInteger(place) && place >= 0 && place <= others).toBe(true);
      expect(placeBetween(others, front, back, at + 1)).toBeGreaterThanOrEqual(place);
    }),
  );
});
