import { expect, test } from 'vitest';
import { baseSuccessor, isIgnored, isPart } from './base-packages.ts';

test.each<[name: string, successor: string | null | undefined]>([
  ['wpad-mini', 'wpad-basic-mbedtls'],
  ['wpad-basic', 'wpad-basic-mbedtls'],
  ['hostapd-common-old', null],
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
  ['vim', undefined],
  ['constructor', undefined],
])('what does today what %s did is %j', (name, successor) => {
  expect(baseSuccessor(name)).toBe(successor);
});

test.each([
  ['libubox', true],
  ['kmod-usb2', true],
  ['luci-lib-json', true],
  ['luci-app-lib', false],
  ['mykmod-usb2', false],
])('%s comes with whatever needs it: %s', (name, is) => {
  expect(isPart(name)).toBe(is);
});

test.each([
  ['kernel', true],
  ['libc', true],
  ['libgcc', true],
  ['libgcc1', true],
  ['libgcc7', false],
])('%s is ignored: %s', (name, is) => {
  expect(isIgnored(name)).toBe(is);
});
