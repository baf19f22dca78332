import { expect, test } from 'vitest';
import { defaultNames, noteOf, type PackageLists, type PackageNote } from './package-notes.ts';

const LISTS: PackageLists = {
  defaults: new Set(['dnsmasq', 'ppp']),
  versions: new Map([
    ['nano', '8.3'],
    ['owut', '1'],
    ['firewall', '2'],
    ['luci-i18n-package-manager-de', '3'],
    ['kmod-nft-nat6', '4'],
  ]),
  changes: [
    { source: 'auc', target: 'owut', revision: 26792 },
    { source: 'firewall', target: 'firewall4', revision: 18611 },
    { source: 'luci-app-lost', revision: 1 },
    { source: 'kmod-nft-nat6', revision: 20282, mandatory: true },
  ],
};

test.each<[word: string, note: PackageNote]>([
  ['nano', { kind: 'none', version: '8.3' }],
  ['dnsmasq', { kind: 'included' }],
  ['-ppp', { kind: 'none', version: '' }],
  ['-nano', { kind: 'absent' }],
  ['auc', { kind: 'renamed', to: 'owut' }],
  // Both are there: whoever asks for the old one may mean it.
  ['firewall', { kind: 'none', version: '2' }],
  ['luci-app-lost', { kind: 'gone' }],
  // Left out by the server in any case.
  ['kmod-nft-nat6', { kind: 'gone' }],
  ['luci-i18n-opkg-de', { kind: 'renamed', to: 'luci-i18n-package-manager-de' }],
  ['luci-i18n-opkg-xx', { kind: 'unknown' }],
  ['luci-i18n-base-en', { kind: 'gone' }],
  ['nosuch', { kind: 'unknown' }],
  ['constructor', { kind: 'unknown' }],
  ['../x', { kind: 'malformed' }],
])('%s: %j', (word, note) => {
  expect(noteOf(word, LISTS)).toEqual(note);
});

test('nothing is said of what is not known yet, but of what is no name', () => {
  expect(noteOf('nosuch', { ...LISTS, versions: null })).toEqual({ kind: 'unsure' });
  expect(noteOf('-nano', { ...LISTS, defaults: null })).toEqual({ kind: 'unsure' });
  expect(noteOf('<b>', { ...LISTS, defaults: null })).toEqual({ kind: 'malformed' });
});

test('a device may leave out what its target has', () => {
  expect(defaultNames(['b', 'a', 'ppp'], ['kmod-x', '-ppp', 'a'])).toEqual(['a', 'b', 'kmod-x']);
});
