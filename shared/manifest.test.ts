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

test('ABI versions in names do not make another installation, another version does', () => {
  const stripped = { libubox: '2023.05.23-1', zlib: '1.2.13-1' };
  expect(areSameInstallation(stripped, { libubox20230523: '2023.05.23-1', zlib: '1.2.13-1' })).toBe(true);
  expect(areSameInstallation(stripped, { libubox20230523: '2023.05.23-2', zlib: '1.2.13-1' })).toBe(false);
  expect(areSameInstallation(stripped, { zlib: '1.2.13-1' })).toBe(false);
});
