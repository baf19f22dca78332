import { expect, test } from 'vitest';
import { MAX_PACKAGES } from '../../shared/build-request.ts';
import { fromQuery, MAX_SELECTED, type Selection, toQuery } from './selection-url.ts';

const NOTHING: Selection = { version: null, target: null, profile: null, packages: null };
const WHOLE: Selection = {
  version: '24.10.1',
  target: 'x86/64',
  profile: 'generic',
  packages: ['luci', 'libstdc++6', 'vim-full'],
  filesystem: 'ext4',
  rootfsSizeMb: 512,
};
const read = (query: string) => fromQuery(new URLSearchParams(query));

test.each<[situation: string, selection: Selection, query: string]>([
  ['nothing is chosen', NOTHING, ''],
  ['a version alone', { ...NOTHING, version: 'SNAPSHOT' }, 'version=SNAPSHOT'],
  ['no package at all', { ...NOTHING, packages: [] }, 'packages='],
  [
    'everything is',
    WHOLE,
    'version=24.10.1&target=x86/64&profile=generic&packages=luci,libstdc%2B%2B6,vim-full&filesystem=ext4&rootfs_size_mb=512',
  ],
])('%s: the address says so, and is read as what was written', (_, selection, query) => {
  expect(toQuery(selection)).toBe(query);
  expect(read(query)).toEqual({ ...selection, refused: [] });
});

test.each<[situation: string, query: string, selection: Partial<Selection>, refused: string[]]>([
  ['a way out of a directory', 'version=..&target=../etc', {}, ['..', '../etc']],
  ['markup', 'version=<img>&profile=<svg/onload=1>', {}, ['<img>', '<svg/onload=1>']],
  ['a pattern for make', 'profile=a%25b', {}, ['a%b']],
  ['a file instead of a package', 'packages=vim,/tmp/x.ipk,x.apk', { packages: ['vim'] }, ['/tmp/x.ipk', 'x.apk']],
  ['a removal, which a whole list has not', 'packages=vim,-luci', { packages: ['vim'] }, ['-luci']],
  ['a package twice', 'packages=vim,vim,', { packages: ['vim'] }, []],
  ['a line that ends', 'version=24.10.1%0A', {}, ['24.10.1\n']],
  ['an endless word', `version=${'1'.repeat(129)}`, {}, ['1'.repeat(129)]],
  ['a file system that is none', 'filesystem=ntfs', {}, ['ntfs']],
  ['sizes that are none', 'rootfs_size_mb=0', {}, ['0']],
  ['a size beyond all', 'rootfs_size_mb=1000000', {}, ['1000000']],
  ['members that have no value', 'version=&target=&filesystem=', {}, []],
  ['members of somebody else', 'utm_source=x&__proto__=y', {}, []],
])('%s is left out and told', (_, query, selection, refused) => {
  const { refused: told, ...read_ } = read(query);
  expect(read_).toEqual({ ...NOTHING, ...selection });
  expect(told.toSorted()).toEqual(refused.toSorted());
});

test('more packages than a request may have are told', () => {
  expect(MAX_SELECTED).toBe(MAX_PACKAGES);
  const names = Array.from({ length: MAX_SELECTED + 1 }, (_, n) => `p${n}`);
  const { packages, refused } = read(`packages=${[...names, 'p0'].join(',')}`);
  expect([packages?.length, refused]).toEqual([MAX_SELECTED, [`p${MAX_SELECTED}`]]);
});
