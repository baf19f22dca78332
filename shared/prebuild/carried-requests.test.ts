import { describe, expect, it, test } from 'vitest';
import { buildRecord } from '../build/build-record.fixture.ts';
import { type BuildRequest, parseBuildRequest } from '../request/build-request.ts';
import { intentHash } from '../request/intent.ts';
import { normalizeRequest } from '../request/normalize-request.ts';
import { normalizedRequest } from '../request/normalized-request.fixture.ts';
import { requestPolicy } from '../request/request-policy.fixture.ts';
import { type Branch, findBranch, OPENWRT_BRANCHES } from '../upstream/branch.ts';
import { targetDocument } from '../upstream/upstream.fixture.ts';
import { carriedRequests } from './carried-requests.ts';
import { type WantedImage, wantedImage } from './wanted-image.ts';

const policy = requestPolicy({ allowDefaults: false, maxDefaultsBytes: 0, repositoryAllowList: [] });

const branchOf = (version: string): Branch => {
  const branch = findBranch(OPENWRT_BRANCHES, version);
  if (!branch) throw new Error(`expected a branch of ${version}`);
  return branch;
};

const image = (fields: Partial<WantedImage> = {}): WantedImage => ({
  distro: 'openwrt',
  version: '24.10.2',
  target: 'ath79/generic',
  profile: 'glinet_gl-ar150',
  addPackages: ['luci', 'vim'],
  removePackages: ['ppp'],
  rootfsSizeMb: null,
  filesystem: null,
  defaults: ['base-files', 'opkg', 'ppp'],
  ...fields,
});

/** What it would be called if it was asked for like this, of a device with these defaults. */
function intentOf(request: BuildRequest, defaults: readonly string[]): string {
  const { profiles, ...target } = targetDocument();
  const own = Object.fromEntries(
    Object.entries(profiles).map(([id, profile]) => [id, { ...profile, devicePackages: [] }]),
  );
  const document = { ...target, version: request.version, defaultPackages: defaults, profiles: own };
  return intentHash('1', normalizeRequest(request, branchOf(request.version), document, policy));
}

function asked(fields: object): BuildRequest {
  const parsed = parseBuildRequest({ target: 'ath79/generic', profile: 'glinet,gl-ar150', ...fields });
  if (!parsed.ok) throw new Error(`expected a good request, got ${JSON.stringify(parsed.errors)}`);
  return parsed.request;
}

const carried = (version: string, of: WantedImage = image()) =>
  carriedRequests(of, branchOf(of.version), version, branchOf(version));

describe('in a newer release of the branch', () => {
  const defaults = ['base-files', 'opkg', 'ppp'];
  const version = '24.10.3';

  it.each([
    [
      'owut, with versions',
      { diff_packages: true, packages_versions: { vim: '9', 'base-files': '1', opkg: '1', luci: '25' } },
    ],
    [
      'auc',
      {
        diff_packages: true,
        packages_versions: { luci: '', vim: '', opkg: '', 'base-files': '' },
        version_code: 'r28600-0',
      },
    ],
    [
      'LuCI',
      {
        diff_packages: true,
        packages: ['vim', 'luci', 'opkg', 'base-files'],
        client: 'luci/1',
        version_code: 'r28600-0',
      },
    ],
    ['firmware-selector', { diff_packages: true, packages: ['base-files', 'opkg', 'ppp', '-ppp', 'luci', 'vim'] }],
    ['somebody with curl', { packages: ['luci', 'vim', '-ppp'] }],
  ])('%s asks for what was built ahead, which is one image', (_, fields) => {
    const intents = new Set(carried(version).map((request) => intentOf(request, defaults)));
    expect([...intents]).toEqual([intentOf(asked({ version, ...fields }), defaults)]);
  });
});

describe('in the next stable branch, where packages have other names and there are other defaults', () => {
  const defaults = ['apk-mbedtls', 'base-files', 'odhcpd', 'ppp'];
  const version = '25.12.0';
  const intents = () => carried(version).map((request) => intentOf(request, defaults));

  it('a router asks for all that it has, by its later name', () => {
    const packages = ['luci', 'vim', 'apk-mbedtls', 'base-files'];
    expect(intents()[0]).toBe(intentOf(asked({ version, packages, diff_packages: true }), defaults));
  });

  it('who chooses for a fresh device gets its new defaults as well', () => {
    expect(intents()[1]).toBe(intentOf(asked({ version, packages: ['luci', 'vim', '-ppp'] }), defaults));
    expect(intents()[0]).not.toBe(intents()[1]);
  });

  it('what is gone is not asked for', () => {
    const of = image({ version: '23.05.5', addPackages: ['auc', 'luci-app-diag-core'], removePackages: [] });
    expect(carried(version, of)[1]?.packages).toEqual(['owut']);
  });
});

test.each<[name: string, from: string | null, version: string, later: string]>([
  ['opkg', '24.10.2', '25.12.0', 'apk-mbedtls'],
  ['firewall', '23.05.5', '24.10.2', 'firewall'],
  ['firewall', null, '24.10.2', 'firewall4'],
  ['opkg', 'SNAPSHOT', 'SNAPSHOT', 'opkg'],
])('%s, where the image is of %s, is asked for in %s as %s', (name, from, version, later) => {
  const of = image({ addPackages: [name], removePackages: [] });
  const [, beside] = carriedRequests(of, from === null ? null : branchOf(from), version, branchOf(version));
  expect(beside?.packages).toEqual([later]);
});

test('a size and a file system go along', () => {
  const [request] = carried('24.10.3', image({ rootfsSizeMb: 512, filesystem: 'ext4' }));
  expect(request).toMatchObject({ rootfs_size_mb: 512, filesystem: 'ext4', defaults: '', client: null });
  expect(request).toMatchObject({ version_code: '', repositories: {}, repositories_mode: 'append' });
});

describe('what of a record is wanted', () => {
  it('is the wish, and what upstream installed on the device', () => {
    const { device } = buildRecord();
    const record = buildRecord({ device: { ...device, devicePackages: ['kmod-usb2', '-ppp', 'ath10k', 'kmod-usb2'] } });
    expect(wantedImage(record)).toEqual({
      distro: 'openwrt',
      version: '24.10.2',
      target: 'ath79/generic',
      profile: 'glinet_gl-ar150',
      addPackages: ['luci', 'vim'],
      removePackages: ['ppp'],
      rootfsSizeMb: null,
      filesystem: null,
      defaults: ['ath10k', 'base-files', 'kmod-usb2'],
    });
  });

  it.each([
    ['a private image', { private: true }],
    ['foreign feeds', { request: normalizedRequest({ repositories: ['custom https://feeds.example/x'] }) }],
  ])('%s: nothing', (_, fields) => {
    expect(wantedImage(buildRecord(fields))).toBeNull();
  });
});
