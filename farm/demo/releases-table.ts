/**
 * The demo's releases, targets and devices. Version numbers and revisions are OpenWrt-like, because branch logic reads
 * them; target and device names are invented, so that no real device could ever take a demo image for its own.
 */
import type { FeedName } from './packages-table.ts';

export type Era = 'opkg' | 'apk';

export type ReleaseRow = {
  /** `SNAPSHOT` for snapshots, as in their profiles.json. */
  readonly version: string;
  /** Directory on the mirror. */
  readonly path: string;
  readonly era: Era;
  /** Which of the space-separated words of a packages-table version belongs to this release. */
  readonly column: 0 | 1 | 2;
  /** Number in `rNNNNN-…`; the rest is derived from it. */
  readonly revision: number;
  readonly sourceDateEpoch: number;
  readonly kernel: string;
  /** v1 lists names with ABI suffix, v2 without. */
  readonly indexVersion: 1 | 2;
};

export const releasesTable: readonly ReleaseRow[] = [
  {
    version: '24.10.2',
    path: 'releases/24.10.2',
    era: 'opkg',
    column: 0,
    revision: 28739,
    sourceDateEpoch: 1750711236,
    kernel: '6.6.93',
    indexVersion: 1,
  },
  {
    version: '25.12.1',
    path: 'releases/25.12.1',
    era: 'apk',
    column: 1,
    revision: 32768,
    sourceDateEpoch: 1773711236,
    kernel: '6.12.74',
    indexVersion: 2,
  },
  {
    version: 'SNAPSHOT',
    path: 'snapshots',
    era: 'apk',
    column: 2,
    revision: 34567,
    sourceDateEpoch: 1785711236,
    kernel: '6.18.9',
    indexVersion: 2,
  },
];

export type ProfileRow = {
  readonly id: string;
  readonly title: { readonly vendor: string; readonly model: string; readonly variant?: string };
  readonly devicePackages: readonly string[];
  readonly supportedDevices: readonly string[];
  /** `filesystem-type.extension`, as image names end. */
  readonly images: readonly string[];
  readonly kernelBytes: number;
  /** What fits into the device's flash; absent: no limit. */
  readonly imageSizeBytes?: number;
};

export type TargetRow = {
  readonly target: string;
  /** `CONFIG_ARCH`, shown by make info; not the package architecture. */
  readonly cpu: string;
  readonly arch: string;
  readonly targetPackages: readonly string[];
  readonly profiles: readonly ProfileRow[];
};

export const targetsTable: readonly TargetRow[] = [
  {
    target: 'demo/generic',
    cpu: 'demo',
    arch: 'demo_generic',
    targetPackages: ['kmod-gpio-button-hotplug', 'kmod-ath9k', 'swconfig', 'uboot-envtools', 'wpad-basic-mbedtls'],
    profiles: [
      {
        id: '3oaks_pocket2',
        title: { vendor: '3 Oaks', model: 'Pocket 2' },
        devicePackages: ['-uboot-envtools'],
        supportedDevices: ['3oaks,pocket2', 'pocket2'],
        images: ['squashfs-sysupgrade.bin'],
        kernelBytes: 64 << 10,
        imageSizeBytes: 512 << 10,
      },
      {
        id: 'acme_ax3000-v1',
        title: { vendor: 'Acme', model: 'AX3000', variant: 'v1' },
        devicePackages: ['kmod-usb2', 'kmod-usb-storage'],
        supportedDevices: ['acme,ax3000-v1', 'ax3000-v1'],
        images: ['squashfs-sysupgrade.bin', 'squashfs-factory.bin'],
        kernelBytes: 128 << 10,
        imageSizeBytes: 16 << 20,
      },
      {
        id: 'umbra_NX500',
        title: { vendor: 'Umbra', model: 'NX500' },
        devicePackages: ['kmod-usb2', '-swconfig'],
        supportedDevices: ['umbra,NX500'],
        images: ['squashfs-sysupgrade.bin', 'squashfs-factory.bin'],
        kernelBytes: 128 << 10,
        imageSizeBytes: 1 << 20,
      },
    ],
  },
  {
    target: 'demo64/generic',
    cpu: 'demo64',
    arch: 'demo64',
    targetPackages: ['e2fsprogs', 'grub2-bios-setup', 'kmod-button-hotplug'],
    profiles: [
      {
        id: 'generic',
        title: { vendor: 'Generic', model: 'demo64/generic' },
        devicePackages: ['kmod-e1000e', 'kmod-fs-vfat', 'kmod-igb', 'kmod-r8169'],
        supportedDevices: [],
        images: ['ext4-combined.img.gz', 'ext4-rootfs.img.gz', 'squashfs-combined.img.gz', 'squashfs-rootfs.img.gz'],
        kernelBytes: 256 << 10,
      },
    ],
  },
];

/**
 * Never twice the same: its one package of its own draws a key when it is installed, as real ones do that make a host key or note
 * the time. Only in mirrors that ask for it, for what a farm does about such a target.
 */
export const irreproducibleTarget: TargetRow = {
  target: 'demo/keyed',
  cpu: 'demo',
  arch: 'demo_keyed',
  targetPackages: ['demo-hostkey'],
  profiles: [
    {
      id: 'acme_keyed',
      title: { vendor: 'Acme', model: 'Keyed' },
      devicePackages: [],
      supportedDevices: ['acme,keyed'],
      images: ['squashfs-sysupgrade.bin'],
      kernelBytes: 64 << 10,
    },
  ],
};

/** In every image of every target, in the order make info shows. */
export const defaultPackages: readonly string[] = [
  'base-files',
  'ca-bundle',
  'dropbear',
  'fstools',
  'libc',
  'libgcc',
  'libustream-mbedtls',
  'logd',
  'mtd',
  'netifd',
  'uci',
  'uclient-fetch',
  'urandom-seed',
  'urngd',
  'busybox',
  'procd',
  'procd-ujail',
  'dnsmasq',
  'firewall4',
  'nftables',
  'kmod-nft-offload',
  'odhcp6c',
  'odhcpd-ipv6only',
  'ppp',
  'ppp-mod-pppoe',
];

/** The package manager is a default package too, and the only one that differs between the eras. */
export const packageManager: Readonly<Record<Era, string>> = { opkg: 'opkg', apk: 'apk-mbedtls' };

/** Feeds of an architecture, below `packages/<arch>/`. */
export const archFeeds: readonly FeedName[] = ['base', 'luci', 'packages', 'routing', 'telephony'];
