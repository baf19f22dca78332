import { describe, expect, it } from 'vitest';
import { signUsign, usignKeyFromSeed } from '../crypto/usign.ts';
import { OPENWRT_USIGN_KEYS } from './openwrt-keys.ts';
import { judgeSignature, type SignedFile, type SigningPolicy, signersOf } from './upstream-signature.ts';

const message = new TextEncoder().encode('0123 *file\n');
const ours = await usignKeyFromSeed(new Uint8Array(32).fill(1));
const strangers = await usignKeyFromSeed(new Uint8Array(32).fill(2));
const signed = (signature: string | null, version: string | null = '24.10.2'): SignedFile => ({
  version,
  path: 'dir/sha256sums',
  message,
  signature,
});
const policy = (more: Partial<SigningPolicy> = {}): SigningPolicy => ({
  keys: [ours.publicKey],
  allowUnsigned: false,
  keysSetting: 'THE_KEYS',
  ...more,
});

const good = await signUsign(message, ours);
const bad = await signUsign(new Uint8Array([1]), ours);
const unknown = await signUsign(message, strangers);
const id = strangers.keyId;

describe('a signature', () => {
  it.each([
    ['by a key of the operator', good, ours.keyId, ours.keyId],
    ['by a known key of another file', bad, 'bad_signature', 'bad_signature'],
    ['by a key that nobody named', unknown, 'unknown_key', 'unsigned'],
    ['that is a web page', '<html>', 'malformed', 'unsigned'],
    ['that is not there', null, 'no_signature', 'unsigned'],
  ])('%s', async (_, signature, strict, lenient) => {
    const outcome = async (allowUnsigned: boolean) => {
      const judgement = await judgeSignature(signed(signature), policy({ allowUnsigned }));
      return judgement.trusted ? judgement.signedBy : judgement.reason;
    };
    expect([await outcome(false), await outcome(true)]).toEqual([strict, lenient]);
  });

  it.each([
    [
      '24.10.2',
      `dir/sha256sums: is signed by key ${id}, which is not trusted for 24.10.2; a key is added with THE_KEYS`,
    ],
    [null, `dir/sha256sums: is signed by key ${id}, which is not trusted for it; a key is added with THE_KEYS`],
  ])('by an unknown key for %s is told with the key and the setting', async (version, sentence) => {
    expect(await judgeSignature(signed(unknown, version), policy())).toMatchObject({ sentence });
  });

  it.each([
    [bad, `dir/sha256sums: the signature by key ${ours.keyId} is not of this file; half-published?`],
    ['<html>', 'dir/sha256sums: what lies beside it is no usign signature'],
    [null, 'dir/sha256sums: has no signature beside it'],
  ])('that is none of this file is told as what it is (%#)', async (signature, sentence) => {
    expect(await judgeSignature(signed(signature), policy())).toMatchObject({ sentence });
  });

  it('is judged only by settings that hold keys', async () => {
    expect(await judgeSignature(signed(good), policy({ keys: ['no key'] }))).toMatchObject({
      reason: 'bad_setting',
      sentence: expect.stringMatching(/^THE_KEYS: expected a usign public key/),
    });
  });
});

describe('the signers of a version', () => {
  it('are OpenWrt’s for its branch and the operator’s, and a malformed key is none', () => {
    const openwrt = OPENWRT_USIGN_KEYS.find(({ branch }) => branch === '24.10')?.keyId;
    expect([...signersOf('24.10.2', policy({ keys: ['no key', ours.publicKey] }))]).toEqual([openwrt, ours.keyId]);
    expect([...signersOf(null, policy())]).toEqual([ours.keyId]);
  });
});
