import { describe, expect, it, test } from 'vitest';
import { BuildError } from '../build/build-error.ts';
import { findBranch, OPENWRT_BRANCHES } from '../upstream/branch.ts';
import type { TargetDocument } from '../upstream/catalogue-document.ts';
import { OPENWRT } from '../upstream/distro.ts';
import { profileEntry, targetDocument } from '../upstream/upstream.fixture.ts';
import { type BuildRequest, parseBuildRequest } from './build-request.ts';
import { checkPolicy, isPrivate, normalizeRequest, type RequestPolicy } from './normalize-request.ts';
import { requestPolicy } from './request-policy.fixture.ts';

const policy = requestPolicy({ maxDefaultsBytes: 8, repositoryAllowList: ['https://feeds.example/packages/'] });

const withFeeds: RequestPolicy = {
  ...policy,
  distros: [{ ...OPENWRT, feeds: [{ name: 'lime', url: 'https://feeds.example/lime' }] }],
};

function request(fields: Partial<Record<keyof BuildRequest, unknown>> = {}): BuildRequest {
  const base = { version: '24.10.2', target: 'ath79/generic', profile: 'glinet_gl-ar150' };
  const parsed = parseBuildRequest({ ...base, ...fields });
  if (!parsed.ok) throw new Error(`expected a good request, got ${JSON.stringify(parsed)}`);
  return parsed.request;
}

function normalize(fields: Partial<Record<keyof BuildRequest, unknown>>, target: TargetDocument = targetDocument()) {
  const asked = request(fields);
  const branch = findBranch(OPENWRT_BRANCHES, asked.version);
  if (!branch) throw new Error(`expected a branch of ${asked.version}`);
  return normalizeRequest(asked, branch, target, policy);
}

function errorOf(work: () => unknown): Pick<BuildError, 'kind' | 'detail' | 'errors'> {
  try {
    work();
  } catch (error) {
    if (error instanceof BuildError) return { kind: error.kind, detail: error.detail, errors: error.errors };
    throw error;
  }
  throw new Error('expected an error, got none');
}

describe('what this server does not allow', () => {
  const off: RequestPolicy = { ...policy, allowDefaults: false };
  it.each<[string, Partial<Record<keyof BuildRequest, unknown>>, RequestPolicy, object]>([
    ['another distro', { distro: 'other' }, policy, { kind: 'unsupported', detail: 'Unsupported distro: other' }],
    [
      'defaults where they are off',
      { defaults: 'x' },
      off,
      { kind: 'bad_request', detail: 'Handling `defaults` not enabled on server' },
    ],
    [
      'defaults that are too long, counted in bytes',
      { defaults: '€€€' },
      policy,
      { kind: 'invalid_request', errors: [{ path: 'defaults', message: 'expected at most 8 bytes, got 9' }] },
    ],
    [
      'a root file system that is too large',
      { rootfs_size_mb: '1025' },
      policy,
      { kind: 'invalid_request', errors: [{ path: 'rootfs_size_mb', message: 'expected at most 1024 MiB, got 1025' }] },
    ],
    [
      'a repository that is not on the list',
      { repositories: { good: 'https://feeds.example/packages/a', evil: 'https://evil.example/packages/' } },
      policy,
      { kind: 'bad_request', detail: 'Repository not allowed: https://evil.example/packages/' },
    ],
    [
      'a repository that is called as a feed of the distribution',
      { repositories: { lime: 'https://feeds.example/packages/a' } },
      withFeeds,
      { kind: 'bad_request', detail: 'Repository not allowed: lime is the name of a feed of openwrt' },
    ],
  ])('%s is refused', (_, fields, rules, error) => {
    expect(errorOf(() => checkPolicy(request(fields), rules))).toMatchObject(error);
  });

  it.each<[string, Partial<Record<keyof BuildRequest, unknown>>, RequestPolicy]>([
    ['nothing special', {}, off],
    ['no defaults where they are off', { defaults: '' }, off],
    ['the longest defaults', { defaults: '€€xx' }, policy],
    ['the largest root file system', { rootfs_size_mb: 1024 }, policy],
    ['a listed repository', { repositories: { good: 'https://feeds.example/packages/a' } }, policy],
    [
      'one beside the feeds of the distribution',
      { repositories: { good: 'https://feeds.example/packages/a' } },
      withFeeds,
    ],
  ])('%s passes', (_, fields, rules) => {
    expect(() => checkPolicy(request(fields), rules)).not.toThrow();
  });
});

const KEY = 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw';

describe('a normalised request', () => {
  it('has the real profile, the folded packages and nothing of who asked', () => {
    const asked = { profile: 'glinet,gl-ar150', packages: ['vim', '+luci', 'vim', '-ppp', 'dnsmasq'], client: 'x' };
    expect(normalize(asked)).toEqual({
      distro: 'openwrt',
      version: '24.10.2',
      target: 'ath79/generic',
      profile: 'glinet_gl-ar150',
      addPackages: ['luci', 'vim'],
      removePackages: ['ppp'],
      rootfsSizeMb: null,
      filesystem: null,
      repositories: [],
      repositoriesMode: 'append',
      repositoryKeys: [],
      defaultsMac: '',
    });
  });

  it('knows packages of the device as installed anyway', () => {
    const profile = 'tplink_archer-c7-v4';
    expect(normalize({ profile, packages: ['kmod-ath10k-ct'] })).toMatchObject({ addPackages: [], removePackages: [] });
    expect(normalize({ profile, packages: ['-kmod-ath10k-ct'] }).removePackages).toEqual(['kmod-ath10k-ct']);
  });

  it('knows a default that the device drops as not installed', () => {
    const profiles = { dropper: profileEntry({ devicePackages: ['-ppp', 'ppp-mini'] }) };
    const target = targetDocument({ profiles });
    expect(normalize({ profile: 'dropper', packages: ['ppp'] }, target).addPackages).toEqual(['ppp']);
    expect(normalize({ profile: 'dropper', packages: ['-ppp'] }, target).removePackages).toEqual([]);
    const whole = { profile: 'dropper', diff_packages: true, packages: ['vim'] };
    expect(normalize(whole, target).removePackages).toEqual(['base-files', 'dnsmasq', 'ppp-mini']);
  });

  it('with an empty absolute list removes nothing', () => {
    expect(normalize({ diff_packages: true, packages: [] }).removePackages).toEqual([]);
    // Nothing to install is left of these either.
    expect(normalize({ diff_packages: true, packages: ['-ppp'] }).removePackages).toEqual(['ppp']);
    expect(normalize({ diff_packages: true, packages: ['luci-i18n-base-en'] }).removePackages).toEqual([]);
    expect(normalize({ diff_packages: true, packages: ['vim'] })).toMatchObject({
      addPackages: ['vim'],
      removePackages: ['base-files', 'dnsmasq', 'ppp'],
    });
  });

  it('has the packages that changed their names or went away', () => {
    const packages = ['luci-i18n-opkg-de', 'luci-i18n-base-en', 'kmod-nft-nat6', 'luci-app-diag-core'];
    expect(normalize({ packages }).addPackages).toEqual(['luci-i18n-package-manager-de']);
  });

  it('has what the device needs on this branch, unless it was asked not to', () => {
    const target = targetDocument({ target: 'mediatek/filogic', profiles: { ax6000: profileEntry() } });
    const asked = { target: 'mediatek/filogic', profile: 'ax6000' };
    expect(normalize(asked, target).addPackages).toEqual(['fitblk']);
    expect(normalize({ ...asked, packages: ['-fitblk'] }, target).addPackages).toEqual([]);
    expect(normalize({ ...asked, diff_packages: true, packages: ['vim'] }, target).addPackages).toEqual([
      'fitblk',
      'vim',
    ]);
  });

  it('drops of the defaults what the device names, and nothing that ends alike', () => {
    const target = targetDocument({
      defaultPackages: ['uci'],
      profiles: { plain: profileEntry({ devicePackages: ['luci'] }) },
    });
    const whole = { profile: 'plain', diff_packages: true, packages: ['vim'] };
    expect(normalize(whole, target).removePackages).toEqual(['luci', 'uci']);
  });

  it('has keys in one order', () => {
    const keys = ['RWRNAX5vHtXWFmt+n5di7XX8rTu0w+c8X7Ihv4oCyD6tzsUwmH0A6kO0', KEY];
    const repositories = { custom: 'https://feeds.example/x/' };
    for (const repository_keys of [keys, [...keys].reverse()])
      expect(normalize({ repositories, repository_keys }).repositoryKeys).toEqual(keys);
  });

  it('has keys once each, without the blanks around them', () => {
    const repositories = { custom: 'https://feeds.example/x/' };
    expect(normalize({ repositories, repository_keys: [`${KEY}\n`, KEY] }).repositoryKeys).toEqual([KEY]);
  });

  it('holds of a secret only a MAC that nobody without the key can guess, and is private', () => {
    const normalized = normalize({ defaults: 'hunter2' });
    expect(normalized.defaultsMac).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(normalized)).not.toContain('hunter2');
    const otherKey = { ...policy, defaultsKey: new Uint8Array(32).fill(2) };
    const branch = OPENWRT_BRANCHES[2];
    if (!branch) throw new Error('expected a branch');
    const other = normalizeRequest(request({ defaults: 'hunter2' }), branch, targetDocument(), otherKey);
    expect(other.defaultsMac).not.toBe(normalized.defaultsMac);
    expect([isPrivate(normalized), isPrivate(normalize({}))]).toEqual([true, false]);
  });
});

test.each(['nosuch', '__proto__', 'constructor', 'glinet_gl-ar15', 'GLINET_GL-AR150'])(
  'the unknown profile %s is refused in the words that people search for',
  (profile) => {
    expect(errorOf(() => normalize({ profile }))).toMatchObject({
      kind: 'unsupported',
      detail: `Unsupported profile: ${profile}. The requested profile was either dropped or never existed. Please check the forums for more information.`,
    });
  },
);

test.each(['a%', 'a b', '$(x)', '-a', '.a', 'a/b'])(
  'a profile that upstream itself calls %j never reaches make',
  (id) => {
    const target = targetDocument({ profiles: { [id]: profileEntry({ supportedDevices: ['board'] }) } });
    expect(errorOf(() => normalize({ profile: 'board' }, target)).kind).toBe('unsupported');
  },
);
