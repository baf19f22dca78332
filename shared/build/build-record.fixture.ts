/** A finished build and one that failed, with every field filled in, for tests of what is made from them. */

import { normalizedRequest } from '../request/normalized-request.fixture.ts';
import type { BuildRecord, FailureRecord, RequestEcho } from './build-record.ts';

export const requestEcho = (fields: Partial<RequestEcho> = {}): RequestEcho => ({
  distro: 'openwrt',
  version: '24.10.2',
  version_code: '',
  target: 'ath79/generic',
  profile: 'glinet,gl-ar150',
  packages: ['vim'],
  packages_versions: {},
  diff_packages: false,
  defaults: null,
  rootfs_size_mb: null,
  filesystem: null,
  repositories: {},
  repositories_mode: 'append',
  repository_keys: [],
  client: 'owut/1',
  ...fields,
});

export const buildRecord = (fields: Partial<BuildRecord> = {}): BuildRecord => ({
  format: 1,
  requestHash: '1'.repeat(64),
  intentHash: '2'.repeat(64),
  generation: 1,
  request: normalizedRequest({
    target: 'ath79/generic',
    profile: 'glinet_gl-ar150',
    addPackages: ['luci', 'vim'],
    removePackages: ['ppp'],
  }),
  echo: requestEcho(),
  private: false,
  pins: { revision: 'r28427-6df0e3d02a', imageBuilder: { url: 'https://x/', sha256: 'a'.repeat(64) }, feeds: [] },
  leaseId: 'lease-1',
  nodeId: '3'.repeat(64),
  operator: 'op',
  files: [
    { name: 'image.bin', sizeBytes: 5, sha256: '4'.repeat(64) },
    { name: 'profiles.json', sizeBytes: 2, sha256: '5'.repeat(64) },
  ],
  images: [{ name: 'image.bin', sizeBytes: 5, sha256: '4'.repeat(64), type: 'sysupgrade', filesystem: 'squashfs' }],
  manifest: { 'base-files': '1638', vim: '9.1' },
  unindexed: [],
  device: {
    versionNumber: '24.10.2',
    versionCode: 'r28427-6df0e3d02a',
    sourceDateEpoch: 1_750_000_000,
    archPackages: 'mips_24kc',
    defaultPackages: ['base-files', 'ppp'],
    devicePackages: ['kmod-usb2'],
    supportedDevices: ['glinet,gl-ar150'],
    titles: [{ vendor: 'GL.iNet', model: 'GL-AR150' }],
    imagePrefix: 'openwrt-24.10.2-ath79-generic-glinet_gl-ar150',
    linuxKernel: { version: '6.6.93', release: '1', vermagic: 'abc' },
  },
  buildCommand: ['make', 'image', 'PROFILE=glinet_gl-ar150'],
  enqueuedAt: 1_763_000_000_123,
  publishedAt: 1_763_000_060_000,
  durationMs: 42_000,
  expiresAt: null,
  ...fields,
});

export const failureRecord = (fields: Partial<FailureRecord> = {}): FailureRecord => ({
  requestHash: '1'.repeat(64),
  intentHash: '2'.repeat(64),
  generation: 1,
  kind: 'build_failed',
  detail: 'Error: Error while building firmware. See stdout/stderr',
  stdout: 'make: entering',
  stderr: 'make: *** failed',
  echo: requestEcho(),
  private: false,
  upstreamDigest: '6'.repeat(64),
  enqueuedAt: 1_763_000_000_123,
  failedAt: 1_763_000_060_000,
  ...fields,
});
