import { expect, test } from 'vitest';
import { lineKey, TransferProgress } from './transfer-progress.ts';

const MIB = 1024 ** 2;

test.each<[string, [number, number, number][], string]>([
  ['nothing is known of the speed at first', [[0, 100 * MIB, 0]], '[....................]    0 %  0 bytes of 100 MiB'],
  [
    'then how fast and how long yet',
    [
      [0, 100 * MIB, 0],
      [50 * MIB, 100 * MIB, 5000],
    ],
    '[##########..........]   50 %  50 MiB of 100 MiB  10 MiB/s  5 s left',
  ],
  [
    'what was there already is not counted as fast',
    [
      [90 * MIB, 100 * MIB, 0],
      [92 * MIB, 100 * MIB, 2000],
    ],
    '[##################..]   92 %  92 MiB of 100 MiB  1.0 MiB/s  8 s left',
  ],
  [
    'a slow line takes minutes',
    [
      [0, 100 * MIB, 0],
      [MIB, 100 * MIB, 4000],
    ],
    '[....................]    1 %  1.0 MiB of 100 MiB  256 KiB/s  7 min left',
  ],
  [
    'without a total there is no bar',
    [
      [0, 0, 0],
      [3 * MIB, 0, 2000],
    ],
    '3.0 MiB  1.5 MiB/s',
  ],
  [
    'more than was announced is not more than all',
    [[200, 100, 0]],
    '[####################]  100 %  200 bytes of 100 bytes',
  ],
])('%s', (_, updates, text) => {
  const progress = new TransferProgress();
  expect(updates.map((update) => progress.text(...update)).at(-1)).toBe(text);
});

test('lines come by tenths, or by 10 MiB', () => {
  expect(new Set([0, 5, 9, 10, 19, 100].map((done) => lineKey(done, 100)))).toEqual(
    new Set(['tenth 0', 'tenth 1', 'tenth 10']),
  );
  expect([lineKey(9 * MIB, 0), lineKey(11 * MIB, 0)]).toEqual(['part 0', 'part 1']);
});
