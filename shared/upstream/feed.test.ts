import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { isPackageName, PACKAGE_VERSION } from '../request/grammar.ts';
import {
  mergeIndexes,
  packageList,
  packagesDigest,
  packagesRecord,
  parseFeedsConf,
  parseIndexJson,
  parsePackagesText,
} from './feed.ts';

/** Three stanzas as OpenWrt 23.05.5 has them. */
const packagesText = `Package: libubox20230523
ABIVersion: 20230523
Version: 2023-05-23-75a3b870-1
Vendor: 9
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

  it.each([
    ['a name that is all ABI, rather than none', '12', '12', '12'],
    ['what stands before an ABI with a dash', 'libnghttp2-14', '-14', 'libnghttp2'],
    ['dots in an ABI', 'liblua5.3-5.3', '-5.3', 'liblua5.3'],
    ['a name that ends otherwise', 'libpcre2-32', '10', 'libpcre2-32'],
  ])('keeps %s', (_, name, abi, bare) => {
    expect(entries(parsePackagesText(`Package: ${name}\nABIVersion: ${abi}\nVersion: 1\n`))).toEqual({ [bare]: '1' });
  });

  describe('tells what can be asked for', () => {
    const provided = (stanza: string, version = '1') =>
      [...(parsePackagesText(`${stanza}\nVersion: ${version}\n\nPackage: ok\nVersion: 1\n`).provides ?? [])]
        .filter((name) => name !== 'ok')
        .sort();

    it.each([
      ['nothing but itself', 'Package: vim\nPriority: optional', ['vim']],
      [
        'a name that ends with its ABI twice, without one of them',
        'Package: libx55\nABIVersion: 5',
        ['libx5', 'libx55'],
      ],
      [
        'virtual names',
        'Package: odhcpd\nProvides: dhcp-server, @ra-any,dns',
        ['dhcp-server', 'dns', 'odhcpd', 'ra-any'],
      ],
      [
        'versions and conditions of names',
        'Package: a\nProvides: b=1.2, c (>= 1), d~1, e<2, f>3, g(>=1)',
        [...'abcdefg'],
      ],
      ['a name with its ABI and without', 'Package: libx5\nABIVersion: 5\nProvides: libx', ['libx', 'libx5']],
      [
        'other names with the ABI of the package',
        'Package: libelf1\nABIVersion: 1\nProvides: libelf1, libelf, libelf11',
        ['libelf', 'libelf1', 'libelf11'],
      ],
      ['no more than names', 'Package: x\nProvides: ../x, , @, $(x), __proto__, a.ipk, =1', ['x']],
    ])('%s', (_, stanza, names) => {
      expect(provided(stanza)).toEqual(names);
    });

    it('a name whose version we would not repeat: it is there all the same', () => {
      expect(provided('Package: x5\nABIVersion: 5\nProvides: y', '$(reboot)')).toEqual(['x', 'x5', 'y']);
    });

    it('by stanza: the last is as good as the first, and an earlier one lends nothing', () => {
      const [first, last] = [
        'Package: a1\nABIVersion: 1\nProvides: x1, y2\nVersion: 1',
        'Package: b2\nABIVersion: 2\nVersion: 1',
      ];
      const told = (text: string) => [...(parsePackagesText(text).provides ?? [])].sort();
      expect(told(`${first}\n\n${last}\nProvides: z`)).toEqual(['a', 'a1', 'b', 'b2', 'x', 'x1', 'y2', 'z']);
      expect(told(`${first}\n\n${last}`)).toEqual(['a', 'a1', 'b', 'b2', 'x', 'x1', 'y2']);
    });

    it('and refuses to be filled with names', () => {
      const other = (count: number) => Array.from({ length: count }, (_, n) => `n${n}`).join(', ');
      const read = (names: number) => parsePackagesText(`Package: a\nVersion: 1\nProvides: ${other(names - 1)}\n`);
      expect(read(120_000).provides?.size).toBe(120_000);
      expect(() => read(120_001)).toThrow('expected at most 120000 provided names in an index, got more');
    });

    it('in a time that grows with the text alone, whatever stands there', () => {
      const text = `Package: a\nVersion: 1\nProvides: ${'('.repeat(2_000_000)}\u2028${'@'.repeat(2_000_000)}\n`;
      expect([...(parsePackagesText(text).provides ?? [])]).toEqual(['a']);
    });

    it('and of names that are none only so many', () => {
      const commas = (packages: number) =>
        Array.from({ length: packages }, (_, n) => `Package: p${n}\nVersion: 1\nProvides: ${','.repeat(100_000)}\n`);
      expect(parsePackagesText(commas(2).join('\n')).packages.size).toBe(2);
      expect(() => parsePackagesText(commas(3).join('\n'))).toThrow('expected at most 120000 provided names');
    });
  });

  it('drops and counts what could become a path, an option or a command', () => {
    const bad = ['../x', '__proto__', '-force', 'a b', '$(reboot)', 'x.ipk', 'a\u0000', 'ä', 'a'.repeat(200)];
    const text = [...bad.map((name) => `Package: ${name}\nVersion: 1\n`), 'Package: ok\nVersion: 1\n'].join('\n');
    const index = parsePackagesText(text);
    expect(entries(index)).toEqual({ ok: '1' });
    expect(index.dropped).toBe(bad.length);
    for (const version of ['$(x)', '1 2', '', '1'.repeat(129)])
      expect(parsePackagesText(`Package: a\nVersion: ${version}\n\nPackage: ok\nVersion: 1`).dropped).toBe(1);
    const unversioned = parsePackagesText(`Package: ok\nVersion: ${'1'.repeat(128)}\n\nPackage: a\n`);
    expect([entries(unversioned), unversioned.dropped]).toEqual([{ ok: '1'.repeat(128) }, 1]);
  });

  it('that is a web page is refused with what it is, an empty one is an empty feed', () => {
    expect(() => parsePackagesText('<!DOCTYPE html>\n<p>Not today')).toThrow(/expected stanzas.*DOCTYPE/);
    expect(parsePackagesText('\n').packages.size).toBe(0);
  });

  it('with too many packages is refused', () => {
    const text = (count: number) => Array.from({ length: count }, (_, n) => `Package: p${n}\nVersion: 1\n`).join('\n');
    expect(parsePackagesText(text(60_000)).packages.size).toBe(60_000);
    expect(() => parsePackagesText(text(60_001))).toThrow('expected at most 60000 packages in an index, got more');
  });
});

describe('an index.json', () => {
  it('of either version gives names and versions, and tells nothing of what they provide', () => {
    const v2 = parseIndexJson('{"version":2,"architecture":"x86_64","packages":{"libubox":"2025-r1"}}');
    expect([entries(v2), v2.provides]).toEqual([{ libubox: '2025-r1' }, null]);
    const v1 = parseIndexJson('{"architecture":"x86_64","packages":{"libubox20230523":"1"}}');
    expect([entries(v1), v1.provides]).toEqual([{ libubox20230523: '1' }, null]);
  });

  it('cannot reach a prototype, and a package called constructor is one', () => {
    const index = parseIndexJson('{"version":2,"packages":{"__proto__":{"polluted":"1"},"constructor":"2","n":3}}');
    expect(index.dropped).toBe(2);
    const record = packagesRecord(index.packages);
    expect(Object.keys(record)).toEqual(['constructor']);
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each([
    '<html></html>',
    '{"version":2,"packages":{"a":"1"',
    '[]',
    'null',
    '{"packages":[]}',
    '{"packages":null}',
    '{}',
    '',
  ])('that is %j is refused', (text) => {
    expect(() => parseIndexJson(text)).toThrow(/^expected /);
  });
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

  it('the digest is that of one line a package, in their order', async () => {
    const packages = new Map(Object.entries({ b: '2', a: '1' }));
    expect(await packagesDigest(packages)).toBe(sha256Hex('a 1\nb 2\n'));
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
          const record = JSON.stringify(packagesRecord(new Map(pairs)));
          expect(JSON.stringify(packagesRecord(new Map([...pairs].reverse())))).toBe(record);
        },
      ),
    );
  });
});

describe('feeds of an architecture', () => {
  const line = (name: string) => `src-git-full ${name} https://git.openwrt.org/feed/${name}.git^0123\n`;

  it('are those of feeds.conf after base, which it does not list', () => {
    expect(parseFeedsConf(line('packages') + line('luci') + line('packages'))).toEqual(['base', 'packages', 'luci']);
    for (const empty of ['', '\n']) expect(parseFeedsConf(empty)).toEqual(['base']);
  });

  it.each([
    ['one letter', 'A', true],
    ['a digit, a dash and an underscore', '9-x_Y', true],
    ['64 characters', 'f'.repeat(64), true],
    ['65 characters', 'f'.repeat(65), false],
    ['a dot', 'a.b', false],
    ['a dash in front', '-a', false],
  ])('may be called by %s, %s: %s', (_, name, isThere) => {
    expect(parseFeedsConf(` src-git-full \t${name}  https://x/\n${line('luci')}`)).toEqual(
      isThere ? ['base', name, 'luci'] : ['base', 'luci'],
    );
  });

  it('that climb or are no names are left out', () => {
    expect(parseFeedsConf(`${line('luci')}src-link ../x /tmp\nsrc-link .. /tmp\n# src-git off\nsrc-git\n`)).toEqual([
      'base',
      'luci',
    ]);
  });

  it('of a web page are none, and too many are too many', () => {
    expect(() => parseFeedsConf('<html>\n<body>')).toThrow(/expected lines of "src-git/);
    const feeds = (count: number) => parseFeedsConf(Array.from({ length: count }, (_, n) => line(`f${n}`)).join(''));
    expect(feeds(31)).toHaveLength(32);
    expect(() => feeds(32)).toThrow('expected at most 32 feeds, got 33');
  });

  const index = (packages: Record<string, string>, provides: string[] | null, dropped = 0) => ({
    packages: new Map(Object.entries(packages)),
    provides: provides && new Set(provides),
    dropped,
  });

  it('share one index, in which the later feed wins', () => {
    const merged = mergeIndexes([index({ curl: '1' }, [], 2), index({ curl: '2' }, [], 3)]);
    expect(merged).toEqual({ packages: new Map([['curl', '2']]), provides: new Set(), dropped: 5 });
  });

  it('together have no more packages than one may have', () => {
    const numbered = (from: number, to: number) =>
      index(Object.fromEntries(Array.from({ length: to - from }, (_, at) => [`p${from + at}`, '1'])), []);
    const both = (to: number) => mergeIndexes([numbered(0, 30_000), numbered(20_000, to)]);
    expect(both(60_000).packages.size).toBe(60_000);
    expect(() => both(60_001)).toThrow('expected at most 60000 packages in all, got 60001');
  });

  it('together know what else can be asked for: no name that is a package, and nothing at all when one does not tell', async () => {
    const both = [index({ curl: '1' }, ['curl', 'http']), index({ wget: '1' }, ['curl', 'fetch'])];
    expect(await packageList(mergeIndexes(both), ['libc', 'wget'])).toEqual({
      packages: { curl: '1', wget: '1' },
      packagesDigest: await packagesDigest(new Map(Object.entries({ curl: '1', wget: '1' }))),
      provides: ['fetch', 'http', 'libc'],
      providesKnown: true,
    });
    for (const indexes of [
      [...both, index({ vim: '1' }, null)],
      [index({ vim: '1' }, null), ...both],
    ])
      expect(await packageList(mergeIndexes(indexes), ['libc'])).toMatchObject({ provides: [], providesKnown: false });
  });
});
