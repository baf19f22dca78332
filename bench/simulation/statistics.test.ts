import { expect, test } from 'vitest';
import { jain, quantile } from './statistics.ts';

test.each([
  { share: 0, expected: 1 },
  { share: 0.5, expected: 3 },
  { share: 0.99, expected: 5 },
  { share: 1, expected: 5 },
])('the quantile $share of five numbers', ({ share, expected }) => {
  expect(quantile([5, 3, 1, 4, 2], share)).toBe(expected);
});

test('nothing has no middle', () => expect(quantile([], 0.5)).toBe(0));

test.each([
  { shares: [3, 3, 3], index: 1 },
  { shares: [4, 0, 0, 0], index: 0.25 },
  { shares: [1, 3], index: 0.8 },
  { shares: [], index: 1 },
])('Jain’s index of $shares is $index', ({ shares, index }) => expect(jain(shares)).toBeCloseTo(index));
