import { expect, test } from 'vitest';
import { parseOpkgIndex } from '../upstream/opkg-index.ts';
import { absentPackages } from './absent-packages.ts';

const stanzas = parseOpkgIndex(
  [
    'Package: libncurses6\nVersion: 1\nABIVersion: 6',
    'Package: dnsmasq-full\nVersion: 1\nProvides: dnsmasq',
    'Package: dnsmasq\nVersion: 1',
    'Package: nano\nVersion: 1\nProvides: editor',
    'Package: libssl3\nVersion: 1\nABIVersion: 3\nProvides: libcrypt',
  ].join('\n\n'),
);
const installed: Record<string, string>[] = [
  { 'dnsmasq-full': '1', libncurses6: '1', ppp: '1' },
  { 'dnsmasq-full': '1', libncurses: '1', ppp: '1', libssl: '1' },
];

test.each<[string, string[], string[]]>([
  ['what is installed', ['dnsmasq-full'], []],
  ['a library by its name with ABI, and without', ['libncurses6', 'libncurses'], []],
  ['what something installed provides, though there is a package of that name', ['dnsmasq'], []],
  ['what a library provides that is installed under one of its names', ['libcrypt'], []],
  ['what only something provides that is not installed', ['editor'], ['editor']],
  ['what is not there, once and sorted', ['vim', 'nano', 'vim'], ['nano', 'vim']],
  ['names of Object', ['constructor', 'toString'], ['constructor', 'toString']],
  ['nothing', [], []],
])('%s', (_, asked, expected) => {
  expect(absentPackages(asked, installed, stanzas)).toEqual(expected);
});

test('where nothing tells what is provided nothing is certain', () => {
  expect(absentPackages(['vim'], installed, null)).toEqual([]);
});
