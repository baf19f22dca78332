import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { MAX_PACKAGES, parsePackagesText } from './feed.ts';
import { parseOpkgIndex } from './opkg-index.ts';

/** Stanzas as OpenWrt 23.05.5 has them, some lines shortened. */
const text = `Package: firewall
Version: 2022-02-17-4cd7d4f3-3
Depends: libc, libubox20230523, kmod-ipt-core
Conflicts: firewall4
Provides: uci-firewall
License: ISC
Section: net
Architecture: x86_64
Installed-Size: 692
Filename: firewall_2022-02-17-4cd7d4f3-3_x86_64.ipk
Size: 1533
SHA256sum: b559124f9a103139bdfe61c1e333ef87ca6e4c4ba31d65e4f4dd91969c509b2e
Description:  This package provides a config-compatible C implementation of the UCI firewall.
 Conflicts: this line is a description, it begins with a blank
 Jo-Philipp Wich <jo@mein.io>

Package: kmod-3c59x
Version: 5.15.167-1
Depends: kernel (= 5.15.167-1-81b2bff79583a8811ffe1497494104ff), kmod-mii
Architecture: x86_64
Filename: kmod-3c59x_5.15.167-1_x86_64.ipk
Size: 6338
SHA256sum: 7ef0a9e3b600ddcc6a56a26560e5e45d20c1e43ba9796903ea8461d2f47cf823

Package: jansson4
Version: 2.14-3
Depends: libc
Provides: jansson
ABIVersion: 4
Filename: jansson4_2.14-3_x86_64.ipk
Size: 908
SHA256sum: d3513bc57355c6ee1e5b5e8a036a497d7f2ec6d8b8b62a08534f09f6a71309bc
`;

const bare = (name: string) => ({ name, condition: '' });
const one = (lines: string) => parseOpkgIndex(`Package: x\nVersion: 1\n${lines}\n`)[0];
const sha256 = 'a'.repeat(64);

describe('a Packages file', () => {
  it('gives relations and files', () => {
    const [firewall, kmod, jansson] = parseOpkgIndex(text);
    expect(firewall).toEqual({
      name: 'firewall',
      bareName: 'firewall',
      version: '2022-02-17-4cd7d4f3-3',
      abiVersion: '',
      depends: [bare('libc'), bare('libubox20230523'), bare('kmod-ipt-core')],
      conflicts: [bare('firewall4')],
      provides: [bare('uci-firewall')],
      file: {
        name: 'firewall_2022-02-17-4cd7d4f3-3_x86_64.ipk',
        sizeBytes: 1533,
        sha256: 'b559124f9a103139bdfe61c1e333ef87ca6e4c4ba31d65e4f4dd91969c509b2e',
      },
    });
    expect(kmod?.depends).toEqual([
      { name: 'kernel', condition: '= 5.15.167-1-81b2bff79583a8811ffe1497494104ff' },
      bare('kmod-mii'),
    ]);
    expect([jansson?.name, jansson?.bareName, jansson?.abiVersion]).toEqual(['jansson4', 'jansson', '4']);
  });

  it('reads the same with the line ends of another system and without a last newline', () => {
    expect(parseOpkgIndex(text.replaceAll('\n', '\r\n').trimEnd())).toEqual(parseOpkgIndex(text));
  });

  it('keeps two packages of one name', () => {
    expect(parseOpkgIndex('Package: x\nVersion: 1\n\nPackage: x\nVersion: 2\n').map(({ version }) => version)).toEqual([
      '1',
      '2',
    ]);
  });

  it.each([
    ['a plain name', 'a', [bare('a')]],
    [
      'a name with a version',
      'wolfssl=5.7.2, wget (>= 1)',
      [
        { name: 'wolfssl', condition: '=5.7.2' },
        { name: 'wget', condition: '>= 1' },
      ],
    ],
    [
      'conditions of any sign',
      'a(>=1), b<2, c>3, d~4, e = 5',
      [
        { name: 'a', condition: '>=1' },
        { name: 'b', condition: '<2' },
        { name: 'c', condition: '>3' },
        { name: 'd', condition: '~4' },
        { name: 'e', condition: '= 5' },
      ],
    ],
    ['a condition of 128 characters', `a (${'1'.repeat(128)})`, [{ name: 'a', condition: '1'.repeat(128) }]],
    ['one of 129, not at all', `a (${'1'.repeat(129)}), b`, [bare('b')]],
    ['so many, and no more', Array(513).fill('a').join(','), Array(512).fill(bare('a'))],
    ['a virtual one of another spelling', '@ip-any', [bare('ip-any')]],
    ['what is no name', '../x, a/b, $(y), , -z, evil.ipk, ok', [bare('ok')]],
  ])('reads %s among the relations', (_, value, expected) => {
    expect(one(`Depends: ${value}`)?.depends).toEqual(expected);
  });

  it.each([
    [
      'whole',
      `Filename: ./x_1.ipk\nSize: 7\nSHA256sum: ${sha256.toUpperCase()}`,
      { name: 'x_1.ipk', sizeBytes: 7, sha256 },
    ],
    ['without a digest', 'Filename: x.ipk\nSize: 7', null],
    ['with a short digest', 'Filename: x.ipk\nSize: 7\nSHA256sum: abc', null],
    ['with a size that is no number', `Filename: x.ipk\nSize: 7e3\nSHA256sum: ${sha256}`, null],
    [
      'of twelve digits',
      `Filename: x\nSize: ${'9'.repeat(12)}\nSHA256sum: ${sha256}`,
      { name: 'x', sizeBytes: 999_999_999_999, sha256 },
    ],
    ['of thirteen digits', `Filename: x.ipk\nSize: ${'9'.repeat(13)}\nSHA256sum: ${sha256}`, null],
    ['without a size', `Filename: x.ipk\nSHA256sum: ${sha256}`, null],
    ['with a size behind a word', `Filename: x.ipk\nSize: x7\nSHA256sum: ${sha256}`, null],
    [
      'with a directory, and more dots before it',
      `Filename: ././a/./x\nSize: 1\nSHA256sum: ${sha256}`,
      { name: 'a/./x', sizeBytes: 1, sha256 },
    ],
    [
      'with dots in the middle',
      `Filename: a/./x\nSize: 1\nSHA256sum: ${sha256}`,
      { name: 'a/./x', sizeBytes: 1, sha256 },
    ],
    ['that hides', `Filename: .x\nSize: 1\nSHA256sum: ${sha256}`, { name: '.x', sizeBytes: 1, sha256 }],
    ['without a name', `Size: 7\nSHA256sum: ${sha256}`, null],
  ])('knows a file %s', (_, lines, file) => {
    expect(one(lines)?.file).toEqual(file);
  });

  it.each([
    ['a name that climbs', '../x', '1'],
    ['a name of a file', 'x.ipk', '1'],
    ['a version that a shell would read', 'x', '$(y)'],
    ['no version', 'x', ''],
    ['a version without end', 'x', '1'.repeat(200)],
  ])('leaves out %s', (_, name, version) => {
    expect(parseOpkgIndex(`Package: ok\nVersion: 1\n\nPackage: ${name}\nVersion: ${version}\n`)).toHaveLength(1);
  });

  it('keeps the longest version and one with a colon, and a line without a colon is none', () => {
    const version = '1'.repeat(128);
    expect(parseOpkgIndex(`Package: x\nVersion: ${version}\nPackage\nVersion\n`)[0]?.version).toBe(version);
    expect(parseOpkgIndex(`Package: x\nVersion: ${version}1\n\nPackage: y\nVersion: 1\n`)).toHaveLength(1);
    expect(parseOpkgIndex('Package:x\nVersion:1:2\n').map((pack) => pack.version)).toEqual(['1:2']);
    expect(parseOpkgIndex('Version: 2\nPackage: x\nVersion: 1').map((pack) => pack.version)).toEqual(['1']);
  });

  it('reads each field of a stanza in that stanza alone', () => {
    const [first, second] = parseOpkgIndex('Package: x\nVersion: 1\nDepends: a\n\nPackage: y\nVersion: 2\n');
    expect([first?.depends, second?.depends]).toEqual([[bare('a')], []]);
  });

  it('of as many packages as there may be is read', () => {
    expect(parseOpkgIndex('Package: x\nVersion: 1\n'.repeat(MAX_PACKAGES))).toHaveLength(MAX_PACKAGES);
  });

  it('is refused where it is a web page, and where it is far too long', () => {
    expect(() => parseOpkgIndex('<html>Welcome</html>')).toThrow('expected stanzas beginning with "Package:"');
    expect(() => parseOpkgIndex('Package: x\nVersion: 1\n'.repeat(MAX_PACKAGES + 1))).toThrow('at most 60000 packages');
    expect(parseOpkgIndex('\n')).toEqual([]);
  });

  it('names the same packages as the edge reads in it, whatever is in it', () => {
    const word = fc.constantFrom(
      'Package: ',
      'Version: ',
      'ABIVersion: ',
      'a1',
      'b',
      '1',
      '2',
      ' ',
      '\n',
      '\n',
      ':',
      '-',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        const index = words.join('');
        const read = <Result>(parse: (text: string) => Result): Result | null => {
          try {
            return parse(index);
          } catch {
            return null;
          }
        };
        const edge = read(parsePackagesText)?.packages;
        const node = read(parseOpkgIndex);
        for (const [name, version] of edge ?? [])
          expect(node?.some((pack) => pack.bareName === name && pack.version === version)).toBe(true);
      }),
    );
  });
});
