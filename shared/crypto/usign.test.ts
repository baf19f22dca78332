import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { parseUsignPublicKey, parseUsignSignature, signUsign, usignKeyFromSeed, verifyUsign } from './usign.ts';

/** OpenWrt's own public keys, with the ids its keyring files them under. */
const openwrtKeys = [
  { keyId: 'd310c6f2833e97f7', key: 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw' },
  { keyId: '4d017e6f1ed5d616', key: 'RWRNAX5vHtXWFmt+n5di7XX8rTu0w+c8X7Ihv4oCyD6tzsUwmH0A6kO0' },
  { keyId: 'b5043e70f9a75cde', key: 'RWS1BD5w+adc3j2Hqg9+b66CvLR7NlHbsj7wjNVj0XGt/othDgIAOJS+' },
];

const seedOf = (byte: number) => new Uint8Array(32).fill(byte);
const message = new TextEncoder().encode('67ee3c9b *openwrt-imagebuilder.tar.zst\n');

describe('a usign public key', () => {
  it.each(openwrtKeys)('of OpenWrt with id $keyId is read with that id', ({ keyId, key }) => {
    expect(parseUsignPublicKey(key).keyId).toBe(keyId);
    expect(parseUsignPublicKey(`untrusted comment: OpenWrt\n${key}\n`)).toEqual(parseUsignPublicKey(key));
    expect(parseUsignPublicKey(`\r\n  ${key}\t\r\n`)).toEqual(parseUsignPublicKey(key));
    expect(parseUsignPublicKey(key).publicKey).toHaveLength(32);
  });

  it.each([
    ['nothing', ''],
    ['a comment alone', 'untrusted comment: key\n'],
    ['two keys', `${openwrtKeys[0]?.key}\n${openwrtKeys[1]?.key}\n`],
    ['another algorithm', btoa(`Rs${'k'.repeat(40)}`)],
    ['half of another algorithm', btoa(`Ec${'k'.repeat(40)}`)],
    ['the other half of one', btoa(`Rd${'k'.repeat(40)}`)],
    ['a byte too few', btoa(`Ed${'k'.repeat(39)}`)],
    ['no base64', 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNc!'],
  ])('that is %s is refused with what was expected', (_, text) => {
    expect(() => parseUsignPublicKey(text)).toThrow(/^expected a usign public key/);
  });
});

describe('a key pair made from a seed', () => {
  it('is RFC 8032 test vector 1, so it is the Ed25519 everybody else has', async () => {
    const seed = Uint8Array.from(
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'.match(/../g) ?? [],
      (byte) => Number.parseInt(byte, 16),
    );
    const pair = await usignKeyFromSeed(seed);
    const raw = Array.from(parseUsignPublicKey(pair.publicKey).publicKey, (byte) => byte.toString(16).padStart(2, '0'));
    expect(raw.join('')).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
    const parsed = parseUsignSignature(await signUsign(new Uint8Array(), pair));
    expect(Array.from(parsed?.signature.subarray(0, 4) ?? [])).toEqual([0xe5, 0x56, 0x43, 0x00]);
  });

  it('has an id that follows from the seed alone', async () => {
    const [one, again, other] = await Promise.all([seedOf(1), seedOf(1), seedOf(2)].map(usignKeyFromSeed));
    expect(one?.keyId).toMatch(/^[0-9a-f]{16}$/);
    expect(again?.publicKey).toBe(one?.publicKey);
    expect(other?.keyId).not.toBe(one?.keyId);
  });

  it('needs exactly 32 bytes', async () => {
    await expect(usignKeyFromSeed(new Uint8Array(31))).rejects.toThrow('expected a seed of 32 bytes, got 31');
  });
});

describe('a signature', () => {
  it('by a known key is good and names it', async () => {
    const [ours, theirs] = [await usignKeyFromSeed(seedOf(7)), await usignKeyFromSeed(seedOf(8))];
    const signature = await signUsign(message, ours);
    expect(await verifyUsign({ message, signature, publicKeys: [theirs.publicKey, ours.publicKey] })).toEqual({
      ok: true,
      keyId: ours.keyId,
    });
  });

  it('by a key we do not have is unknown, not bad', async () => {
    const stranger = await usignKeyFromSeed(seedOf(9));
    const signature = await signUsign(message, stranger);
    const publicKeys = openwrtKeys.map(({ key }) => key);
    expect(await verifyUsign({ message, signature, publicKeys })).toEqual({
      ok: false,
      reason: 'unknown_key',
      keyId: stranger.keyId,
    });
  });

  it('of one key under the id of another is bad', async () => {
    const [ours, stranger] = [await usignKeyFromSeed(seedOf(7)), await usignKeyFromSeed(seedOf(9))];
    const signature = await signUsign(message, { ...stranger, keyId: ours.keyId });
    expect(await verifyUsign({ message, signature, publicKeys: [ours.publicKey] })).toEqual({
      ok: false,
      reason: 'bad_signature',
      keyId: ours.keyId,
    });
  });

  it('is found among two keys that share an id', async () => {
    const [ours, stranger] = [await usignKeyFromSeed(seedOf(7)), await usignKeyFromSeed(seedOf(9))];
    const twin = btoa(
      `${atob(ours.publicKey.split('\n')[1] ?? '').slice(0, 10)}${atob(stranger.publicKey.split('\n')[1] ?? '').slice(10)}`,
    );
    const signature = await signUsign(message, ours);
    expect(await verifyUsign({ message, signature, publicKeys: [twin, ours.publicKey] })).toMatchObject({ ok: true });
  });

  it('that is an HTML error page or a public key is malformed', async () => {
    const ours = await usignKeyFromSeed(seedOf(7));
    for (const signature of ['<!doctype html>', '', ours.publicKey, '-----BEGIN PGP SIGNATURE-----'])
      expect(await verifyUsign({ message, signature, publicKeys: [ours.publicKey] })).toEqual({
        ok: false,
        reason: 'malformed',
      });
  });

  it('of which a letter is missing, too much or none of base64 is malformed', async () => {
    const ours = await usignKeyFromSeed(seedOf(7));
    const [, base64 = ''] = (await signUsign(message, ours)).split('\n');
    for (const signature of [base64.slice(0, -1), `${base64.slice(0, -1)}A=`, `A${base64}`, `!AAA${base64}`])
      expect(await verifyUsign({ message, signature, publicKeys: [ours.publicKey] })).toEqual({
        ok: false,
        reason: 'malformed',
      });
  });

  it('fails when any one bit of the message or of the signature is turned', async () => {
    const ours = await usignKeyFromSeed(seedOf(7));
    const signature = await signUsign(message, ours);
    const [comment, base64] = signature.split('\n');
    const signatureBytes = Uint8Array.from(atob(base64 ?? ''), (character) => character.charCodeAt(0));
    const turn = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(message.length * 8 - 1),
        fc.integer({ min: 80, max: 74 * 8 - 1 }),
        async (bit, sigBit) => {
          const publicKeys = [ours.publicKey];
          const bent = `${comment}\n${btoa(String.fromCharCode(...turn(signatureBytes, sigBit)))}\n`;
          expect((await verifyUsign({ message: turn(message, bit), signature, publicKeys })).ok).toBe(false);
          expect((await verifyUsign({ message, signature: bent, publicKeys })).ok).toBe(false);
        },
      ),
      { numRuns: 50 },
    );
  });
});
