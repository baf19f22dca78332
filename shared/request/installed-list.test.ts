import { describe, expect, it, test } from 'vitest';
import { InstalledListError, installedList } from './installed-list.ts';

/** The list, or what is told of it. */
function read(text: string): unknown {
  try {
    return installedList(text);
  } catch (error) {
    if (error instanceof InstalledListError) return `${error.where}: ${error.message}`;
    throw error;
  }
}

const BUSYBOX = { busybox: '1.36.1-r2', libubox20240329: '2024.03.29~eb9bcb64-r1' };

describe('installed packages are read', () => {
  it.each<[format: string, text: string, installed: Record<string, string>]>([
    ['opkg list-installed', 'busybox - 1.28.4-3\nlibstdcpp - 7.3.0-1\n', { busybox: '1.28.4-3', libstdcpp: '7.3.0-1' }],
    ['opkg list-installed with descriptions', 'vim - 8.1-2 - an editor - really\n', { vim: '8.1-2' }],
    ['opkg in columns', 'vim  -  8.1-2\n', { vim: '8.1-2' }],
    ['opkg of a line of 1000 characters', `vim - 8 - ${'x'.repeat(990)}`, { vim: '8' }],
    ['a version of 128 characters', `vim - ${'8'.repeat(128)}`, { vim: '8'.repeat(128) }],
    ['a package twice: the last counts', 'vim - 1\nvim - 2\n', { vim: '2' }],
    ['opkg of lines with CR', 'vim - 8.1-2\r\n\r\nnano - 2\r\n', { vim: '8.1-2', nano: '2' }],
    [
      'apk list --installed',
      'busybox-1.36.1-r2 x86_64 {feeds/base/utils/busybox} (GPL-2.0) [installed]\nlibubox20240329-2024.03.29~eb9bcb64-r1 x86_64 {x} (ISC) [installed]\n',
      BUSYBOX,
    ],
    ['apk list --manifest', 'busybox 1.36.1-r2\nlibubox20240329 2024.03.29~eb9bcb64-r1\n', BUSYBOX],
    ['apk info -v', 'busybox-1.36.1-r2\nlibubox20240329-2024.03.29~eb9bcb64-r1\n', BUSYBOX],
    [
      'apk beside what it warns of',
      'WARNING: opening /x: No such file\nlibnghttp2-14-1.63.0-r1\nbase-files-1637~d9340319c6\nkmod-r8125-6.6.86.9.014.01-r1\nkernel-6.6.86~abc-r1\n',
      {
        'libnghttp2-14': '1.63.0-r1',
        'base-files': '1637~d9340319c6',
        'kmod-r8125': '6.6.86.9.014.01-r1',
        kernel: '6.6.86~abc-r1',
      },
    ],
    ['apk of a version with a plus and ten revisions', 'zlib-1.3+git-r10\n', { zlib: '1.3+git-r10' }],
    [
      'a status file of opkg, without what is removed',
      'Package: vim\nVersion: 8.1-2\nDepends: libc,\n libncurses\nStatus: install user installed\nArchitecture: x\n\nPackage: nano\nVersion: 2\nStatus: deinstall ok not-installed\n\nPackage: uci\nVersion: 3\nStatus: install ok installed\nConffiles:\n /etc/x abc\n',
      { vim: '8.1-2', uci: '3' },
    ],
    [
      'a status file of lines with CR',
      'Package: vim\r\nInstalled-Time: 1\r\nversion: 8\r\n\r\nPackage: uci\r\nVersion: 3',
      { vim: '8', uci: '3' },
    ],
    [
      'a status file whose fields go on in the next line',
      'Package: vim\n x\nX: y\nVersion: 8\nDescription: an editor\n Version: 9\n',
      { vim: '8' },
    ],
    [
      'a package twice in a status file: the last counts',
      'Package: vim\nVersion: 1\n\nPackage: vim\nVersion: 2\n',
      { vim: '2' },
    ],
    ['JSON', '{"vim": "8.1-2", "constructor": "1"}', { vim: '8.1-2', constructor: '1' }],
    ['JSON of rpcd', '\n{"architecture": "x", "packages": {"vim": "8.1-2"}}', { vim: '8.1-2' }],
    ['a package of that name', '{"packages": "1"}', { packages: '1' }],
  ])('%s', (_, text, installed) => {
    expect(read(text)).toEqual(installed);
  });
});

test.each<[situation: string, text: string, sentence: RegExp]>([
  ['nothing', '', /^: expected installed packages, got none$/],
  ['an empty object', '{}', /^: expected installed packages, got none$/],
  [
    'words',
    'hello there world\n',
    /^line 1: expected opkg list-installed, apk .*, JSON or a status file of opkg, got "hello there world"$/,
  ],
  ['two words', 'hello w0rld\n', /^line 1: expected opkg/],
  ['a word behind a version', 'vim 8.1 x\n', /^line 1: expected opkg/],
  ['a revision without a number', 'vim-8.1-r\n', /^line 1: expected opkg/],
  ['what only looks like a status file', 'vim - 8\nPackage: vim\n', /^line 2: expected NAME - VERSION/],
  ['a version with markup', 'vim - 8\nnano - <b>\n', /^line 2: expected NAME - VERSION/],
  ['a version of 129 characters', `vim - 8\nnano - ${'8'.repeat(129)}`, /^line 2: expected NAME - VERSION/],
  ['a page', '<html>\n', /^line 1: expected/],
  [
    'a name that is none',
    'vim - 8.1\n\n../x - 1\n',
    /^line 3: expected NAME - VERSION as opkg list-installed prints it, got "..\/x - 1"$/,
  ],
  ['two formats', 'vim-8.1-r2\nvim - 8\n', /^line 2: expected NAME-VERSION as apk info -v prints it, got "vim - 8"$/],
  ['what a terminal would obey', 'vim - 8\n\x1b[2J - 1\n', /line 2: .* got "\\u001b\[2J - 1"$/],
  ['a line without end', `vim - 8\n${'x'.repeat(2_000)}`, /line 2: expected at most 1000 characters, got 2000$/],
  ['a line of 1001 characters', `vim - 8 - ${'x'.repeat(991)}`, /^line 1: expected at most 1000 characters, got 1001$/],
  ['JSON that is none', '{"vim": ', /^: expected JSON, since it begins with a brace: /],
  ['JSON of other things', '{"vim": 8}', /^"vim": expected the name of a package and its version, got "8"$/],
  [
    'JSON that is deep',
    `{"vim": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    /^"vim": expected .* got an object or a list$/,
  ],
  ['JSON of a list', '{"vim": ["8"]}', /^"vim": expected/],
  ['JSON of no packages', '{"packages": null}', /^"packages": expected .*, got "null"$/],
  ['a prototype', '{"__proto__": "1"}', /^"__proto__": expected/],
  [
    'a paragraph without version',
    'Package: a\nVersion: 1\n\nPackage: b\nStatus: install ok installed\n',
    /^the paragraph of line 4: expected a package and its version, got "b "$/,
  ],
  ['a paragraph of a name alone', 'Package: a\n', /^the paragraph of line 1: expected a package .*, got "a "$/],
  ['a paragraph without a name', 'Package: a\nVersion: 1\n\nVersion: 2\n', /^the paragraph of line 4: .* got " 2"$/],
  ['a paragraph with a line that is no field', 'Package: a\nVersion: 1\nx y\n', /^line 3: expected FIELD: VALUE/],
  ['a paragraph that begins inside of a field', 'Package: a\nVersion: 1\n\n x\n', /^line 4: expected FIELD: VALUE/],
  ['a status file that is cut', 'Package: a\nVersion: 1\n\ngarbage\n', /^line 4: expected FIELD: VALUE/],
])('%s is refused by line', (_, text, sentence) => {
  expect(read(text)).toMatch(sentence);
});

test('a hostile file costs no more than an honest one', () => {
  expect(read(`a-1\n${`${'a-1'.repeat(330)}\n`.repeat(2_000)}`)).toMatch(/^line 2/);
});
