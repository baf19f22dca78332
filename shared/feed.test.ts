import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_PACKAGES,
  mergePackages,
  packagesDigest,
  packagesRecord,
  parseFeedsConf,
  parseIndexJson,
  parsePackagesText,
} from './feed.ts';
import { isPackageName, PACKAGE_VERSION } from './grammar.ts';

/** Three stanzas as OpenWrt 23.05.5 has them. */
const packagesText = `Package: libubox20230523
ABIVersion: 20230523
Version: 2023-05-23-75a3b870-1
Depends: libc
Provides: libubox
Architecture: mips_24kc
Description:  Basic utility library
 Package: this line is a description, it begins with a blank
 Version: 9

Package: libpcre2-32
Version: 10.42-1
ABIVersion: 

Package: 464xlat
Version: 13
Description:  464xlat provides support to deploy limited IPv4 access services to mobile
`;

const entries = (index: { packages: ReadonlyMap<string, string> }) => Object.fromEntries(index.packages);

describe('a Packages file', () => {
  it('gives names without their ABI, and takes nothing from a description', () => {
    const index = parsePackagesText(packagesText);
    expect(entries(index)).toEqual({ libubox: '2023-05-23-75a3b870-1', 'libpcre2-32': '10.42-1', '464xlat': '13' });
    expect(index.dropped).toBe(0);
  });

  it('reads the same with the line ends of another system and without a last newline', () => {
    expect(entries(parsePackagesText(packagesText.replaceAll('\n', '\r\n').trimEnd()))).toEqual(
      entries(parsePackagesText(packagesText)),
    );
  });

  it('keeps a name that is all ABI, rather than none', () => {
    expect(entries(parsePackagesText('Package: 12\nABIVersion: 12\nVersion: 1\n'))).toEqual({ 12: '1' });
  });

  it('drops and counts what could become a path, an option or a command', () => {
    const bad = ['../x', '__proto__', '-force', 'a b', '$(reboot)', 'x.ipk', 'a\u0000', 'ä', 'a'.repeat(200)];
    const text = [...bad.map((name) => `Package: ${name}\nVersion: 1\n`), 'Package: ok\nVersion: 1\n'].join('\n');
    const index = parsePackagesText(text);
    expect(entries(index)).toEqual({ ok: '1' });
    expect(index.dropped).toBe(bad.length);
    for (const version of ['$(x)', '1 2', '', '1'.repeat(200)])
      expect(parsePackagesText(`Package: a\nVersion: ${version}\n\nPackage: ok\nVersion: 1`).dropped).toBe(1);
  });

  it('that is a web page is refused with what it is, an empty one is an empty feed', () => {
    expect(() => parsePackagesText('<!DOCTYPE html>\n<p>Not today')).toThrow(/expected stanzas.*DOCTYPE/);
    expect(parsePackagesText('\n').packages.size).toBe(0);
  });

  it('with too many packages is refused', () => {
    const text = Array.from({ length: MAX_PACKAGES + 1 }, (_, n) => `Package: p${n}\nVersion: 1\n`).join('\n');
    expect(() => parsePackagesText(text)).toThrow(`expected at most ${MAX_PACKAGES}`);
  });
});

describe('an index.json', () => {
  it('of version 2 has ABI-free names, of version 1 perhaps not', () => {
    const v2 = parseIndexJson('{"version":2,"architecture":"x86_64","packages":{"libubox":"2025-r1"}}');
    expect([v2.names, entries(v2)]).toEqual(['abi_free', { libubox: '2025-r1' }]);
    const v1 = parseIndexJson('{"architecture":"x86_64","packages":{"libubox20230523":"1"}}');
    expect([v1.names, entries(v1)]).toEqual(['perhaps_with_abi', { libubox20230523: '1' }]);
  });

  it('cannot reach a prototype, and a package called constructor is one', () => {
    const index = parseIndexJson('{"version":2,"packages":{"__proto__":{"polluted":"1"},"constructor":"2","n":3}}');
    expect(index.dropped).toBe(2);
    const record = packagesRecord(index.packages);
    expect(Object.keys(record)).toEqual(['constructor']);
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each(['<html></html>', '{"version":2,"packages":{"a":"1"', '[]', 'null', '{"packages":[]}', '{}', ''])(
    'that is %j is refused',
    (text) => {
      expect(() => parseIndexJson(text)).toThrow(/^expected /);
    },
  );
});

describe('whatever an index holds', () => {
  const dirt = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'ok', '../x', 'a\nPackage: b'));

  it('only names and versions of the grammar come out of it', () => {
    const clean = (index: { packages: ReadonlyMap<string, string> }) => {
      for (const [name, version] of index.packages)
        expect(isPackageName(name) && version !== '' && PACKAGE_VERSION.test(version)).toBe(true);
    };
    fc.assert(
      fc.property(fc.array(fc.tuple(dirt, dirt)), dirt, (pairs, abi) => {
        clean(parseIndexJson(`{"packages":{${pairs.map((pair) => pair.map((x) => JSON.stringify(x)).join(':'))}}}`));
        const text = pairs.map(([name, version]) => `Package: ${name}\nVersion: ${version}\nABIVersion: ${abi}\n`);
        clean(parsePackagesText(['Package: ok\nVersion: 1\n', ...text].join('\n')));
      }),
    );
  });

  it('the digest depends on the packages and not on their order', async () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, name), { selector: ([key]) => key, minLength: 1 }),
        async (pairs) => {
          const digest = await packagesDigest(new Map(pairs));
          expect(await packagesDigest(new Map([...pairs].reverse()))).toBe(digest);
          const [first, ...rest] = pairs as [[string, string], ...[string, string][]];
          expect(await packagesDigest(new Map(rest))).not.toBe(digest);
          expect(await packagesDigest(new Map([...rest, [first[0], `${first[1]}0`]]))).not.toBe(digest);
          expect(packagesRecord(new Map(pairs))).toEqual(packagesRecord(new Map([...pairs].reverse())));
        },
      ),
    );
  });
});

describe('feeds of an architecture', () => {
  const line = (name: string) => `src-git-full ${name} https://git.openwrt.org/feed/${name}.git^0123\n`;

  it('are those of feeds.conf after base, which it does not list', () => {
    expect(parseFeedsConf(line('packages') + line('luci') + line('packages'))).toEqual(['base', 'packages', 'luci']);
    expect(parseFeedsConf('')).toEqual(['base']);
  });

  it('that climb or are no names are left out', () => {
    expect(parseFeedsConf(`${line('luci')}src-link ../x /tmp\nsrc-link .. /tmp\n# src-git off\nsrc-git\n`)).toEqual([
      'base',
      'luci',
    ]);
  });

  it('of a web page are none, and too many are too many', () => {
    expect(() => parseFeedsConf('<html>\n<body>')).toThrow(/expected lines of "src-git/);
    expect(() => parseFeedsConf(Array.from({ length: 40 }, (_, n) => line(`f${n}`)).join(''))).toThrow('at most 32');
  });

  it('share one index, in which the later feed wins', () => {
    const index = (version: string) => ({ packages: new Map([['curl', version]]), dropped: 0 });
    expect([...mergePackages([index('1'), index('2')])]).toEqual([['curl', '2']]);
  });
});
