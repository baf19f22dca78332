import { describe, expect, it, test } from 'vitest';
import type { VersionsDocument } from '../upstream/catalogue-document.ts';
import { type Distro, OPENWRT } from '../upstream/distro.ts';
import { latestVersion, offeredDistributions, offeredDistros, offeredVersions } from './offered-versions.ts';

const versions = (fields: Partial<VersionsDocument> = {}): VersionsDocument => ({
  kind: 'versions',
  versions: ['24.10.2', '24.10.10', '25.12.0-rc1', '23.05.5', 'SNAPSHOT', '24.10-SNAPSHOT'].map((version) => ({
    version,
    branch: '',
    targets: {},
  })),
  stableVersion: '24.10.10',
  oldstableVersion: '23.05.5',
  upcomingVersion: '25.12.0-rc1',
  fetchedAt: 0,
  checkedAt: 0,
  ...fields,
});

const lime: Distro = { name: 'lime', alias: 'LibreMesh', description: 'Meshes', feeds: [], feedKeys: [], packages: [] };
const plain: Distro = { name: '__proto__', feeds: [], feedKeys: [], packages: [] };

test('distributions are listed with their names for people and the version that is selected at first', () => {
  expect(offeredDistros([OPENWRT, lime, plain], versions())).toEqual([
    { name: 'openwrt', alias: 'OpenWrt', latest: '24.10.10', description: OPENWRT.description },
    { name: 'lime', alias: 'LibreMesh', latest: '24.10.10', description: 'Meshes' },
    { name: '__proto__', alias: '__proto__', latest: '24.10.10', description: '' },
  ]);
});

test('distributions by name have all their versions, newest first, in words', () => {
  const answer = offeredDistributions([OPENWRT, plain], versions());
  expect(Object.keys(answer)).toEqual(['openwrt', '__proto__']);
  expect(answer.openwrt).toEqual({
    distro_alias: 'OpenWrt',
    latest: '24.10.10',
    distro_description: OPENWRT.description,
    versions: {
      SNAPSHOT: { version_description: 'Development version, untested, changes every day' },
      '25.12.0-rc1': { version_description: 'Release candidate, for tests' },
      '24.10-SNAPSHOT': {
        version_description: 'What the next release of this branch will be, changes every day',
      },
      '24.10.10': { version_description: 'Current stable release' },
      '24.10.2': { version_description: 'Earlier release' },
      '23.05.5': { version_description: 'Last release of the previous branch' },
    },
  });
  expect(Object.values(answer)[1]).toMatchObject({ distro_alias: '__proto__', distro_description: '' });
  expect(Object.keys(answer.openwrt?.versions ?? {})).toEqual(
    offeredVersions([OPENWRT], versions()).map(({ version }) => version),
  );
});

describe('versions', () => {
  it('are listed newest first, for each distribution', () => {
    const listed = offeredVersions([OPENWRT, lime], versions());
    expect(listed.map(({ distro, version, alias, snapshots }) => [distro, version, alias, snapshots])).toEqual(
      [
        ['SNAPSHOT', 'snapshot', true],
        ['25.12.0-rc1', '25.12.0-rc1', false],
        ['24.10-SNAPSHOT', '24.10-SNAPSHOT', true],
        ['24.10.10', '24.10.10', false],
        ['24.10.2', '24.10.2', false],
        ['23.05.5', '23.05.5', false],
      ].flatMap((row) => ['openwrt', 'lime'].map((distro) => [distro, ...row])),
    );
  });

  it.each([
    ['upstream calls one stable', {}, '24.10.10'],
    ['upstream calls none stable', { stableVersion: '' }, '25.12.0-rc1'],
    [
      'there are only snapshots',
      { stableVersion: '', versions: [{ version: 'SNAPSHOT', branch: '', targets: {} }] },
      'SNAPSHOT',
    ],
    ['there is nothing', { stableVersion: '', versions: [] }, ''],
  ])('have a latest one where %s', (_, fields, version) => {
    expect(latestVersion(versions(fields))).toBe(version);
  });
});
