import { describe, expect, it, test } from 'vitest';
import { branchName, branchPath, findBranch, isSnapshot, OPENWRT_BRANCHES, versionPath } from './branch.ts';

test.each([
  ['24.10.2', '24.10', false, 'releases/24.10.2'],
  ['24.10.0-rc1', '24.10', false, 'releases/24.10.0-rc1'],
  ['23.05.12', '23.05', false, 'releases/23.05.12'],
  ['24.10-SNAPSHOT', '24.10', true, 'releases/24.10-SNAPSHOT'],
  ['SNAPSHOT', 'SNAPSHOT', true, 'snapshots'],
])('%s is of branch %s', (version, branch, snapshot, path) => {
  expect([branchName(version), isSnapshot(version), versionPath(version)]).toEqual([branch, snapshot, path]);
});

test.each([
  '24.10',
  '24.10.',
  '24.10.2\n',
  '24.10.2-rc',
  '24.10.2-SNAPSHOT',
  '24.10-snapshot',
  'snapshot',
  '4.10.2',
  '24.1.2',
  '24.10.x',
  '../24.10.2',
  '١٢.10.2',
  '__proto__',
  '',
])('%j is of no branch', (version) => {
  expect(branchName(version)).toBeNull();
  expect(findBranch(OPENWRT_BRANCHES, version)).toBeNull();
});

describe('a branch', () => {
  it('is found for its versions while it is enabled', () => {
    expect(findBranch(OPENWRT_BRANCHES, '25.12.1')?.branchOffRevision).toBe(32295);
    expect(findBranch(OPENWRT_BRANCHES, 'SNAPSHOT')?.branchOffRevision).toBeNull();
    expect(findBranch(OPENWRT_BRANCHES, '21.02.7')).toBeNull();
    expect(findBranch(OPENWRT_BRANCHES, '26.06.0')).toBeNull();
  });

  it('that has the name of no branch is not everybody’s', () => {
    const odd = { name: 'null', enabled: true, snapshot: true, branchOffRevision: null };
    expect(findBranch([odd], 'nonsense')).toBeNull();
  });

  it('has the path that clients put the version in', () => {
    expect(OPENWRT_BRANCHES.map((branch) => `${branch.name} ${branchPath(branch)}`)).toEqual([
      'SNAPSHOT snapshots',
      '25.12 releases/{version}',
      '24.10 releases/{version}',
      '23.05 releases/{version}',
      '22.03 releases/{version}',
      '21.02 releases/{version}',
    ]);
  });
});
