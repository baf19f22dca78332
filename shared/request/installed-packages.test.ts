import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { type BareNames, bareNamesOfIndex, bareNamesOfStanzas, installedPackages } from './installed-packages.ts';

const stanza = (name: string, version: string, abiVersion = '') => ({ name, version, abiVersion });

test('names lose their ABI, local packages need no index, and what no index explains is told', () => {
  const known = bareNamesOfStanzas([stanza('libubox20230523', '1', '20230523'), stanza('vim', '9.1')]);
  const manifest = { kernel: '5.15', libubox20230523: '1', vim: '9.1', strange7: '1', libc: '1.2', 'base-files': '1' };
  expect(installedPackages(manifest, known)).toEqual({
    packages: { 'base-files': '1', kernel: '5.15', libc: '1.2', libubox: '1', strange7: '1', vim: '9.1' },
    undecided: ['strange7'],
  });
});

test.each<[string, BareNames, string, string, string | null]>([
  ['no ABI', bareNamesOfStanzas([stanza('libpcre2-32', '1')]), 'libpcre2-32', '1', 'libpcre2-32'],
  ['a dash', bareNamesOfStanzas([stanza('libnghttp2-14', '1', '-14')]), 'libnghttp2-14', '1', 'libnghttp2'],
  ['the same in another version', bareNamesOfStanzas([stanza('liba1', '1', '1')]), 'liba1', '2', 'liba'],
  [
    'two versions with two ABIs: the version decides',
    bareNamesOfStanzas([stanza('liba11', '1', '1'), stanza('liba11', '2', '11')]),
    'liba11',
    '2',
    'liba',
  ],
  [
    'two versions with two ABIs, and a third version',
    bareNamesOfStanzas([stanza('liba11', '1', '1'), stanza('liba11', '2', '11')]),
    'liba11',
    '3',
    null,
  ],
  [
    'two feeds that contradict each other',
    bareNamesOfStanzas([stanza('liba11', '1', '1'), stanza('liba11', '1', '11')]),
    'liba11',
    '1',
    null,
  ],
  ['a name of Object', bareNamesOfStanzas([]), 'constructor', '1', null],
  ['apk: an ABI', bareNamesOfIndex(new Map([['libubox', '1']])), 'libubox20260213', '1', 'libubox'],
  ['apk: dots and letters', bareNamesOfIndex(new Map([['liblua', '1']])), 'liblua5.1.5-x', '1', 'liblua'],
  ['apk: a dash', bareNamesOfIndex(new Map([['libiptext6', '1']])), 'libiptext6-0', '1', 'libiptext6'],
  [
    'apk: the longest',
    bareNamesOfIndex(
      new Map([
        ['lib', '1'],
        ['lib6', '1'],
      ]),
    ),
    'lib64',
    '1',
    'lib6',
  ],
  [
    'apk: the longest of its version',
    bareNamesOfIndex(
      new Map([
        ['lib', '1'],
        ['lib6', '2'],
      ]),
    ),
    'lib64',
    '1',
    'lib',
  ],
  [
    'apk: the name itself',
    bareNamesOfIndex(
      new Map([
        ['libncurses6', '1'],
        ['libncurses', '1'],
      ]),
    ),
    'libncurses6',
    '1',
    'libncurses6',
  ],
  ['apk: another package that begins like it', bareNamesOfIndex(new Map([['vim', '1']])), 'vim-full', '1', null],
  ['apk: another version', bareNamesOfIndex(new Map([['liba', '1']])), 'liba7', '2', null],
  ['apk: a name of Object', bareNamesOfIndex(new Map()), 'constructor', '1', null],
])('%s', (_, bareNames, name, version, expected) => {
  expect(bareNames(name, version)).toBe(expected);
});

const version = fc.constantFrom('1', '2', '3-r1');
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const abi = fc.oneof(fc.constant(''), fc.stringMatching(/^[0-9][0-9a-z.]{0,6}$/));

test('by stanzas every name of a manifest is decided, and put together again with its ABI is what was installed', () => {
  const packages = fc.uniqueArray(fc.tuple(name, abi, version), { selector: ([bare, suffix]) => bare + suffix });
  fc.assert(
    fc.property(packages, (installed) => {
      const known = bareNamesOfStanzas(installed.map(([bare, suffix, v]) => stanza(bare + suffix, v, suffix)));
      const manifest = Object.fromEntries(installed.map(([bare, suffix, v]) => [bare + suffix, v]));
      const result = installedPackages(manifest, known);
      expect(result.undecided).toEqual([]);
      for (const [bare, suffix, v] of installed) {
        expect(known(bare + suffix, v)).toBe(bare);
        expect(Object.hasOwn(result.packages, bare)).toBe(true);
      }
    }),
  );
});

test('by an index a name is never cut to one that is not there in its version', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, version)), name, abi, version, (entries, base, suffix, v) => {
      const index = new Map([...entries, [base, v] as const]);
      const bare = bareNamesOfIndex(index)(base + suffix, v);
      expect(bare).not.toBeNull();
      expect(index.get(bare ?? '')).toBe(v);
      expect((base + suffix).startsWith(bare ?? '?')).toBe(true);
      expect((bare ?? '').length).toBeGreaterThanOrEqual(base.length);
    }),
  );
});
