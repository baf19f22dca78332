import { describe, expect, it, test } from 'vitest';
import { OPENWRT_BRANCHES } from '../upstream/branch.ts';
import { archDocument, targetDocument } from '../upstream/upstream.fixture.ts';
import { carriedWords } from './carried-words.ts';
import type { VersionIndex } from './carry-over.ts';
import { branchOf } from './upgrade-paths.ts';

const VERSION = '25.12.1';
const APK: VersionIndex = {
  target: {
    ...targetDocument({ packages: { 'base-files': '1', 'kmod-usb2': '6.12' } }),
    version: VERSION,
    provides: [],
    providesKnown: false,
  },
  arch: {
    ...archDocument({
      packages: Object.fromEntries(
        ['apk-mbedtls', 'dnsmasq', 'firewall', 'firewall4', 'luci', 'owut', 'wpad-basic-mbedtls', 'libubox'].map(
          (name) => [name, '2'],
        ),
      ),
    }),
    provides: [],
    providesKnown: false,
  },
};

function carried(...words: readonly string[]): readonly string[] {
  const branch = branchOf(OPENWRT_BRANCHES, VERSION);
  if (!branch) throw new Error(`expected a branch of ${VERSION}`);
  return carriedWords(words, APK, branch);
}

describe('what auc of 18.06 asks for in 25.12', () => {
  it.each<[string, readonly string[]]>([
    ['opkg', ['apk-mbedtls']],
    ['auc', ['owut']],
    ['wpad-mini', ['wpad-basic-mbedtls']],
    ['iptables', []],
    ['ip6tables', []],
    ['kernel', []],
    ['libubox20170601', ['libubox']],
  ])('%s becomes %j', (word, words) => expect(carried(word)).toEqual(words));
});

describe('as it was asked for stays', () => {
  it.each(['luci', 'kmod-usb2', 'firewall', '-opkg', '+wpad-mini', 'no-such-package', 'constructor', 'nftables'])(
    '%s',
    (word) => expect(carried(word)).toEqual([word]),
  );
});

test('order stays, and names that become one may stand twice', () => {
  expect(carried('wpad-basic-mbedtls', 'opkg', 'wpad-mini', 'luci')).toEqual([
    'wpad-basic-mbedtls',
    'apk-mbedtls',
    'wpad-basic-mbedtls',
    'luci',
  ]);
});
