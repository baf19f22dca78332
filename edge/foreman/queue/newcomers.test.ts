import { expect, test } from 'vitest';
import { Newcomers } from './newcomers.ts';

const MINUTE = 60_000;

/** One at each of these times. */
function seen(...times: number[]): Newcomers {
  const newcomers = new Newcomers();
  for (const at of times) newcomers.came(at);
  return newcomers;
}
const every = (ms: number, from: number, to: number): number[] =>
  Array.from({ length: Math.floor((to - from) / ms) }, (_, at) => from + at * ms);

test.each([
  ['nobody came', [], 0, 0],
  ['seven came at once, which says nothing', Array(7).fill(0), 0, 0],
  ['eight came at once', Array(8).fill(0), 0, 8],
  ['they come since half a minute', every(1_000, 0, MINUTE / 2), MINUTE / 2, 30],
  ['they come since two minutes', every(1_000, 0, 2 * MINUTE), 2 * MINUTE, 60],
  ['they come since an hour', every(1_000, 0, 60 * MINUTE), 60 * MINUTE - 1, 60],
  ['they came until two minutes ago', every(1_000, 0, 60 * MINUTE), 62 * MINUTE - 1, 36],
  ['they came long ago', every(1_000, 0, 60 * MINUTE), 99 * MINUTE, 0],
])('%s', (_, times, now, aMinute) => {
  expect(seen(...times).rate(now) * MINUTE).toBeCloseTo(aMinute, 5);
});
