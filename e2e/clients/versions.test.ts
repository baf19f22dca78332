/** The orders by which owut and auc decide whether there is anything to ask for. */
import { expect, test } from 'vitest';
import { compareDebianVersions } from './debian-version.ts';
import { type Change, changeBetween, compareReleases } from './owut-version.ts';

test.each<[older: string, newer: string]>([
  ['1.9', '1.10'],
  ['1.0~rc1', '1.0'],
  ['1.0', '1.0-r1'],
  ['1.0', '1.0a'],
  ['1.0a', '1.0.1'],
  ['r28739-9a1b2c3d4e', 'r28740-0000000000'],
  ['6.6.93-r1', '6.12.74-r1'],
  ['24.10.0~rc7', '24.10.0'],
])("auc: %s is older than %s, as in Debian's order", (older, newer) => {
  expect(compareDebianVersions(older, newer)).toBeLessThan(0);
  expect(compareDebianVersions(newer, older)).toBeGreaterThan(0);
  expect(compareDebianVersions(older, older)).toBe(0);
});

test.each<[installed: string | undefined, available: string | undefined, change: Change]>([
  ['2.90-r4', '2.93-r1', 'newer'],
  ['2.90-r4', '2.90-r5', 'newer'],
  ['2.90-r5', '2.90-r4', 'older'],
  ['2.14-r3', '2.14.1-r1', 'newer'],
  ['25.103.44783~1d0c6b1', '26.180.49459~2e1d7c2', 'newer'],
  ['2024.12.18~18fc0ead-r1', '2024.12.18~b6e51575-r1', 'unknown'],
  ['9.9_p1-r3', '9.9_p2-r1', 'newer'],
  ['2017-08-29-r3', '2018-01-01-r1', 'newer'],
  ['git-24.141.29354-5cfe7a7', 'git-24.142.10000-6aa0000', 'newer'],
  ['1.2.5-r4', '1.2.5-r4', 'same'],
  [undefined, '1', 'added'],
  ['1', undefined, 'missing'],
])('owut: from %s to %s is %s', (installed, available, change) => {
  expect(changeBetween(installed, available)).toBe(change);
});

test('owut: a candidate comes before its release, the snapshot of a branch after it, and the snapshot last', () => {
  const sorted = [
    '23.05.5',
    '24.10.0-rc1',
    '24.10.0-rc7',
    '24.10.0',
    '24.10.2',
    '24.10.10',
    '24.10-SNAPSHOT',
    'SNAPSHOT',
  ];
  expect(sorted.toReversed().toSorted(compareReleases)).toEqual(sorted);
});
