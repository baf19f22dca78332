import { expect, test } from 'vitest';
import { isNextVersion } from './next-version.ts';

test.each([
  ['24.10.2', '24.10.3', '24.10.3', true, 'a newer release of the branch'],
  ['24.10.0', '24.10.10', '24.10.10', true, 'one that is newer by number, not by letters'],
  ['24.10.3', '24.10.2', '24.10.3', false, 'an older one'],
  ['24.10.3', '24.10.3', '24.10.3', false, 'the same'],
  ['24.10.2', '25.12.0', '25.12.0', true, 'the first release of the next stable branch'],
  ['23.05.5', '25.12.0', '25.12.0', true, 'the stable branch, two branches on'],
  ['24.10.2', '25.12.0', '24.10.2', false, 'a branch that is not stable yet'],
  ['25.12.0', '24.10.4', '24.10.4', false, 'an older branch, whatever is called stable'],
  ['24.10.2', '24.10.3-rc1', '24.10.2', false, 'a candidate, to one that has a release'],
  ['25.12.0-rc1', '25.12.0-rc2', '24.10.2', true, 'a candidate, to one that has a candidate'],
  ['25.12.0-rc1', '25.12.0', '25.12.0', true, 'the release, to one that has its candidate'],
  ['24.10.2', '25.12.0', '', false, 'another branch, where upstream calls nothing stable'],
  ['SNAPSHOT', 'SNAPSHOT', '24.10.2', true, 'the snapshot of today'],
  ['24.10-SNAPSHOT', '24.10-SNAPSHOT', '24.10.2', true, 'the snapshot of a branch'],
  ['24.10-SNAPSHOT', '24.10.3', '24.10.3', false, 'a release, to one that has a snapshot'],
  ['24.10-SNAPSHOT', '25.12.0', '25.12.0', false, 'a release of the next branch, to one that has a snapshot'],
  ['24.10.2', '24.10-SNAPSHOT', '24.10.2', false, 'a snapshot, to one that has a release'],
  ['24.10.2', 'nonsense', '24.10.2', false, 'what is no version'],
  ['24.10.2', '9999.1.1', '', false, 'what is of no branch, where upstream calls nothing stable'],
])('%s → %s where %s is stable: %s (%s)', (from, to, stable, expected) => {
  expect(isNextVersion(from, to, stable)).toBe(expected);
});
