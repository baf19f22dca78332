/** One target and its packages as the catalogue would have them, for tests of what is decided from them. */
import type { ArchDocument, ProfileEntry, TargetDocument } from './catalogue-document.ts';

export const profileEntry = (fields: Partial<ProfileEntry> = {}): ProfileEntry => ({
  devicePackages: [],
  supportedDevices: [],
  titles: [],
  imagePrefix: 'openwrt',
  ...fields,
});

export const targetDocument = (fields: Partial<TargetDocument> = {}): TargetDocument => ({
  kind: 'target',
  version: '24.10.2',
  target: 'ath79/generic',
  versionCode: 'r28427-6df0e3d02a',
  archPackages: 'mips_24kc',
  defaultPackages: ['base-files', 'dnsmasq', 'ppp'],
  profiles: {
    'tplink_archer-c7-v4': profileEntry({
      devicePackages: ['kmod-ath10k-ct'],
      supportedDevices: ['tplink,archer-c7-v4', 'archer-c7-v4'],
    }),
    'glinet_gl-ar150': profileEntry({ supportedDevices: ['glinet,gl-ar150', 'gl-ar150'] }),
  },
  imageBuilder: { path: 'releases/24.10.2/targets/ath79/generic/ib.tar.zst', sha256: 'a'.repeat(64) },
  feeds: [{ name: 'target', sha256: 'e'.repeat(64) }],
  packages: { 'base-files': '1638', 'kmod-ath10k-ct': '6.6.93-r1' },
  packagesDigest: 'b'.repeat(64),
  provides: ['kernel', 'libc'],
  providesKnown: true,
  signedBy: 'd310c6f2833e97f7',
  fetchedAt: 1_000,
  checkedAt: 1_000,
  ...fields,
});

export const archDocument = (fields: Partial<ArchDocument> = {}): ArchDocument => ({
  kind: 'arch',
  version: '24.10.2',
  arch: 'mips_24kc',
  feeds: [{ name: 'base', sha256: 'c'.repeat(64) }],
  packages: { dnsmasq: '2.90-r3', ppp: '2.5.1-r1', vim: '9.1', curl: '8.1' },
  packagesDigest: 'd'.repeat(64),
  provides: ['editor'],
  providesKnown: true,
  fetchedAt: 1_000,
  checkedAt: 1_000,
  ...fields,
});
