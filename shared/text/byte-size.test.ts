import { expect, test } from 'vitest';
import { exactByteSize, GIB, MIB, parseByteSize, tellBytes } from './byte-size.ts';

test.each([
  ['0', 0],
  ['17', 17],
  ['1K', 1024],
  ['500M', 500 * 1024 ** 2],
  ['40G', 40 * 1024 ** 3],
  ['40GiB', 40 * 1024 ** 3],
  ['2T', 2 * 1024 ** 4],
  ['9007199254740991', null],
  ['999999999999999', 999_999_999_999_999],
  ['9000T', 9000 * 1024 ** 4 <= Number.MAX_SAFE_INTEGER ? 9000 * 1024 ** 4 : null],
  ['8193T', null],
  ['', null],
  ['G', null],
  ['40 G', null],
  ['40g', null],
  ['40GB', null],
  ['40Gi', null],
  ['1.5G', null],
  ['-1G', null],
  ['1G\n', null],
  ['0x10', null],
  ['٣G', null],
])('%j is %j bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes);
});

test.each([0, 1, 1023, 1024, 1536, 500 * 1024 ** 2, 1024 ** 3, 1024 ** 4, 1024 ** 3 + 1])(
  '%i bytes are written so that they are read again',
  (bytes) => {
    expect(parseByteSize(exactByteSize(bytes))).toBe(bytes);
  },
);

test.each([
  [0, '0'],
  [1, '1'],
  [1023, '1023'],
  [1024, '1K'],
  [1536, '1536'],
  [3 * 1024 ** 2, '3M'],
  [1025 * 1024, '1025K'],
  [1024 ** 4, '1T'],
  [1024 ** 5, '1024T'],
])('%i bytes are written the shortest way, %s', (bytes, written) => {
  expect(exactByteSize(bytes)).toBe(written);
});

test('a MiB and a GiB are powers of 1024', () => {
  expect([MIB, GIB].map(exactByteSize)).toEqual(['1M', '1G']);
});

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [9.5 * 1024, '9.5 KiB'],
  [10 * 1024, '10 KiB'],
  [1024 ** 2 - 1, '1024 KiB'],
  [1024 ** 2, '1.0 MiB'],
  [1024 ** 5, '1024 TiB'],
  [222_298_112, '212 MiB'],
  [100 * 1024 ** 3, '100 GiB'],
  [5000 * 1024 ** 4, '5000 TiB'],
])('%i bytes are told as %s', (bytes, told) => {
  expect(tellBytes(bytes)).toBe(told);
});
