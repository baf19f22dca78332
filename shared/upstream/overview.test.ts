import { describe, expect, it } from 'vitest';
import { OPENWRT_BRANCHES } from './branch.ts';
import type { VersionsDocument } from './catalogue-document.ts';
import { latestVersions, overviewDocument } from './overview.ts';
import { PACKAGE_CHANGES } from './package-changes.ts';

const versions: VersionsDocument = {
  kind: 'versions',
  versions: [
    { version: '25.12.0-rc1', branch: '25.12', targets: {} },
    { version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64', 'ath79/generic': 'mips_24kc' } },
    { version: '24.10.1', branch: '24.10', targets: { 'x86/64': 'i386', 'ath79/tiny': 'mips_24kc' } },
    { version: 'SNAPSHOT', branch: 'SNAPSHOT', targets: { 'x86/64': 'x86_64' } },
    { version: '24.10-SNAPSHOT', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
  ],
  stableVersion: '24.10.2',
  oldstableVersion: '23.05.5',
  upcomingVersion: '25.12.0-rc1',
  fetchedAt: 1,
  checkedAt: 2,
};

const settings = {
  serverVersion: '0.1.0',
  upstreamUrl: 'https://downloads.openwrt.org',
  contact: 'somebody@example.org',
  branches: OPENWRT_BRANCHES,
  allowDefaults: false,
  repositoryAllowList: ['https://feeds.example.org/'],
  maxRootfsSizeMb: 1024,
  maxDefaultsBytes: 20_480,
};

describe('the overview', () => {
  const overview = overviewDocument(versions, settings);

  it('names as latest what is offered: upcoming, stable, and oldstable only where there is one', () => {
    expect(overview.latest).toEqual(['25.12.0-rc1', '24.10.2']);
    expect(latestVersions({ ...versions, upcomingVersion: '', oldstableVersion: '24.10.1' })).toEqual([
      '24.10.2',
      '24.10.1',
    ]);
  });

  it('has enabled branches only, each with its versions newest first', () => {
    expect(Object.keys(overview.branches)).toEqual(['SNAPSHOT', '25.12', '24.10', '23.05']);
    expect(overview.branches['24.10']?.versions).toEqual(['24.10-SNAPSHOT', '24.10.2', '24.10.1']);
    expect(overview.branches['23.05']?.versions).toEqual([]);
  });

  it("has a branch in exactly the form that clients read, a target's architecture from its newest version", () => {
    const { package_changes, ...branch } = overview.branches['24.10']!;
    expect(branch).toEqual({
      name: '24.10',
      enabled: true,
      snapshot: true,
      path: 'releases/{version}',
      path_packages: 'DEPRECATED',
      branch_off_rev: 27990,
      versions: ['24.10-SNAPSHOT', '24.10.2', '24.10.1'],
      targets: { 'ath79/generic': 'mips_24kc', 'ath79/tiny': 'mips_24kc', 'x86/64': 'x86_64' },
    });
    expect(package_changes).toContainEqual({ source: 'auc', target: 'owut', revision: 26792 });
    expect(overview.branches.SNAPSHOT).toMatchObject({ path: 'snapshots', branch_off_rev: null });
  });

  it('gives a branch the package changes up to its branch-off, and main all of them', () => {
    const sources = (name: string) => overview.branches[name]?.package_changes.map((change) => change.source);
    expect(sources('24.10')).not.toContain('opkg');
    expect(sources('23.05')).not.toContain('auc');
    expect(sources('25.12')).toContain('opkg');
    expect(sources('SNAPSHOT')).toEqual(PACKAGE_CHANGES.map((change) => change.source));
  });

  it('tells the limits and the upstream of this server', () => {
    expect(overview.upstream_url).toBe('https://downloads.openwrt.org');
    expect(overview.server).toEqual({
      version: '0.1.0',
      contact: 'somebody@example.org',
      allow_defaults: false,
      repository_allow_list: ['https://feeds.example.org/'],
      max_custom_rootfs_size_mb: 1024,
      max_defaults_length: 20_480,
    });
  });
});
