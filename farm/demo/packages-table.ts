/**
 * The demo's packages, one row each: names and relations as in OpenWrt's feeds, so that what is built on top meets what
 * real feeds do to it (ABI suffixes, virtual names, language packs, odd spellings). Contents are a few bytes. The rows
 * in `troublemakers` exist to fail, each in one way of its own.
 */

export type FeedName = 'core' | 'kmods' | 'base' | 'luci' | 'packages' | 'routing' | 'telephony';

export type PackageRow = {
  /** One version for all releases, or three words: 24.10, 25.12, snapshot. `@kernel` and `@revision` are filled in. */
  readonly version: string;
  /** Names without ABI suffix; the generator adds it, as OpenWrt's build does. Every package but libc needs libc. */
  readonly depends?: readonly string[];
  /** Virtual names that several packages may provide side by side. */
  readonly provides?: readonly string[];
  /** Virtual names of which an apk image takes one provider only (opkg does not know the difference). */
  readonly replaces?: readonly string[];
  readonly conflicts?: readonly string[];
  /** Appended to the name of a library: `libubox` is installed as `libubox20230523`. One or three words. */
  readonly abi?: string;
  /** Files beside the default one, path to content; a path ending in `/x` style bin or init.d is made executable. */
  readonly files?: Readonly<Record<string, string>>;
  readonly postinst?: string;
  /** Extra bytes that no compressor shrinks. */
  readonly fillerBytes?: number;
  readonly onlyEra?: 'opkg' | 'apk';
  readonly onlyTarget?: string;
  /** The index tells another SHA-256 than the file has. */
  readonly corrupt?: true;
};

type Rows = Readonly<Record<string, PackageRow>>;

const demo = { onlyTarget: 'demo/generic' };
const demo64 = { onlyTarget: 'demo64/generic' };

/** An init script as OpenWrt's are: sourced by /etc/rc.common, which also runs on the build host to enable it. */
const service = (name: string, start: number): Record<string, string> => ({
  [`etc/init.d/${name}`]: `#!/bin/sh /etc/rc.common\nSTART=${String(start).padStart(2, '0')}\nUSE_PROCD=1\n`,
});

/** Sources the init script and makes or removes its start link: all that an image needs of the real one. */
const rcCommon = `#!/bin/sh
initscript="$1"
action="\${2:-help}"
name="\${initscript##*/}"
enable() {
	[ -z "$START" ] || ln -sf "../init.d/$name" "$IPKG_INSTROOT/etc/rc.d/S\${START}$name"
}
disable() {
	rm -f "$IPKG_INSTROOT"/etc/rc.d/S??"$name"
}
. "$initscript"
case "$action" in
	enable) enable ;;
	disable) disable ;;
	*) echo "Syntax: $initscript enable|disable" ;;
esac
`;

const core: Rows = {
  'base-files': {
    version: '@revision',
    depends: ['busybox', 'fstools', 'jsonfilter', 'netifd', 'openwrt-keyring', 'procd', 'usign'],
    files: {
      'etc/rc.common': rcCommon,
      'etc/openwrt_release': "DISTRIB_ID='OpenWrt'\nDISTRIB_DESCRIPTION='Demo distribution, not for devices'\n",
      'etc/passwd': 'root:x:0:0:root:/root:/bin/ash\n',
      ...service('boot', 10),
      ...service('system', 10),
      ...service('done', 95),
    },
  },
  kernel: { version: '@kernel' },
  libc: { version: '1.2.5-r4 1.2.5-r5 1.2.5-r6', depends: ['libgcc'], files: { 'lib/ld-musl.so.1': 'ld-musl\n' } },
  libgcc: { version: '13.3.0-r4 14.3.0-r5 14.4.0-r1', abi: '1' },
  libpthread: { version: '1.2.5-r4 1.2.5-r5 1.2.5-r6', depends: ['libgcc'] },
  mtd: { version: '26 27 28', depends: ['libubox'] },
  'uboot-envtools': { version: '2024.07-r1 2025.07-r1 2026.01-r1', ...demo },
  swconfig: { version: '12', depends: ['libuci'], ...demo },
  'grub2-bios-setup': { version: '2.12-r1', ...demo64 },
};

const kmods: Rows = {
  'kmod-ath9k': { version: '@kmod', depends: ['kmod-mac80211'], ...demo },
  'kmod-button-hotplug': { version: '@kmod', ...demo64 },
  'kmod-cfg80211': { version: '@kmod', depends: ['iw', 'iwinfo', 'wireless-regdb'], ...demo },
  'kmod-e1000e': { version: '@kmod', depends: ['kmod-ptp'], ...demo64 },
  'kmod-fs-vfat': { version: '@kmod', depends: ['kmod-nls-base'] },
  'kmod-gpio-button-hotplug': { version: '@kmod', ...demo },
  'kmod-igb': { version: '@kmod', depends: ['kmod-ptp'], ...demo64 },
  'kmod-lib-crc-ccitt': { version: '@kmod' },
  'kmod-mac80211': { version: '@kmod', depends: ['kmod-cfg80211', 'hostapd-common'], ...demo },
  'kmod-mii': { version: '@kmod', ...demo64 },
  'kmod-nf-conntrack': { version: '@kmod' },
  'kmod-nf-nat': { version: '@kmod', depends: ['kmod-nf-conntrack'] },
  'kmod-nft-core': { version: '@kmod', depends: ['kmod-nf-conntrack'] },
  'kmod-nft-nat': { version: '@kmod', depends: ['kmod-nft-core', 'kmod-nf-nat'] },
  'kmod-nft-offload': { version: '@kmod', depends: ['kmod-nft-nat'] },
  'kmod-nls-base': { version: '@kmod' },
  'kmod-ppp': { version: '@kmod', depends: ['kmod-lib-crc-ccitt', 'kmod-slhc'] },
  'kmod-pppoe': { version: '@kmod', depends: ['kmod-ppp'] },
  'kmod-ptp': { version: '@kmod', ...demo64 },
  'kmod-r8169': { version: '@kmod', depends: ['kmod-mii', 'r8169-firmware'], ...demo64 },
  'kmod-slhc': { version: '@kmod' },
  'kmod-tun': { version: '@kmod' },
  'kmod-usb-core': { version: '@kmod', depends: ['kmod-nls-base'] },
  'kmod-usb-storage': { version: '@kmod', depends: ['kmod-usb-core'] },
  'kmod-usb2': { version: '@kmod', depends: ['kmod-usb-core'] },
  'kmod-wireguard': { version: '@kmod' },
};

const base: Rows = {
  'apk-mbedtls': { version: '3.0.5-r3', depends: ['libmbedtls', 'zlib'], onlyEra: 'apk' },
  busybox: { version: '1.36.1-r2 1.37.0-r6 1.37.0-r7', files: { 'bin/busybox': 'busybox\n', ...service('cron', 50) } },
  'ca-bundle': { version: '20240203-r1 20260601-r1 20260601-r2' },
  dnsmasq: {
    version: '2.90-r4 2.93-r1 2.93-r2',
    depends: ['libubus'],
    files: { 'usr/sbin/dnsmasq': 'dnsmasq\n', ...service('dnsmasq', 19) },
  },
  'dnsmasq-full': {
    version: '2.90-r4 2.93-r1 2.93-r2',
    depends: ['libubus'],
    replaces: ['dnsmasq'],
    files: { 'usr/sbin/dnsmasq': 'dnsmasq with DNSSEC\n', ...service('dnsmasq', 19) },
  },
  dropbear: {
    version: '2024.86-r1 2025.89-r3 2026.90-r1',
    files: { 'usr/sbin/dropbear': 'dropbear\n', ...service('dropbear', 19) },
  },
  e2fsprogs: { version: '1.47.0-r2 1.47.3-r1 1.47.3-r2' },
  firewall: { version: '2022.02.17~4cd7d4f3-r3', provides: ['uci-firewall'] },
  firewall4: {
    version: '2024.12.18~18fc0ead-r1 2025.03.17~b6e51575-r2 2026.07.01~b6e51576-r1',
    depends: ['kmod-nft-core', 'kmod-nft-nat', 'kmod-nft-offload', 'nftables-json', 'ucode'],
    provides: ['uci-firewall'],
    files: service('firewall', 19),
  },
  fstools: { version: '2024.07.14~408c2cc4-r2 2026.05.23~16718b6e-r1 2026.08.01~16718b6f-r1', depends: ['ubox'] },
  'hostapd-common': { version: '2024.09.15~5ace39b0-r2 2026.02.01~5ace39b1-r1 2026.07.09~5ace39b2-r1' },
  'ip-full': { version: '6.11.0-r1 6.18.0-r1 6.18.0-r2', replaces: ['ip'] },
  'ip-tiny': { version: '6.11.0-r1 6.18.0-r1 6.18.0-r2', replaces: ['ip'] },
  iw: { version: '6.9-r1 6.17-r1 6.17-r2' },
  iwinfo: { version: '2024.10.20~b94f066e-r1 2026.01.14~b94f066f-r1 2026.06.14~b94f0670-r1' },
  jshn: { version: '2024.03.29~eb9bcb64-r1 2026.06.19~7dd12784-r1 2026.08.02~7dd12785-r1', depends: ['libjson-c'] },
  jsonfilter: { version: '2024.01.23~594cfa86-r1 2026.03.16~b9034210-r1', depends: ['libjson-c'] },
  'libblobmsg-json': {
    version: '2024.03.29~eb9bcb64-r1 2026.06.19~7dd12784-r1 2026.08.02~7dd12785-r1',
    depends: ['libjson-c', 'libubox'],
    abi: '20230523 20260213 20260801',
  },
  'libjson-c': { version: '0.18-r1', abi: '5' },
  libmbedtls: { version: '3.6.3-r1 3.6.6-r2 3.6.6-r3', abi: '21' },
  libmnl: { version: '1.0.5-r1', abi: '0' },
  libncurses: { version: '6.4-r2 6.4-r3 6.5-r1', depends: ['terminfo'], abi: '6' },
  libnftnl: { version: '1.2.8-r1 1.3.1-r1', depends: ['libmnl'], abi: '11' },
  libopenssl: { version: '3.0.16-r1 3.5.6-r1 3.5.7-r1', abi: '3' },
  libubox: {
    version: '2024.03.29~eb9bcb64-r1 2026.06.19~7dd12784-r1 2026.08.02~7dd12785-r1',
    abi: '20230523 20260213 20260801',
  },
  libubus: {
    version: '2025.01.02~afa57cce-r1 2026.06.28~24864e78-r2 2026.08.03~24864e79-r1',
    depends: ['libblobmsg-json', 'libubox'],
    abi: '20240329 20251202',
  },
  libuci: { version: '2024.11.29~e8780fa7-r1 2025.12.02~66127cd7-r1', depends: ['libubox'], abi: '20130104 20250120' },
  libuclient: { version: '2024.10.22~88ae8f20-r1 2026.06.07~daad21fa-r1', depends: ['libubox'], abi: '20201210' },
  'libustream-mbedtls': {
    version: '2024.07.28~99bd3d2b-r1 2026.03.01~99f1c0db-r1',
    depends: ['libubox', 'libmbedtls'],
    provides: ['libustream-ssl'],
    abi: '20201210',
  },
  'libustream-openssl': {
    version: '2024.07.28~99bd3d2b-r1 2026.03.01~99f1c0db-r1',
    depends: ['libubox', 'libopenssl'],
    provides: ['libustream-ssl'],
    abi: '20201210',
  },
  logd: { version: '2024.04.26~85f10530-r1 2025.10.30~6f78fa49-r1', depends: ['libubus'], files: service('log', 12) },
  netifd: {
    version: '2024.12.17~ea01ed41-r1 2026.02.26~cbb83a18-r1 2026.07.20~cbb83a19-r1',
    depends: ['libuci', 'libubus', 'jshn'],
    files: service('network', 20),
  },
  'nftables-json': { version: '1.1.1-r1 1.1.6-r2', depends: ['libnftnl'], provides: ['nftables'] },
  'nftables-nojson': { version: '1.1.1-r1 1.1.6-r2', depends: ['libnftnl'], provides: ['nftables'] },
  odhcp6c: { version: '2024.09.25~b6ae9ffa-r1 2026.06.20~07d324ee-r1' },
  'odhcpd-ipv6only': {
    version: '2024.05.08~a2988231-r3 2026.06.29~5d7be43f-r1',
    depends: ['libubus', 'libuci'],
    files: service('odhcpd', 35),
  },
  'openwrt-keyring': { version: '2024.11.01~fbae29d7-r1 2025.12.10~f0670054-r1' },
  opkg: { version: '2024.10.16~38eccbb1-r1', depends: ['uclient-fetch', 'usign', 'libubox'], onlyEra: 'opkg' },
  ppp: { version: '2.5.1-r1 2.5.2-r3', depends: ['kmod-ppp'] },
  'ppp-mod-pppoe': { version: '2.5.1-r1 2.5.2-r3', depends: ['ppp', 'kmod-pppoe'] },
  procd: {
    version: '2024.12.22~42d39376-r1 2026.03.13~58eb263d-r1 2026.07.13~58eb263e-r1',
    depends: ['ubusd', 'ubus', 'libblobmsg-json'],
    files: service('sysctl', 11),
  },
  'procd-ujail': { version: '2024.12.22~42d39376-r1 2026.03.13~58eb263d-r1 2026.07.13~58eb263e-r1' },
  'r8169-firmware': { version: '20241110-r1 20260221-r1', ...demo64 },
  rpcd: { version: '2024.09.17~9f4b86e7-r1 2026.04.01~9f4b86e8-r1', depends: ['libubus', 'libuci'] },
  terminfo: { version: '6.4-r2 6.4-r3 6.5-r1' },
  ubox: { version: '2024.04.26~85f10530-r1 2025.10.30~6f78fa49-r1', depends: ['libubox', 'libubus', 'libuci'] },
  ubus: { version: '2025.01.02~afa57cce-r1 2026.06.28~24864e78-r2 2026.08.03~24864e79-r1', depends: ['libubus'] },
  ubusd: { version: '2025.01.02~afa57cce-r1 2026.06.28~24864e78-r2 2026.08.03~24864e79-r1', depends: ['libubox'] },
  uci: { version: '2024.11.29~e8780fa7-r1 2025.12.02~66127cd7-r1', depends: ['libuci'] },
  'uclient-fetch': { version: '2024.10.22~88ae8f20-r1 2026.06.07~daad21fa-r1', depends: ['libuclient'] },
  ucode: { version: '2025.02.10~a8a11aea-r1 2026.01.16~85922056-r1', depends: ['libjson-c'] },
  uhttpd: {
    version: '2023.06.25~34a8a74d-r3 2026.05.05~34a8a74e-r1',
    depends: ['libubox'],
    files: service('uhttpd', 50),
  },
  'urandom-seed': { version: '3', files: service('urandom_seed', 99) },
  urngd: { version: '2023.11.01~44365eb1-r1 2025.10.03~f17e33d9-r1', depends: ['libubox'], files: service('urngd', 0) },
  usign: { version: '2020.05.23~f1f65026-r1 2025.06.01~f1f65027-r1', depends: ['libubox'] },
  'wireguard-tools': { version: '1.0.20210914-r4 1.0.20250521-r1', depends: ['kmod-wireguard'] },
  'wireless-regdb': { version: '2025.02.20-r1 2026.02.20-r1' },
  'wpad-basic-mbedtls': {
    version: '2024.09.15~5ace39b0-r2 2026.02.01~5ace39b1-r1 2026.07.09~5ace39b2-r1',
    depends: ['hostapd-common', 'libmbedtls'],
    ...demo,
  },
  zlib: { version: '1.3.1-r1' },
};

const luci: Rows = {
  luci: {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-base', 'luci-app-firewall', 'luci-theme-bootstrap'],
  },
  'luci-app-attendedsysupgrade': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-base', 'attendedsysupgrade-common'],
  },
  'luci-app-firewall': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-base', 'uci-firewall'],
  },
  'luci-app-package-manager': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-base'],
  },
  'luci-base': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['rpcd', 'uhttpd'],
    fillerBytes: 8192,
  },
  'luci-i18n-base-de': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-base'],
  },
  'luci-i18n-firewall-de': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-app-firewall'],
  },
  'luci-theme-bootstrap': {
    version: '25.103.44783~1d0c6b1 26.180.49459~2e1d7c2 26.220.10111~3f2e8d3',
    depends: ['luci-base'],
  },
};

const packages: Rows = {
  'attendedsysupgrade-common': { version: '9 10 10' },
  UDPspeeder: { version: '20230206.0-r1' },
  cJSON: { version: '1.7.18-r1' },
  collectd: { version: '5.12.0-r48 5.12.0-r57', files: service('collectd', 80) },
  'collectd-mod-cpu': { version: '5.12.0-r48 5.12.0-r57', depends: ['collectd'] },
  curl: { version: '8.12.1-r1 8.19.0-r1 8.19.0-r2', depends: ['libcurl'] },
  htop: { version: '3.4.1-r1', depends: ['libncurses'] },
  libcurl: { version: '8.12.1-r1 8.19.0-r1 8.19.0-r2', depends: ['libmbedtls'], abi: '4' },
  libevent2: { version: '2.1.12-r2', abi: '-7' },
  'libmicrohttpd-no-ssl': { version: '1.0.1-r1' },
  'libstdcpp-demo': { version: '1.0-r1' },
  mbedtls: { version: '3.6.3-r1 3.6.6-r2 3.6.6-r3', depends: ['libmbedtls'] },
  nano: { version: '8.3-r1 8.7-r1', depends: ['libncurses'] },
  'openvpn-mbedtls': { version: '2.6.14-r1 2.6.19-r1', depends: ['kmod-tun', 'libmbedtls'] },
  'openvpn-openssl': { version: '2.6.14-r1 2.6.19-r1', depends: ['kmod-tun', 'libopenssl'] },
  owut: { version: '2025.02.05~39ce6f6a-r1 2026.03.30~39ce6f6b-r1', depends: ['attendedsysupgrade-common', 'ucode'] },
  tmux: { version: '3.5a-r1', depends: ['libevent2', 'libncurses'] },
  vim: { version: '9.1.0-r1 9.2.0-r1 9.2.1-r1', depends: ['libncurses'], fillerBytes: 16384 },
};

/** Each fails a build in one way; `README.md` lists which. */
const troublemakers = {
  'demo-badpostinst': { version: '1.0-r1', postinst: 'echo "demo-badpostinst: failing on purpose" >&2\nexit 7\n' },
  'demo-brokendep': { version: '1.0-r1', depends: ['libdoesnotexist'] },
  'demo-clash': { version: '1.0-r1', files: { 'usr/sbin/dropbear': 'not dropbear\n' } },
  'demo-conflict-a': { version: '1.0-r1', replaces: ['demo-virtual'], conflicts: ['demo-conflict-b'] },
  'demo-conflict-b': { version: '1.0-r1', replaces: ['demo-virtual'], conflicts: ['demo-conflict-a'] },
  'demo-onesided': { version: '1.0-r1', conflicts: ['dnsmasq'] },
  'demo-corrupt': { version: '1.0-r1', corrupt: true },
  'demo-huge': { version: '1.0-r1', fillerBytes: 640 << 10 },
} satisfies Rows;

/** Works, and no two images that have it are equal. */
const irreproducible: Rows = {
  'demo-hostkey': {
    version: '1.0-r1',
    postinst: 'head -c 32 /dev/urandom | od -An -v -tx1 >"$IPKG_INSTROOT/usr/lib/demo/host-key"\n',
    onlyTarget: 'demo/keyed',
  },
};

const routing: Rows = {
  babeld: { version: '1.13.1-r1', depends: ['libubus'], files: service('babeld', 70) },
  'batctl-default': { version: '2024.3-r5 2026.1-r1', depends: ['kmod-batman-adv'], replaces: ['batctl'] },
  'batctl-full': { version: '2024.3-r5 2026.1-r1', depends: ['kmod-batman-adv'], replaces: ['batctl'] },
  'kmod-batman-adv': { version: '@kmod' },
  olsrd: { version: '0.9.8-r12' },
};

const telephony: Rows = {
  asterisk: { version: '20.11.1-r1 22.6.0-r1', depends: ['libubox'], fillerBytes: 4096 },
  'asterisk-res-http': { version: '20.11.1-r1 22.6.0-r1', depends: ['asterisk'] },
  baresip: { version: '3.20.0-r1' },
  rtpengine: { version: '12.5.1.24-r1' },
};

export const packagesTable: Readonly<Record<FeedName, Rows>> = {
  core,
  kmods,
  base,
  luci,
  packages: { ...packages, ...troublemakers, ...irreproducible },
  routing,
  telephony,
};
