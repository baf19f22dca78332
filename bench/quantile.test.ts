import { expect, test } from 'vitest';
import { quantile } from './quantile.ts';

test.each([
  ['the middle of three', [3, 1, 2], 0.5, 2],
  ['the middle of two, between them', [1, 2], 0.5, 1.5],
  ['a quarter, on a figure', [5, 1, 2, 4, 3], 0.25, 2],
  ['three quarters, between figures', [1, 2, 3, 4], 0.75, 3.25],
  ['the highest', [1, 9, 3], 1, 9],
  ['of one, that one', [7], 0.25, 7],
])('%s', (_, values, share, expected) => {
  expect(quantile(values, share)).toBe(expected);
});

test('of none there is no quantile', () => expect(quantile([], 0.5)).toBeNaN());
