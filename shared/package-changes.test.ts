import { describe, expect, it, test } from 'vitest';
import { findBranch, OPENWRT_BRANCHES } from './branch.ts';
import { applyPackageChanges, deviceAdditions, PACKAGE_CHANGES } from './package-changes.ts';

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
      'keeps what a client carries over by itself',
      '25.12.0',
      ['opkg', '-auc', 'firewall'],
      ['opkg', '-auc', 'firewall'],
    ],
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
    ['keeps order and duplicates', '24.10.2', ['b', 'a', 'b'], ['b', 'a', 'b']],
  ])('%s', (_, version, packages, expected) => {
    expect(applied(version, packages)).toEqual(expected);
  });
});

test.each([
  ['23.05', 'mediatek/mt7622', ['kmod-mt7622-firmware']],
  ['24.10', 'mediatek/mt7622', ['fitblk']],
  ['24.10', 'mediatek/mt7623', ['fitblk']],
  ['24.10', 'mediatek/filogic', ['fitblk']],
  ['25.12', 'ath79/mikrotik', ['kmod-ag71xx-legacy']],
  ['25.12', 'mediatek/filogic', []],
  ['24.10', 'ath79/generic', []],
])('on %s a device of %s needs %j beside its defaults', (branch, target, packages) => {
  expect(deviceAdditions(branch, target, 'any')).toEqual(packages);
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
