import { describe, expect, it, test } from 'vitest';
import { seedUpgradeSchema } from '../api/seed-check-answers.ts';
import { indexedVersion } from '../build/freshness.ts';
import { fc } from '../chance.fixture.ts';
import { OPENWRT_BRANCHES } from '../upstream/branch.ts';
import { PACKAGE_CHANGES } from '../upstream/package-changes.ts';
import { archDocument, targetDocument } from '../upstream/upstream.fixture.ts';
import { type CarriedOver, carryOver, hasPackage, type Journey, type VersionIndex } from './carry-over.ts';
import { jsonOf, plainPackages } from './plain-packages.fixture.ts';
import { upgradeJson } from './upgrade-json.ts';
import { upgradeOutcome } from './upgrade-outcome.ts';
import { branchOf } from './upgrade-paths.ts';

const OPKG: VersionIndex = {
  target: targetDocument({ packages: { 'base-files': '1', 'kmod-usb2': '6.6' }, provides: ['kernel', 'kmod-ath10k'] }),
  arch: archDocument({
    packages: Object.fromEntries(
      [
        ...['vim', 'openvpn-openssl', 'openvpn-mbedtls', 'mbedtls', 'libmicrohttpd-no-ssl', 'firewall', 'firewall4'],
        ...['libubox', 'libubus', 'libnghttp2', 'libip4tc', 'jansson', 'libustream-mbedtls', 'libustream-wolfssl'],
        ...[
          'wpad-basic-mbedtls',
          'wpad-basic-wolfssl',
          'python3',
          'owut',
          'luci-i18n-base-de',
          'opkg',
          'lua',
          'rpcd-mod-rpcsys',
        ],
        ...['luci-app-package-manager', 'luci-i18n-package-manager-de', 'px5g-mbedtls', 'libx', 'libx2', 'zlib'],
      ].map((name) => [name, '2']),
    ),
    provides: ['wget', 'libubox20240329', 'lua5.3'],
  }),
};
/** Tells nothing of what packages provide. */
const APK: VersionIndex = {
  target: { ...OPKG.target, provides: [], providesKnown: false },
  arch: {
    ...OPKG.arch,
    packages: { ...OPKG.arch.packages, 'apk-mbedtls': '2' },
    provides: [],
    providesKnown: false,
  },
};

function journey(version: string, next = '24.10.2', revision = ''): Journey {
  const to = branchOf(OPENWRT_BRANCHES, next);
  if (!to) throw new Error(`expected a branch of ${next}`);
  return { version, revision, from: branchOf(OPENWRT_BRANCHES, version), to };
}

const installed = (names: readonly string[]) => new Map(names.map((name) => [name, `1-${name}`]));
const sorted = ({ packages, gone, unsettled }: CarriedOver) => ({
  packages: packages.map(({ name }) => name).sort(),
  gone: [...gone].sort(),
  unsettled: [...unsettled].sort(),
});
const byName = ({ packages }: CarriedOver) => new Map(packages.map((one) => [one.name, one]));
const carried = (version: string, names: readonly string[], next?: string, index = OPKG, revision?: string) =>
  sorted(carryOver(installed(names), journey(version, next, revision), index));

const only = (...packages: string[]) => ({ packages, gone: [], unsettled: [] });

describe('from 17.01 and earlier', () => {
  it.each([
    ['openvpn vim kmod-ipv6 libmicrohttpd', ['libmicrohttpd-no-ssl', 'openvpn-openssl', 'vim']],
    ['openvpn polarssl vim', ['mbedtls', 'openvpn-mbedtls', 'vim']],
    ['openvpn mbedtls', ['mbedtls', 'openvpn-mbedtls']],
    ['polarssl', ['mbedtls']],
    ['libmicrohttpd12', ['libmicrohttpd-no-ssl']],
    ['kmod-ipv6', []],
  ])('%s', (names, packages) => {
    for (const version of ['17.01.4', '17.01.0-rc2', '17.01-SNAPSHOT'])
      expect(carried(version, names.split(' '))).toEqual(only(...packages));
  });

  it.each(['18.06.2', '24.10.2', 'SNAPSHOT', 'x'])('and %s knows nothing of it', (version) => {
    expect(carried(version, ['openvpn', 'libmicrohttpd'])).toEqual({
      packages: [],
      gone: [],
      unsettled: ['libmicrohttpd', 'openvpn'],
    });
  });

  it('what a table names is never unknown, though the version have no such package', () => {
    const index = { ...OPKG, arch: { ...OPKG.arch, packages: { vim: '2' } } };
    expect(carried('17.01.4', ['polarssl', 'vim'], undefined, index)).toEqual({
      packages: ['vim'],
      gone: ['polarssl'],
      unsettled: [],
    });
  });
});

describe('what changed since 2022', () => {
  it.each<[situation: string, version: string, next: string, names: string[], packages: string[]]>([
    [
      'is applied, optional or not',
      '21.02.7',
      '24.10.2',
      ['firewall', 'wpad-basic-wolfssl', 'auc'],
      ['firewall4', 'owut', 'wpad-basic-mbedtls'],
    ],
    ['is applied to versions that no table knows', '18.06.2', '24.10.2', ['firewall', 'vim'], ['firewall4', 'vim']],
    [
      'is not, where it happened before',
      '23.05.5',
      '24.10.2',
      ['firewall', 'wpad-basic-wolfssl'],
      ['firewall', 'wpad-basic-wolfssl'],
    ],
    ['is not, where it happened later', '23.05.5', '24.10.2', ['opkg'], ['opkg']],
    ['is not, within a branch', '24.10.1', '24.10.2', ['firewall', 'opkg'], ['firewall', 'opkg']],
    ['takes away what is gone', '22.03.5', '24.10.2', ['kmod-nft-nat6', 'luci-app-diag-core', 'vim'], ['vim']],
    [
      'renames language packs',
      '23.05.5',
      '24.10.2',
      ['luci-i18n-opkg-de', 'luci-i18n-base-en'],
      ['luci-i18n-package-manager-de'],
    ],
  ])('%s', (_, version, next, names, packages) => {
    expect(carried(version, names, next)).toEqual(only(...packages));
  });

  it('is placed by the revision of a snapshot', () => {
    expect(carried('SNAPSHOT', ['opkg'], '25.12.0', APK, 'r28055-a')).toEqual(only('apk-mbedtls'));
    expect(carried('SNAPSHOT', ['opkg'], '25.12.0', APK, 'r28056-a')).toEqual(only('opkg'));
    expect(carried('SNAPSHOT', ['opkg'], '25.12.0', APK)).toEqual(only('opkg'));
  });

  it('is applied where another package provides the new name', () => {
    const index = { ...OPKG, arch: { ...OPKG.arch, packages: { vim: '2' }, provides: ['firewall4'] } };
    expect(carried('21.02.7', ['firewall'], '24.10.2', index)).toEqual(only('firewall4'));
  });

  it('leaves a package its old name where the version has no other', () => {
    expect(carried('23.05.5', ['opkg'], '25.12.0', OPKG)).toEqual(only('opkg'));
    const index = { ...OPKG, arch: { ...OPKG.arch, packages: { vim: '2' }, provides: ['firewall'] } };
    expect(carried('21.02.7', ['firewall', 'wpad-basic-wolfssl'], '24.10.2', index)).toEqual({
      ...only('firewall'),
      gone: ['wpad-basic-wolfssl'],
    });
  });
});

describe('the name in the new version of', () => {
  it.each([
    ['a library with the ABI of before', 'libubox20170601', 'libubox'],
    ['a library with the ABI of today', 'libubox20240329', 'libubox'],
    ['a library whose ABI is a version', 'libubus1.2b', 'libubus'],
    ['a library whose name ends with a digit', 'libnghttp2-14', 'libnghttp2'],
    ['a library with a digit within', 'libip4tc0', 'libip4tc'],
    ['a library that is longer than another', 'libx2-5', 'libx2'],
    ['a library whose ABI begins as the name of another ends', 'libx25', 'libx'],
    ['a library with more than digits in its ABI', 'libx1.2b.3', 'libx'],
    ['a library whose ABI is a nine', 'libx9', 'libx'],
    ['a library with the longest ABI', `libubox${'1'.repeat(16)}`, 'libubox'],
    ['a library that was renamed, with its ABI', 'libustream-wolfssl20201210', 'libustream-mbedtls'],
    ['one that was renamed and is no more', 'libustream-polarssl', 'libustream-mbedtls'],
    ['what has an ABI and is no library by its name', 'jansson4', 'jansson'],
    ['what another package provides', 'wget', 'wget'],
    ['what another package of the target provides', 'kmod-ath10k', 'kmod-ath10k'],
    ['what looks like another with an ABI', 'lua5.3', 'lua5.3'],
    ['what Wi-Fi needed', 'wpad-mini', 'wpad-basic-mbedtls'],
    ['what made certificates', 'px5g', 'px5g-mbedtls'],
    ['what listed packages', 'rpcd-mod-packagelist', 'rpcd-mod-rpcsys'],
  ])('%s', (_, name, next) => {
    expect(carried('19.07.2', [name])).toEqual(only(next));
  });

  it.each([
    ...['python39', 'lua5.1', 'libz', 'lib2', 'libxy', 'zlib1', 'vim9', 'iptables-mod', 'constructor'],
    `libubox${'1'.repeat(17)}`,
  ])('what is no package under this name or a similar one: %s', (name) => {
    expect(carried('19.07.2', [name])).toEqual({ packages: [], gone: [], unsettled: [name] });
  });
});

it('what images of then came with and nobody misses is gone', () => {
  expect(carried('18.06.2', ['iptables', 'ip6tables', 'uclibcxx', 'vim'])).toEqual({
    packages: ['vim'],
    gone: ['ip6tables', 'iptables', 'uclibcxx'],
    unsettled: [],
  });
});

it('what came with images is gone as well where the version has not what does the same', () => {
  const index = { ...OPKG, arch: { ...OPKG.arch, packages: { vim: '2' } } };
  expect(carried('18.06.2', ['wpad-mini', 'vim'], '24.10.2', index)).toEqual({ ...only('vim'), gone: ['wpad-mini'] });
});

it('what is in every image or in no index is ignored, whatever its version', () => {
  expect(carried('18.06.2', ['kernel', 'libc', 'libgcc', 'libgcc1'])).toEqual(only());
});

it('of two packages that become one, its own version counts', () => {
  const names = ['libubox20170601', 'libubox', 'libubox20240329'];
  for (const order of [names, names.toReversed()])
    expect(carryOver(installed(order), journey('24.10.1'), OPKG).packages).toEqual([
      { name: 'libubox', offered: '2', installed: '1-libubox' },
    ]);
  for (const order of [
    ['libubox3', 'libubox1', 'libubox2'],
    ['libubox2', 'libubox1', 'libubox3'],
  ])
    expect(carryOver(installed(order), journey('24.10.1'), OPKG).packages).toEqual([
      { name: 'libubox', offered: '2', installed: '1-libubox1' },
    ]);
});

it('what is ignored does not stand in for what becomes one with it', () => {
  const index = { ...OPKG, arch: { ...OPKG.arch, packages: { libgcc: '2' } } };
  expect(carryOver(installed(['libgcc', 'libgcc7']), journey('18.06.2'), index).packages).toEqual([
    { name: 'libgcc', offered: '2', installed: '1-libgcc7' },
  ]);
});

it('of a package in both indexes the version of the target counts', () => {
  const index = { target: targetDocument({ packages: { vim: '3' } }), arch: archDocument({ packages: { vim: '2' } }) };
  expect(carryOver(installed(['vim']), journey('24.10.1'), index).packages).toEqual([
    { name: 'vim', offered: '3', installed: '1-vim' },
  ]);
});

test.each([
  ['vim', true],
  ['libubox20170601', true],
  ['wget', true],
  ['libz', false],
  ['toString', false],
])('a version has the package %s: %j', (name, expected) => {
  expect(hasPackage(OPKG, name)).toBe(expected);
});

describe('whatever is installed', () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...Object.keys(OPKG.arch.packages),
      ...OPKG.arch.provides,
      ...PACKAGE_CHANGES.map(({ source }) => source),
    ),
    fc.constantFrom(
      'kernel',
      'openvpn',
      'polarssl',
      'kmod-ipv6',
      'wpad-mini',
      'iptables',
      'libubox2017',
      'toString',
      'nobody',
    ),
    fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/),
  );
  const names = fc.uniqueArray(word, { maxLength: 30 });
  const from = fc.constantFrom('17.01.4', '18.06.2', '21.02.0', '23.05.5', '24.10.1', 'SNAPSHOT', '24.10-SNAPSHOT');
  const index = fc.constantFrom(OPKG, APK);

  it('every package of the outcome is one that the version has', () => {
    fc.assert(
      fc.property(names, from, index, (list, version, offered) => {
        for (const { name } of carryOver(installed(list), journey(version), offered).packages)
          expect([name, hasPackage(offered, name)]).toEqual([name, true]);
      }),
      { numRuns: 500 },
    );
  });

  it('no package of the outcome is there twice, and each has the version that the index says', () => {
    fc.assert(
      fc.property(names, from, index, (list, version, offered) => {
        const { packages } = carryOver(installed(list), journey(version), offered);
        expect(new Set(packages.map(({ name }) => name)).size).toBe(packages.length);
        for (const one of packages) expect(one.offered).toBe(indexedVersion(one.name, offered.target, offered.arch));
      }),
      { numRuns: 500 },
    );
  });

  it('is told of packages as they lie in a body what is told of them one by one', () => {
    const version = fc.constantFrom('1', '2', '6.6');
    const pairs = fc.array(fc.tuple(word, version), { minLength: 1, maxLength: 30 });
    const told = (carried: CarriedOver) => {
      const outcome = upgradeOutcome(
        { ...OPKG, version: '24.10.2', isNewer: true, hasOtherFeeds: true },
        carried,
        OPKG,
      );
      if (outcome.state !== 'upgrade') return outcome;
      const answer = seedUpgradeSchema.parse(jsonOf(upgradeJson(outcome.answer)));
      return { ...answer, packages: answer.packages?.toSorted() };
    };
    fc.assert(
      fc.property(pairs, from, index, (list, version, offered) => {
        const [fast, long] = [plainPackages(list), new Map(list)].map((form) =>
          carryOver(form, journey(version), offered),
        ) as [CarriedOver, CarriedOver];
        expect(told(fast)).toEqual(told(long));
        expect([...fast.gone].sort()).toEqual([...long.gone].sort());
        expect([...fast.unsettled].sort()).toEqual([...long.unsettled].sort());
      }),
      { numRuns: 1_000 },
    );
  });

  it('its order does not matter', () => {
    fc.assert(
      fc.property(
        names.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        from,
        index,
        ([list, shuffled], version, offered) => {
          const [one, other] = [list, shuffled].map((order) =>
            carryOver(installed(order), journey(version), offered),
          ) as [CarriedOver, CarriedOver];
          expect(sorted(one)).toEqual(sorted(other));
          expect(byName(one)).toEqual(byName(other));
        },
      ),
      { numRuns: 500 },
    );
  });
});
