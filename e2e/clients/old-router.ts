/**
 * A router of 2017 to 2019 as its clients see it over ubus. No server of today has its version, so unlike the routers of today
 * it is not taken from an image; its packages are those that images of that time came with, under their names of then.
 */
export interface OldRouter {
  /** `OpenWrt` or `LEDE`, as ubus says it. */
  readonly distribution: string;
  readonly version: string;
  readonly revision: string;
  readonly target: string;
  readonly boardName: string;
  readonly model: string;
  /** All packages. */
  readonly installed: Readonly<Record<string, string>>;
  /** Those of them that an image was told to hold, or somebody installed. */
  readonly chosen: readonly string[];
  /** `/etc/opkg/keys`: id to key. */
  readonly keys: ReadonlyMap<string, string>;
}

/** What an image of 18.06 and one of 17.01 have in common, with versions of 18.06.2. */
const BASE: Readonly<Record<string, string>> = {
  'base-files': '194.2-r7676-cddd7b4c77',
  busybox: '1.28.4-3',
  dnsmasq: '2.80-1.3',
  dropbear: '2017.75-7.1',
  firewall: '2018-08-13-1c4d5bcd-1',
  fstools: '2018-04-16-e2436836-1',
  'hostapd-common': '2018-05-21-62566bc2-5',
  ip6tables: '1.6.2-1',
  iptables: '1.6.2-1',
  iw: '4.14-1',
  jshn: '2018-07-25-c83a84af-2',
  jsonfilter: '2018-02-04-c7e938d6-1',
  kernel: '4.9.152-1-4aa7d0a1b6a0d4e5ae4a9d9b4c1f3a0e',
  'kmod-ath9k': '4.9.152+2017-11-01-10',
  'kmod-cfg80211': '4.9.152+2017-11-01-10',
  'kmod-gpio-button-hotplug': '4.9.152-2',
  'kmod-ip6tables': '4.9.152-1',
  'kmod-ipt-conntrack': '4.9.152-1',
  'kmod-nf-conntrack': '4.9.152-1',
  'kmod-ppp': '4.9.152-1',
  'kmod-usb2': '4.9.152-1',
  'libblobmsg-json': '2018-07-25-c83a84af-2',
  libc: '1.1.19-1',
  libgcc: '7.3.0-1',
  libip4tc: '1.6.2-1',
  'libjson-c': '0.12.1-2',
  libubox: '2018-07-25-c83a84af-2',
  libubus: '2018-01-16-5bae22eb-1',
  libuci: '2018-08-11-4c8b4d6e-1',
  libuclient: '2018-08-03-ae1c656f-1',
  libxtables: '1.6.2-1',
  logd: '2018-02-14-128bc35f-2',
  mtd: '21',
  netifd: '2018-07-30-a0a1e52e-1',
  odhcp6c: '2018-07-14-67ae6a71-15',
  opkg: '2019-01-31-d4ba162b-1',
  ppp: '2.4.7-12',
  'ppp-mod-pppoe': '2.4.7-12',
  procd: '2018-03-28-dfb68f85-1',
  rpcd: '2018-11-28-3aa81d0d-1',
  swconfig: '11',
  'uboot-envtools': '2018.03-1',
  ubox: '2018-02-14-128bc35f-2',
  ubus: '2018-01-16-5bae22eb-1',
  ubusd: '2018-01-16-5bae22eb-1',
  uci: '2018-08-11-4c8b4d6e-1',
  'uclient-fetch': '2018-08-03-ae1c656f-1',
  uhttpd: '2018-11-28-cdfc902a-3',
  usign: '2015-07-04-ef641914-1',
  'wireless-regdb': '2017-10-20-4343d359',
  'wpad-mini': '2018-05-21-62566bc2-5',
};

/** What an image was told to hold; the rest came with these. As clients list them, the two are told apart by that. */
const DEFAULTS: readonly string[] = [
  'base-files',
  'busybox',
  'dnsmasq',
  'dropbear',
  'firewall',
  'fstools',
  'ip6tables',
  'iptables',
  'kmod-ath9k',
  'kmod-gpio-button-hotplug',
  'kmod-usb2',
  'libc',
  'libgcc',
  'logd',
  'mtd',
  'netifd',
  'odhcp6c',
  'opkg',
  'ppp',
  'ppp-mod-pppoe',
  'swconfig',
  'uboot-envtools',
  'uci',
  'uclient-fetch',
  'wpad-mini',
];

const DEVICE = { target: 'demo/generic', boardName: 'acme,ax3000-v1', model: 'Acme AX3000 v1' } as const;

export function router1806(...packages: readonly string[]): OldRouter {
  const chosen = ['luci', ...packages];
  return {
    ...DEVICE,
    distribution: 'OpenWrt',
    version: '18.06.2',
    revision: 'r7676-cddd7b4c77',
    installed: { ...BASE, 'openwrt-keyring': '2018-05-18-103a32e9-1', ...versioned(chosen) },
    chosen: [...DEFAULTS, ...chosen],
    keys: new Map(),
  };
}

/** LEDE, before polarssl and openvpn had their names of today. */
export function router1701(...packages: readonly string[]): OldRouter {
  const chosen = ['luci', ...packages];
  return {
    ...router1806(...packages),
    distribution: 'LEDE',
    version: '17.01.4',
    revision: 'r3560-79f57e422d',
    installed: { ...BASE, 'lede-keyring': '2017-01-20-a50b7529-1', ...versioned(chosen) },
  };
}

const versioned = (names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [name, '2018-12-24-1']));
