import { describe, expect, it, test } from 'vitest';
import { type Branch, branchName, findBranch, OPENWRT_BRANCHES } from './branch.ts';
import {
  applyPackageChanges,
  deviceAdditions,
  laterName,
  latestPack,
  mayBeRenamed,
  PACKAGE_CHANGES,
} from './package-changes.ts';

function applied(version: string, packages: string[]): string[] {
  const branch = findBranch(
    OPENWRT_BRANCHES.map((each) => ({ ...each, enabled: true })),
    version,
  );
  if (!branch) throw new Error(`expected a branch of ${version}`);
  return applyPackageChanges(packages, branch);
}

describe('a selection', () => {
  it.each<[string, string, string[], string[]]>([
    ['loses a mandatory one on a branch cut after the change', '23.05.5', ['kmod-nft-nat6', 'vim'], ['vim']],
    ['keeps it on a branch cut before', '21.02.7', ['kmod-nft-nat6'], ['kmod-nft-nat6']],
    ['loses it from main', 'SNAPSHOT', ['luci-app-diag-core'], []],
    ['loses its removal too', '24.10.2', ['-luci-app-diag-core', '+kmod-nft-nat6'], []],
    [
      'keeps what a client carries over by itself, since the old name is there still',
      '25.12.0',
      ['opkg', '-wpad-basic-wolfssl', 'firewall'],
      ['opkg', '-wpad-basic-wolfssl', 'firewall'],
    ],
    [
      'gets the new name where the old one is gone, with its sign',
      '24.10.2',
      ['auc', '-luci-app-opkg', '+auc'],
      ['owut', '-luci-app-package-manager', '+owut'],
    ],
    [
      'keeps the new name that was asked for beside a removal of the old one',
      '24.10.2',
      [
        'owut',
        '-auc',
        '-luci-app-opkg',
        '+luci-app-package-manager',
        'luci-i18n-package-manager-de',
        '-luci-i18n-opkg-de',
      ],
      ['owut', '+luci-app-package-manager', 'luci-i18n-package-manager-de'],
    ],
    ['keeps that name before the change', '23.05.5', ['auc', 'luci-app-opkg'], ['auc', 'luci-app-opkg']],
    ['gets the new name of a language pack', '24.10.2', ['luci-i18n-opkg-de'], ['luci-i18n-package-manager-de']],
    ['gets it with its sign', '24.10.2', ['-luci-i18n-opkg-pt-br'], ['-luci-i18n-package-manager-pt-br']],
    ['keeps the old name before the change', '23.05.5', ['luci-i18n-opkg-de'], ['luci-i18n-opkg-de']],
    ['loses English everywhere', '21.02.7', ['luci-i18n-base-en', '+luci-i18n-firewall-en'], []],
    ['loses English under a name that changed', '24.10.2', ['luci-i18n-opkg-en'], []],
    [
      'keeps what only looks similar',
      '24.10.2',
      ['luci-i18n-base-end', 'luci-app-diag-core2'],
      ['luci-i18n-base-end', 'luci-app-diag-core2'],
    ],
    ['may have the new name twice', '24.10.2', ['auc', 'owut'], ['owut', 'owut']],
    ['keeps what contradicts itself', '24.10.2', ['vim', '-vim'], ['vim', '-vim']],
    ['keeps order and duplicates', '24.10.2', ['b', 'a', 'b'], ['b', 'a', 'b']],
  ])('%s', (_, version, packages, expected) => {
    expect(applied(version, packages)).toEqual(expected);
  });
});

test.each<[source: string, revision: number, later: string]>([
  ['auc', 26_792, 'owut'],
  ['luci-app-opkg', 27_897, 'luci-app-package-manager'],
  ['luci-i18n-opkg-de', 27_897, 'luci-i18n-package-manager-de'],
])(
  '%s has its new name on a branch that was cut at revision %i, and not on one cut before',
  (source, revision, later) => {
    const cutAt = (branchOffRevision: number): Branch => ({
      name: '',
      enabled: true,
      snapshot: true,
      branchOffRevision,
    });
    expect(applyPackageChanges([source], cutAt(revision))).toEqual([later]);
    expect(applyPackageChanges([source], cutAt(revision - 1))).toEqual([source]);
  },
);

test.each<[name: string, latest: string | null | undefined]>([
  ['luci-i18n-opkg-de', 'luci-i18n-package-manager-de'],
  ['luci-i18n-opkg-en', null],
  ['luci-i18n-base-de', undefined],
  ['luci-i18n--en', undefined],
  ['my-luci-i18n-base-en', undefined],
  ['my-luci-i18n-opkg-de', undefined],
  ['opkg', undefined],
])('once all has happened, %s is the language pack %j', (name, latest) => {
  expect(latestPack(name)).toBe(latest);
});

test.each([
  ['auc', true],
  ['opkg', true],
  ['luci-i18n-base-en', true],
  ['luci-i18n-opkg-de', true],
  ['owut', false],
  ['luci-i18n-base-de', false],
])('%s may be renamed: %s', (name, may) => {
  expect(mayBeRenamed(name)).toBe(may);
});

test.each([
  'buffalo_wzr-hp-g300nh-s',
  'dlink_dir-825-b1',
  'netgear_wndr3700',
  'netgear_wndr3700-v2',
  'netgear_wndr3800',
  'netgear_wndr3800ch',
  'netgear_wndrmac-v1',
  'netgear_wndrmac-v2',
  'trendnet_tew-673gru',
])('%s keeps its switch', (profile) => {
  const device = { branch: '23.05', version: '23.05.5', target: 'ath79/generic', profile, defaults: new Set<string>() };
  expect(deviceAdditions(device)).toEqual(['kmod-switch-rtl8366s']);
});

test.each<[string, string, string, string[], string[]]>([
  ['23.05.5', 'mediatek/mt7622', 'any', [], ['kmod-mt7622-firmware']],
  ['23.05-SNAPSHOT', 'ath79/generic', 'netgear_wndr3800', [], ['kmod-switch-rtl8366s']],
  ['23.05.5', 'ath79/nand', 'netgear_wndr3800', [], []],
  ['23.05.0-rc1', 'ath79/generic', 'buffalo_wzr-hp-g300nh-rb', [], ['kmod-switch-rtl8366rb']],
  ['23.05.5', 'ath79/generic', 'glinet_gl-ar150', [], []],
  ['24.10.2', 'mediatek/mt7622', 'any', [], ['fitblk']],
  ['24.10.2', 'mediatek/mt7623', 'any', [], ['fitblk']],
  ['24.10.2', 'mediatek/filogic', 'any', [], ['fitblk']],
  ['24.10.2', 'ath79/generic', 'netgear_wndr3800', [], []],
  ['24.10.2', 'mvebu/cortexa9', 'any', ['kmod-dsa-mv88e6xxx'], []],
  ['25.12.4', 'ath79/mikrotik', 'any', [], []],
  ['25.12.5', 'ath79/mikrotik', 'any', [], ['kmod-ag71xx-legacy']],
  ['25.12.10', 'ath79/mikrotik', 'any', [], ['kmod-ag71xx-legacy']],
  ['25.12-SNAPSHOT', 'ath79/mikrotik', 'any', [], ['kmod-ag71xx-legacy']],
  ['25.12.0', 'lantiq/xrx200', 'any', [], ['kmod-dsa-gswip']],
  ['25.12.0', 'mvebu/cortexa9', 'any', ['kmod-dsa-mv88e6xxx', 'ppp'], ['kmod-dsa-mv88e6xxx']],
  ['25.12.0', 'mvebu/cortexa9', 'any', ['ppp'], []],
  ['25.12.0', 'mediatek/filogic', 'any', [], []],
])(
  'on %s a device of %s (%s) with the defaults %j needs %j whatever its old list was',
  (version, target, profile, defaults, packages) => {
    const branch = branchName(version) ?? '';
    expect(deviceAdditions({ branch, version, target, profile, defaults: new Set(defaults) })).toEqual(packages);
  },
);

test.each<[name: string, since: number, version: string, later: string | null]>([
  ['firewall', 0, '24.10.2', 'firewall4'],
  ['firewall', 18_610, '24.10.2', 'firewall4'],
  ['firewall', 18_611, '24.10.2', 'firewall'],
  ['firewall', 0, '21.02.7', 'firewall'],
  ['opkg', 0, '24.10.2', 'opkg'],
  ['opkg', 27_990, 'SNAPSHOT', 'apk-mbedtls'],
  ['auc', 30_000, '24.10.2', 'owut'],
  ['kmod-nft-nat6', 0, '24.10.2', null],
  ['luci-i18n-opkg-de', 0, '24.10.2', 'luci-i18n-package-manager-de'],
  ['vim', 0, '24.10.2', 'vim'],
])('%s, installed at revision %i, is on %s called %j', (name, since, version, later) => {
  const branch = findBranch(
    OPENWRT_BRANCHES.map((one) => ({ ...one, enabled: true })),
    version,
  );
  if (!branch) throw new Error(`expected a branch of ${version}`);
  expect(laterName(name, since, branch)).toBe(later);
});

test('the table that clients get is the one of the contract', () => {
  const rows = PACKAGE_CHANGES.map(
    ({ source, target, revision, mandatory }) =>
      `${source} ${target ?? '-'} ${revision}${mandatory ? ' mandatory' : ''}`,
  );
  expect(rows).toEqual([
    'firewall firewall4 18611',
    'kmod-nft-nat6 - 20282 mandatory',
    'libustream-wolfssl libustream-mbedtls 21994',
    'px5g-wolfssl px5g-mbedtls 21994',
    'wpad-basic-wolfssl wpad-basic-mbedtls 21994',
    'luci-app-diag-core - 25984 mandatory',
    'auc owut 26792',
    'luci-app-opkg luci-app-package-manager 27897',
    'opkg apk-mbedtls 28056',
  ]);
});
