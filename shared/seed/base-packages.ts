/**
 * What images of 2017 to 2019 came with and what is no more, as data. auc sends every installed package, and these nobody ever
 * chose: to call them unknown packages would keep each of those routers from its upgrade. Looked at only where the offered
 * version has no package of the name.
 */

/** Name → what does the same today; null: nothing, or another package brings it. */
const BASE_PACKAGES: ReadonlyMap<string, string | null> = new Map([
  // Without it the router's Wi-Fi is gone.
  ['wpad-mini', 'wpad-basic-mbedtls'],
  ['wpad-basic', 'wpad-basic-mbedtls'],
  ['hostapd-common-old', null],
  // The first firewall's; the fourth has its own.
  ['iptables', null],
  ['ip6tables', null],
  ['lede-keyring', 'openwrt-keyring'],
  ['libustream-cyassl', 'libustream-mbedtls'],
  ['libustream-polarssl', 'libustream-mbedtls'],
  ['px5g', 'px5g-mbedtls'],
  ['px5g-standalone', 'px5g-mbedtls'],
  ['rpcd-mod-attendedsysupgrade', 'rpcd-mod-rpcsys'],
  ['rpcd-mod-packagelist', 'rpcd-mod-rpcsys'],
  ['getrandom', null],
  ['swconfig', null],
  ['uclibcxx', null],
  ['uhttpd-mod-tls', null],
]);

/** Libraries and kernel modules come with whatever needs them; which there are changes with every kernel. */
const PART = /^(?:lib|kmod-|luci-lib-)/;

/** Undefined: of no package that images came with. */
export const baseSuccessor = (name: string): string | null | undefined => BASE_PACKAGES.get(name);

export const isPart = (name: string): boolean => PART.test(name);

const IGNORED: ReadonlySet<string> = new Set(['kernel', 'libc', 'libgcc', 'libgcc1']);

/** In no index, or in every image whatever is asked for. */
export const isIgnored = (name: string): boolean => IGNORED.has(name);
