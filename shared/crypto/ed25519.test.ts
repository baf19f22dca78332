import { describe, expect, it, test } from 'vitest';
import { bytesToHex, hexToBytes, utf8ToBytes } from './digest.ts';
import { signingKey, verifyEd25519 } from './ed25519.ts';

// RFC 8032, section 7.1, tests 1 to 3.
test.each([
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
])('the RFC’s seed %s gives its key and its signature', async (seed, publicKey, message, signature) => {
  const key = await signingKey(hexToBytes(seed));
  expect(bytesToHex(key.publicKey)).toBe(publicKey);
  expect(bytesToHex(await key.sign(hexToBytes(message)))).toBe(signature);
  expect(await verifyEd25519(hexToBytes(publicKey), hexToBytes(message), hexToBytes(signature))).toBe(true);
});

describe('a signature', () => {
  const message = utf8ToBytes('firmware');
  const keyOf = (seed: number) => signingKey(new Uint8Array(32).fill(seed));
  const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

  it.each<[string, (signature: Uint8Array, publicKey: Uint8Array) => [Uint8Array, Uint8Array, Uint8Array]]>([
    ['of another message', (signature, key) => [key, utf8ToBytes('firmwarf'), signature]],
    ['of nothing', (signature, key) => [key, new Uint8Array(), signature]],
    ['with a flipped bit in front', (signature, key) => [key, message, flipped(signature, 0)]],
    ['with a flipped bit behind', (signature, key) => [key, message, flipped(signature, 63)]],
    ['that is truncated', (signature, key) => [key, message, signature.slice(0, 63)]],
    ['that is too long', (signature, key) => [key, message, Uint8Array.from([...signature, 0])]],
    ['that is empty', (_, key) => [key, message, new Uint8Array()]],
    ['of zeros', (_, key) => [key, message, new Uint8Array(64)]],
    ['by a key with a flipped bit', (signature, key) => [flipped(key, 0), message, signature]],
    ['by a truncated key', (signature, key) => [key.slice(1), message, signature]],
    ['by no key', (signature) => [new Uint8Array(), message, signature]],
    ['by a key that is no point', (signature) => [new Uint8Array(32).fill(255), message, signature]],
  ])('%s does not count and throws nothing', async (_, forge) => {
    const key = await keyOf(1);
    const [publicKey, text, signature] = forge(await key.sign(message), key.publicKey);
    expect(await verifyEd25519(publicKey, text, signature)).toBe(false);
  });

  it('by another key does not count', async () => {
    const [mine, other] = [await keyOf(1), await keyOf(2)];
    expect(await verifyEd25519(mine.publicKey, message, await other.sign(message))).toBe(false);
  });
});

test.each([0, 31, 33, 64])('a seed of %i bytes is refused', async (length) => {
  await expect(signingKey(new Uint8Array(length))).rejects.toThrow(`expected a seed of 32 bytes, got ${length}`);
});
