import { describe, expect, it, test } from 'vitest';
import {
  areFew,
  areTooMany,
  canBeSpared,
  type FaultsInARow,
  isFault,
  lastFaultAt,
  type NodeFault,
  toldFaults,
  withBlame,
  withFault,
  withoutBuild,
  withoutShared,
  withShared,
} from './node-faults.ts';

const fault = (requestHash: string, at: number, blame: NodeFault['blame'] = 'alone'): NodeFault => ({
  requestHash,
  kind: 'disk_full',
  at,
  blame,
});

/** One after the other, each lease given after the last fault. */
const inARow = (...builds: string[]): FaultsInARow =>
  builds.reduce<FaultsInARow>((row, build, at) => withFault(row, fault(build, at * 10 + 9), at * 10 + 1), []);

const hashes = (row: FaultsInARow): string => row.map(({ requestHash }) => requestHash).join('');

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
    const first = withFault([], fault('a', 100), 1);
    const all = ['b', 'c', 'd'].reduce((row, build) => withFault(row, fault(build, 101), 2), first);
    expect(all).toEqual(first);
  });

  it('of what the node was given at the moment of the last one are two', () => {
    expect(hashes(withFault([fault('a', 100)], fault('b', 200), 100))).toBe('ab');
  });

  it('are told by their kinds, those alone that count', () => {
    const row = withFault(withShared(inARow('a', 'b', 'c'), 'a'), { ...fault('d', 99), kind: 'timeout' }, 90);
    expect(toldFaults(row)).toMatch(
      /^3 different builds in a row failed on this node.*: disk_full, disk_full, timeout$/,
    );
  });

  it('are the first ones, however long they go on, since of these is known first whose fault it was', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    expect(hashes(inARow(...letters))).toBe('abcdefghijklmnop');
  });

  it('have the time of the last of those that are left', () => {
    expect(lastFaultAt([])).toBe(0);
    expect(lastFaultAt(inARow('a', 'b'))).toBe(19);
    expect(lastFaultAt(withoutBuild(inARow('a', 'b'), 'b'))).toBe(9);
  });
});

describe('a fault at a build', () => {
  const three = inARow('a', 'b', 'c');

  it('that another node failed as well does not count until the build has ended', () => {
    const row = withShared(three, 'b');
    expect([areTooMany(row), areFew(row)]).toEqual([false, false]);
    expect(areTooMany(withBlame(row, 'b'))).toBe(true);
    expect(hashes(withoutShared(row, 'b'))).toBe('ac');
    expect(hashes(withoutShared(withShared(row, 'c'), 'b'))).toBe('ac');
  });

  it('that another node came to an end with is the node’s own, whoever fails there later', () => {
    const row = withShared(withBlame(three, 'b'), 'b');
    expect(areTooMany(row)).toBe(true);
    expect(withoutShared(row, 'b')).toEqual(row);
  });

  it('that nobody else failed stays when nobody can tell any more', () => {
    expect(withoutShared(three, 'b')).toEqual(three);
  });

  it('that was noted without its time and whose it is counts like any other', () => {
    const old: FaultsInARow = ['a', 'b'].map((requestHash) => ({ requestHash, kind: 'timeout' }));
    const row = withFault(old, fault('c', 9), 1);
    expect([lastFaultAt(old), areTooMany(row), areTooMany(withShared(row, 'a'))]).toEqual([0, true, false]);
  });

  it('that it came to a right end with after all is none', () => {
    const row = withoutBuild(withBlame(three, 'b'), 'b');
    expect([hashes(row), areFew(row)]).toEqual(['ac', true]);
  });

  it.each([withShared, withBlame, withoutShared, withoutBuild])('of another one is left as it is by %o', (change) => {
    expect(change(three, 'x')).toEqual(three);
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
