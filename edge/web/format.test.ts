import { expect, test } from 'vitest';
import { day, duration, number, percent } from './format.ts';

test.each<[told: string, expected: string]>([
  [number(12_345), '12,345'],
  [percent(1, 3), '33%'],
  [percent(0, 3), '0%'],
  [percent(3, 3), '100%'],
  [percent(0, 0), '–'],
  [percent(1, 1_000), '< 1%'],
  [percent(999, 1_000), '> 99%'],
  [day('2026-11-26Z'), 'Nov 26'],
  [day('yesterday'), 'yesterday'],
  [duration(89), '89 sec'],
  [duration(90), '2 min'],
  [duration(89 * 60), '89 min'],
  [duration(3 * 3600), '3 hr'],
])('%s is %s', (told, expected) => {
  expect(told).toBe(expected);
});
