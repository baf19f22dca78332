import { expect, test } from 'vitest';
import { areTooManyHandBacks, NO_HAND_BACKS, toldHandBacks, withHandBack } from './hand-backs.ts';

const MINUTE_MS = 60_000;
const start = 1_000_000_000;

/** Each was given `heldMs` before it was given back. */
const after = (times: number, everyMs: number, heldMs: number) => {
  let known = NO_HAND_BACKS;
  for (let at = 0; at < times; at += 1) {
    const now = start + at * everyMs;
    known = withHandBack(known, now - heldMs, now);
  }
  return known;
};

test.each([
  ['as often as is allowed', 20, MINUTE_MS, 0, false],
  ['once more', 21, MINUTE_MS, 0, true],
  ['once more, within a second', 21, 50, 0, true],
  ['every three minutes, for days', 2_000, 3 * MINUTE_MS + 1, 0, false],
  ['every other minute, for days', 2_000, 2 * MINUTE_MS, 0, true],
  ['all that it has, since it stops', 64, 10, 5 * MINUTE_MS, false],
])('a node that gives back %s', (_, times, everyMs, heldMs, areTooMany) => {
  // Within days the hour may just have begun when we look.
  const seen = Array.from({ length: times }, (__, at) => areTooManyHandBacks(after(at + 1, everyMs, heldMs)));
  expect(seen.some(Boolean)).toBe(areTooMany);
});

test('all that a node had when it stopped is one occasion, and what it took since is another', () => {
  let known = withHandBack(NO_HAND_BACKS, start, start + 100);
  known = withHandBack(known, start + 50, start + 200);
  expect(known.n).toBe(1);
  expect(withHandBack(known, start + 150, start + 300).n).toBe(2);
});

test('what it was given at the moment of the last one is another', () => {
  expect(withHandBack(withHandBack(NO_HAND_BACKS, start, start), start, start).n).toBe(2);
});

test.each([
  [3_599_999, 2],
  [3_600_000, 1],
])('%i ms after the first an hour has this many: %i', (ms, n) => {
  expect(withHandBack(withHandBack(NO_HAND_BACKS, start, start), start + ms, start + ms).n).toBe(n);
});

test('its operator reads how often', () => {
  expect(toldHandBacks(after(21, MINUTE_MS, 0))).toBe(
    'it gave builds back 21 times within an hour and brought none to an end',
  );
});
