import { expect, test } from 'vitest';
import { areSameInstallation, parseManifest } from './manifest.ts';

test('both eras of a manifest are read, sorted by name', () => {
  expect(parseManifest('vim - 9.1-r1\nbase-files - 1602~6df0e3d02a\n')).toEqual({
    'base-files': '1602~6df0e3d02a',
    vim: '9.1-r1',
  });
  expect(Object.keys(parseManifest('vim - 9.1-r1\nbase-files - 1\n'))).toEqual(['base-files', 'vim']);
  expect(parseManifest('libubox 2024.03.29~eb9bcb64-r1\n')).toEqual({ libubox: '2024.03.29~eb9bcb64-r1' });
});

test('a warning among the lines is no package', () => {
  expect(parseManifest('WARNING: something - is odd\nvim - 9.1-r1\nmake: Nothing to be done.\n')).toEqual({
    vim: '9.1-r1',
  });
});

test('a warning does not decide which form a list has', () => {
  const list = 'WARNING: opening x - y: IO error\nEnabling eth0\nlibubox 2024.03.29-r1\nvim 9.1-r1\n';
  expect(parseManifest(list)).toEqual({ libubox: '2024.03.29-r1', vim: '9.1-r1' });
});

test.each([
  ['line ends of another system', 'vim - 9.1-r1\r\n', { vim: '9.1-r1' }],
  ['a version that is not from upstream', 'vim - git-abc\n', { vim: 'git-abc' }],
  ['a package twice: the last counts', 'vim - 1\nvim - 2\n', { vim: '2' }],
  ['a word alone', 'Done\n', {}],
  ['a version of 128 characters', `vim - ${'9'.repeat(128)}\n`, { vim: '9'.repeat(128) }],
  ['a version without end', `vim - ${'9'.repeat(129)}\n`, {}],
  ['a name that is a file', 'evil.ipk - 1\n', {}],
  ['a name that is an attempt', '__proto__ - 1\n', {}],
  ['two versions', 'vim - 1 - 2\n', {}],
  ['a blank in a version', 'vim - 1 2\n', {}],
  ['nothing', '', {}],
])('%s', (_, text, expected) => {
  expect(parseManifest(text)).toEqual(expected);
});

test('names of Object are names', () => {
  expect(Object.entries(parseManifest('constructor - 1\n'))).toEqual([['constructor', '1']]);
});

test('ABI versions in names do not make another installation, another version does', () => {
  const stripped = { libubox: '2023.05.23-1', zlib: '1.2.13-1' };
  expect(areSameInstallation(stripped, { libubox20230523: '2023.05.23-1', zlib: '1.2.13-1' })).toBe(true);
  expect(areSameInstallation(stripped, { zlib: '1.2.13-1', libubox20230523: '2023.05.23-1' })).toBe(true);
  expect(areSameInstallation(stripped, { ...stripped, zlib2: '1.2.13-1' })).toBe(false);
  expect(areSameInstallation(stripped, { libubox20230523: '2023.05.23-2', zlib: '1.2.13-1' })).toBe(false);
  expect(areSameInstallation(stripped, { zlib: '1.2.13-1' })).toBe(false);
});
