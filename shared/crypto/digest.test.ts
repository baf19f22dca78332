import { expect, test } from 'vitest';
import { hmacSha256Hex, isSha256Hex, sha256Hex } from './digest.ts';

test('sha256 of a text is that of its UTF-8', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256Hex('€')).toBe(sha256Hex(Uint8Array.of(0xe2, 0x82, 0xac)));
});

// RFC 4231, test case 2.
test('HMAC-sha256 is the RFC’s', () => {
  expect(hmacSha256Hex('Jefe', 'what do ya want for nothing?')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test.each([
  ['a'.repeat(64), true],
  ['A'.repeat(64), false],
  ['a'.repeat(63), false],
  ['a'.repeat(65), false],
  [`${'a'.repeat(64)}\n`, false],
  ['g'.repeat(64), false],
  ['', false],
])('%j is a digest: %s', (text, is) => {
  expect(isSha256Hex(text)).toBe(is);
});
