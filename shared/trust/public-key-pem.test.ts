import { expect, it, test } from 'vitest';
import { hexToBytes } from '../crypto/digest.ts';
import { publicKeyFrom, toPem } from './public-key-pem.ts';

const HEX = 'fea0805e9e2ff21311bd70ac69ba160a6392de56a4051d6c5d3385f381e9f64b';
const KEY = new Uint8Array(hexToBytes(HEX));

test('a key is PEM as OpenSSL writes it, and read again', () => {
  const pem = toPem(KEY);
  expect(pem).toBe(
    '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA/qCAXp4v8hMRvXCsaboWCmOS3lakBR1sXTOF84Hp9ks=\n-----END PUBLIC KEY-----\n',
  );
  expect(publicKeyFrom(pem)).toEqual(KEY);
  expect(publicKeyFrom(pem.replaceAll('\n', '\r\n'))).toEqual(KEY);
  expect(publicKeyFrom(pem.trimEnd())).toEqual(KEY);
});

test('a key of whatever bytes is read again', () => {
  for (const byte of [0x00, 0xfb, 0xff]) {
    const key = new Uint8Array(32).fill(byte);
    expect(publicKeyFrom(toPem(key))).toEqual(key);
  }
  expect(toPem(new Uint8Array(32).fill(0xfb))).toContain('+');
});

test('64 hex digits are a key as well', () => {
  expect(publicKeyFrom(`${HEX}\n`)).toEqual(KEY);
  expect(publicKeyFrom(HEX)).toEqual(KEY);
});

it.each([
  '',
  HEX.slice(1),
  `${HEX}ab`,
  HEX.toUpperCase(),
  `${HEX}\n${HEX}`,
  toPem(KEY).replace('PUBLIC', 'PRIVATE'),
  toPem(KEY).replace('MCowBQYDK2VwAyEA', 'MCowBQYDK2VuAyEA'),
  toPem(KEY).replace(/^(.*\n)..../, '$1'),
  toPem(KEY) + toPem(KEY),
  toPem(KEY).replace('=', 'A'),
  toPem(KEY).replace('s=', '=='),
  toPem(KEY).replace('qCA', 'q=A'),
  toPem(KEY).replace('\n', ''),
  toPem(KEY).replace('\n-----END', '-----END'),
  '<html>',
])('%j is no key', (text) => {
  expect(publicKeyFrom(text)).toBeNull();
});
