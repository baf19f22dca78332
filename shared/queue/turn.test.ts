import { expect, test } from 'vitest';
import { isPrebuild, nextTurn, PREBUILD_TURN } from './turn.ts';

test.each<[client: string, now: number, last: number | undefined, turn: number]>([
  ['the first of all', 0, undefined, 1],
  ['one that comes anew', 7, undefined, 8],
  ['one that was here long ago', 7, 3, 8],
  ['one whose turn is on', 7, 7, 8],
  ['one that has builds waiting', 7, 9, 10],
])('the turn of %s', (_, now, last, turn) => {
  expect(nextTurn(now, last)).toBe(turn);
});

test('what nobody asked for stands from the turn on that the migration names', () => {
  expect(PREBUILD_TURN).toBe(1_099_511_627_776);
  expect([PREBUILD_TURN - 1, PREBUILD_TURN, PREBUILD_TURN + 1].map((turn) => isPrebuild({ turn }))).toEqual([
    false,
    true,
    true,
  ]);
});
