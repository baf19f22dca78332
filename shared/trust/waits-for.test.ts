import { expect, test } from 'vitest';
import { type WaitsFor, waitingDetail, waitingSeconds } from './waits-for.ts';

test.each<[string, WaitsFor | undefined, string, number]>([
  ['a free node', undefined, 'queued', 20],
  [
    'another operator, who is there',
    { kind: 'operators', built: 1, of: 2, isHere: true },
    'verifying: built by 1 of 2 independent operators',
    20,
  ],
  [
    'two others, who build it after each other',
    { kind: 'operators', built: 1, of: 3, isHere: true },
    'verifying: built by 1 of 3 independent operators',
    80,
  ],
  [
    'operators that are not there',
    { kind: 'operators', built: 1, of: 3, isHere: false },
    'verifying: built by 1 of 3 independent operators; the others are not here now, so it waits for them or for a trusted node',
    1200,
  ],
  ['a trusted node', { kind: 'a trusted node', built: false, isHere: true }, 'queued for a trusted node', 20],
  [
    'a trusted node that is not there',
    { kind: 'a trusted node', built: false, isHere: false },
    'queued for a trusted node; none is here now, so it waits for one',
    1200,
  ],
  [
    'a trusted node’s word about what volunteers built',
    { kind: 'a trusted node', built: true, isHere: true },
    'verifying: built once, and to be built by a trusted node',
    20,
  ],
  [
    'such a word, and nobody is there to say it',
    { kind: 'a trusted node', built: true, isHere: false },
    'verifying: built once, and to be built by a trusted node; none is here now, so it waits for one',
    1200,
  ],
])('who waits for %s is told so', (_, waitsFor, detail, seconds) => {
  expect(waitingDetail(waitsFor)).toBe(detail);
  expect(waitingSeconds(20, 60_000, waitsFor)).toBe(seconds);
});

test('an estimate that is longer than the absence stays', () => {
  expect(waitingSeconds(5_000, 60_000, { kind: 'a trusted node', built: false, isHere: false })).toBe(5_000);
});
