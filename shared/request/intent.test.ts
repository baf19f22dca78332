import { describe, expect, it, test } from 'vitest';
import { findBranch, OPENWRT_BRANCHES } from '../upstream/branch.ts';
import { targetDocument } from '../upstream/upstream.fixture.ts';
import { type BuildRequest, parseBuildRequest } from './build-request.ts';
import { intentHash, requestHash } from './intent.ts';
import { type NormalizedRequest, normalizeRequest } from './normalize-request.ts';
import { normalizedRequest } from './normalized-request.fixture.ts';
import { requestPolicy } from './request-policy.fixture.ts';

const plain = normalizedRequest({
  target: 'ath79/generic',
  profile: 'tplink_archer-c7-v4',
  addPackages: ['luci', 'vim'],
  removePackages: ['ppp'],
});

const full: NormalizedRequest = {
  ...plain,
  rootfsSizeMb: 256,
  filesystem: 'squashfs',
  repositories: ['custom https://feeds.example/x/'],
  repositoriesMode: 'replace',
  repositoryKeys: ['RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw'],
  defaultsMac: 'e'.repeat(64),
};

// Golden: computed once and fixed for good. If one of these fails, the code is wrong and not the vector: a changed hash
// disowns every image ever built, and a hash that differs between the runtimes would be a split brain.
test.each([
  ['plain', intentHash('1', plain), '92bc5b2872616637e0dcb12cdf086f3746cf3c31284e106314f4bdf8d73e150a'],
  ['full', intentHash('1', full), '983c34f8cb00d30352547e87deae90cd4ce32e3ba34684ff4633c6a05d78d4ef'],
  ['of another salt', intentHash('2', plain), '26e753c079e6f680e5e2a63097033d73b2ddf0cb8ca119f10e4f4d99d9b0b4f5'],
  ['generation 1', requestHash('a'.repeat(64), 1), '813ac20b23a4ffb6e5eab6776792a7064866ebb2c5c8e94e7e8e2d1f98b290c0'],
  ['generation 2', requestHash('a'.repeat(64), 2), '9ad4c6b567274c70d12e454c2760c1c77fac94189ff5b6d682ab27147d727cd3'],
])('the golden hash %s is what it was', (_, hash, golden) => {
  expect(hash).toBe(golden);
});

test('every field of a request, and the salt, changes the intent', () => {
  const changes: { [Field in keyof NormalizedRequest]: NormalizedRequest[Field] } = {
    distro: 'other',
    version: '24.10.1',
    target: 'ath79/nand',
    profile: 'glinet_gl-ar150',
    addPackages: ['luci'],
    removePackages: [],
    rootfsSizeMb: 257,
    filesystem: 'ext4',
    repositories: [],
    repositoriesMode: 'append',
    repositoryKeys: [],
    defaultsMac: '',
  };
  const hashes = Object.entries(changes).map(([field, value]) => intentHash('1', { ...full, [field]: value }));
  expect(new Set([...hashes, intentHash('1', full), intentHash('', full), intentHash('11', full)]).size).toBe(
    hashes.length + 3,
  );
});

test('a package moved between adding and removing, or glued to its neighbour, is another intent', () => {
  const spellings: Partial<NormalizedRequest>[] = [
    { addPackages: ['a', 'b'], removePackages: [] },
    { addPackages: ['a'], removePackages: ['b'] },
    { addPackages: [], removePackages: ['a', 'b'] },
    { addPackages: ['a b'], removePackages: [] },
    { addPackages: ['ab'], removePackages: [] },
    { addPackages: ['a', 'b', ''], removePackages: [] },
  ];
  const hashes = spellings.map((fields) => intentHash('1', { ...plain, ...fields }));
  expect(new Set(hashes).size).toBe(spellings.length);
});

test('salt and first field cannot trade letters', () => {
  expect(intentHash('1a', { ...plain, distro: 'b' })).not.toBe(intentHash('1', { ...plain, distro: 'ab' }));
});

describe('from what a client wrote', () => {
  const branch = findBranch(OPENWRT_BRANCHES, '24.10.2');
  const base = { version: '24.10.2', target: 'ath79/generic', profile: 'tplink_archer-c7-v4' };

  function hashOf(fields: Partial<Record<keyof BuildRequest, unknown>>): string {
    const parsed = parseBuildRequest({ ...base, packages: ['vim', 'luci', '-ppp'], ...fields });
    if (!parsed.ok || !branch) throw new Error(`expected a good request, got ${JSON.stringify(parsed)}`);
    return intentHash('1', normalizeRequest(parsed.request, branch, targetDocument(), requestPolicy()));
  }

  it.each<[string, Partial<Record<keyof BuildRequest, unknown>>]>([
    ['another order', { packages: ['-ppp', 'luci', 'vim'] }],
    ['duplicates', { packages: ['vim', 'luci', 'vim', '-ppp', '-ppp'] }],
    ['a plus sign', { packages: ['+vim', 'luci', '-ppp'] }],
    ['defaults named again', { packages: ['vim', 'luci', '-ppp', 'dnsmasq', 'base-files', 'kmod-ath10k-ct'] }],
    ['a removal of what is not there', { packages: ['vim', 'luci', '-ppp', '-nano'] }],
    [
      'the absolute spelling',
      { diff_packages: true, packages: ['base-files', 'dnsmasq', 'kmod-ath10k-ct', 'luci', 'vim'] },
    ],
    [
      'exact versions instead of a list',
      {
        diff_packages: true,
        packages: [],
        packages_versions: { 'base-files': '1', dnsmasq: '', 'kmod-ath10k-ct': '6.6', luci: '25.1', vim: '9.1' },
      },
    ],
    ['another client', { client: 'owut/2026' }],
    ['an alias of the profile', { profile: 'archer-c7-v4' }],
    ['the board name', { profile: 'tplink,archer-c7-v4' }],
    ['a condition on the revision', { version_code: 'r28427-6df0e3d02a' }],
    ['conditions on versions', { packages_versions: { vim: '9.1' } }],
    ['a mode without repositories', { repositories_mode: 'replace' }],
    ['a key without repositories', { repository_keys: ['RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw'] }],
    ['the distro spelled out', { distro: 'openwrt' }],
  ])('%s is the same intent', (_, fields) => {
    expect(hashOf(fields)).toBe(hashOf({}));
  });

  it.each<[string, Partial<Record<keyof BuildRequest, unknown>>]>([
    ['a package more', { packages: ['vim', 'luci', '-ppp', 'nano'] }],
    ['a default kept', { packages: ['vim', 'luci'] }],
    ['another profile', { profile: 'gl-ar150' }],
    ['a root file system of another size', { rootfs_size_mb: 300 }],
    ['another file system', { filesystem: 'ext4' }],
    ['a repository', { repositories: { custom: 'https://feeds.example/x/' } }],
    ['a first-boot script', { defaults: 'echo 1' }],
  ])('%s is another intent', (_, fields) => {
    expect(hashOf(fields)).not.toBe(hashOf({}));
  });

  it('a key to a repository is another intent', () => {
    const repositories = { custom: 'https://feeds.example/x/' };
    const repository_keys = ['RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw'];
    expect(hashOf({ repositories, repository_keys })).not.toBe(hashOf({ repositories }));
  });

  it('two first-boot scripts are two intents, and a numeric string is its number', () => {
    expect(hashOf({ defaults: 'echo 1' })).not.toBe(hashOf({ defaults: 'echo 2' }));
    expect(hashOf({ rootfs_size_mb: '256' })).toBe(hashOf({ rootfs_size_mb: 256 }));
  });

  it('repositories in another order are the same intent, in another mode another', () => {
    const repositories = { a: 'https://feeds.example/a/', b: 'https://feeds.example/b/' };
    const turned = { b: 'https://feeds.example/b/', a: 'https://feeds.example/a/' };
    expect(hashOf({ repositories })).toBe(hashOf({ repositories: turned }));
    expect(hashOf({ repositories })).not.toBe(hashOf({ repositories, repositories_mode: 'replace' }));
  });
});
