import { describe, expect, it, test } from 'vitest';
import {
  areTooMany,
  canBeSpared,
  type FaultsInARow,
  isFault,
  NO_FAULTS,
  toldFaults,
  withFault,
  withoutBuild,
} from './node-faults.ts';

/** One after the other, each lease given after the last fault. */
const inARow = (...builds: string[]): FaultsInARow =>
  builds.reduce(
    (row, requestHash, at) => withFault(row, { requestHash, kind: 'disk_full' }, at * 10 + 1, at * 10 + 9),
    NO_FAULTS,
  );

describe('faults in a row', () => {
  it.each<[string, readonly string[], boolean]>([
    ['three builds', ['a', 'b', 'c'], true],
    ['two builds', ['a', 'b'], false],
    ['one build three times', ['a', 'a', 'a'], false],
    ['two builds in turn', ['a', 'b', 'a', 'b', 'a'], false],
  ])('%s', (_, builds, tooMany) => {
    expect(areTooMany(inARow(...builds))).toBe(tooMany);
  });

  it('of builds that the node had at the same time are one', () => {
    const first = withFault(NO_FAULTS, { requestHash: 'a', kind: 'node_lost' }, 1, 100);
    const all = ['b', 'c', 'd'].reduce(
      (row, requestHash) => withFault(row, { requestHash, kind: 'node_lost' }, 2, 101),
      first,
    );
    expect(all).toEqual(first);
  });

  it('are one fewer when another node fails at one of the builds', () => {
    expect(withoutBuild(inARow('a', 'b', 'c'), 'b').faults.map(({ requestHash }) => requestHash)).toEqual(['a', 'c']);
  });

  it('are told by their kinds', () => {
    const row = withFault(inARow('a', 'b'), { requestHash: 'c', kind: 'timeout' }, 90, 99);
    expect(toldFaults(row)).toMatch(
      /^3 different builds in a row failed on this node.*: disk_full, disk_full, timeout$/,
    );
  });

  it('are no more than needed, however long they go on', () => {
    expect(inARow(...'abcdefgh').faults).toHaveLength(3);
  });
});

test.each<[able: number, setAside: number, may: boolean]>([
  [0, 0, false],
  [1, 0, true],
  [1, 1, false],
  [9, 8, true],
  [5, 5, false],
])('with %i others able and %i set aside it can be spared: %s', (able, setAside, may) => {
  expect(canBeSpared(able, setAside)).toBe(may);
});

it.each<[string | null, boolean]>([
  ['node_lost: nothing heard of node x', true],
  ['upstream_unavailable: 503', true],
  ['internal: result refused: x', true],
  ['failed: conflict', false],
  ['handed back: the node stops', false],
  ['image reported', false],
  ['cancelled', false],
  ['decided by another', false],
  ['constructor: x', false],
  ['', false],
  [null, false],
])('a lease that ended by %j was lost by a fault of its node: %s', (reason, is) => {
  expect(isFault(reason)).toBe(is);
});
