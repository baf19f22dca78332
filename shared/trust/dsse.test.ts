import { describe, expect, it, test } from 'vitest';
import { bytesToHex, utf8ToBytes } from '../crypto/digest.ts';
import { signingKey } from '../crypto/ed25519.ts';
import {
  type DsseEnvelope,
  isSignedBy,
  keyIdOf,
  MAX_ENVELOPE_BYTES,
  openDsse,
  openDsseBytes,
  preAuthEncoding,
  signDsse,
} from './dsse.ts';

const TYPE = 'application/vnd.test+json';
const key = await signingKey(new Uint8Array(32).fill(7));
const other = await signingKey(new Uint8Array(32).fill(8));
const payload = utf8ToBytes('{"a":"ü"}');
const envelope = await signDsse(key, TYPE, payload);

const opened = (json: unknown, type = TYPE) => {
  const read = openDsse(json, type);
  if (!read.ok) throw new Error(read.reason);
  return read.value;
};
const reason = (json: unknown, type = TYPE) => {
  const read = openDsse(json, type);
  return read.ok ? 'opened' : read.reason;
};

test('what is signed is spelled as in the specification, its lengths in bytes', () => {
  const text = 'http://example.com/HelloWorld';
  expect(new TextDecoder().decode(preAuthEncoding(text, utf8ToBytes('hello world')))).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  );
  expect(new TextDecoder().decode(preAuthEncoding('é', utf8ToBytes('é')))).toBe('DSSEv1 2 é 2 é');
});

test('an envelope is the same bytes in every runtime', () => {
  expect(envelope).toEqual({
    payloadType: TYPE,
    payload: 'eyJhIjoiw7wifQ==',
    signatures: [{ keyid: keyIdOf(key.publicKey), sig: envelope.signatures[0]?.sig }],
  });
  // By OpenSSL: `pkeyutl -sign -rawin` over the text of the specification.
  expect(bytesToHex(opened(envelope).signature)).toBe(
    '9a2bacd5753a8448d0f3cb3e420e1008486bb6065b90719a73e41afff7ad4ea80d918790a666645144d0734d55b92f83d426fd2412aeec9ec925bfd94e169408',
  );
});

test('it is believed of the key that signed it, also with the other alphabet of base64', async () => {
  expect(opened(envelope).payload).toEqual(payload);
  expect(await isSignedBy(opened(envelope), key.publicKey)).toBe(true);
  const [{ keyid = '', sig = '' } = {}] = envelope.signatures;
  const urlSafe = sig.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  const respelled = { ...envelope, payload: 'eyJhIjoiw7wifQ', signatures: [{ keyid, sig: urlSafe }], more: 1 };
  expect(await isSignedBy(opened(respelled), key.publicKey)).toBe(true);
  const bytes = openDsseBytes(utf8ToBytes(JSON.stringify(envelope)), TYPE);
  expect(bytes.ok && (await isSignedBy(bytes.value, key.publicKey))).toBe(true);
});

describe('it is not believed', () => {
  const [{ keyid = '', sig = '' } = {}] = envelope.signatures;
  it.each<[string, unknown, Uint8Array]>([
    ['of another key', envelope, other.publicKey],
    [
      "under another key's name, though it is signed",
      { ...envelope, signatures: [{ keyid: keyIdOf(other.publicKey), sig }] },
      key.publicKey,
    ],
    [
      'of another key under its name',
      { ...envelope, signatures: [{ keyid: keyIdOf(other.publicKey), sig }] },
      other.publicKey,
    ],
    ['with another payload', { ...envelope, payload: 'eyJhIjoiw7wiIH0=' }, key.publicKey],
    [
      'with a flipped bit',
      { ...envelope, signatures: [{ keyid, sig: `${sig.startsWith('A') ? 'B' : 'A'}${sig.slice(1)}` }] },
      key.publicKey,
    ],
    ['with an empty signature', { ...envelope, signatures: [{ keyid, sig: '' }] }, key.publicKey],
  ])('%s', async (_, json, publicKey) => {
    expect(await isSignedBy(opened(json), publicKey)).toBe(false);
  });

  it('as another kind of payload', async () => {
    const renamed = { ...envelope, payloadType: `${TYPE}2` };
    expect(await isSignedBy(opened(renamed, `${TYPE}2`), key.publicKey)).toBe(false);
  });
});

test.each<[string, unknown, string]>([
  ['null', null, 'the whole'],
  ['a list', [], 'the whole'],
  ['another kind', { ...envelope, payloadType: 'x' }, `holds "x", expected ${TYPE}`],
  ['no signature', { ...envelope, signatures: [] }, 'signatures'],
  ['two signatures', { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }, 'signatures'],
  [
    'a key id that is none',
    { ...envelope, signatures: [{ ...envelope.signatures[0], keyid: 'A'.repeat(64) }] },
    'keyid',
  ],
  ['no key id', { ...envelope, signatures: [{ sig: envelope.signatures[0]?.sig }] }, 'keyid'],
  ['a payload that is an object', { ...envelope, payload: {} }, 'payload'],
  ['a payload with a blank', { ...envelope, payload: 'eyJh IjoiIn0=' }, 'payload'],
  ['a payload in both alphabets', { ...envelope, payload: 'ab+_' }, 'payload'],
  ['base64 of an impossible length', { ...envelope, payload: 'abcde' }, 'base64'],
  [
    'a payload without end',
    { ...envelope, payload: 'A'.repeat(MAX_ENVELOPE_BYTES + 4) } satisfies DsseEnvelope,
    'payload',
  ],
  [
    'a signature without end',
    { ...envelope, signatures: [{ ...envelope.signatures[0], sig: 'A'.repeat(132) }] },
    'sig',
  ],
])('%s is no envelope', (_, json, why) => {
  expect(reason(json)).toContain(why);
});

test.each<[string, Uint8Array, string]>([
  ['that are no text', Uint8Array.of(0xff, 0xfe), 'no JSON'],
  ['that are no JSON', utf8ToBytes('{'), 'no JSON'],
  [
    'of which one is no UTF-8',
    Uint8Array.of(...utf8ToBytes('{"payloadType":"'), 0xff, ...utf8ToBytes('"}')),
    'no JSON',
  ],
  ['behind a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8ToBytes('{}')), 'no JSON'],
  ['as many as there may be', new Uint8Array(MAX_ENVELOPE_BYTES), 'no JSON'],
  ['without end', new Uint8Array(MAX_ENVELOPE_BYTES + 1), 'at most'],
])('bytes %s are no envelope', (_, bytes, why) => {
  const read = openDsseBytes(bytes, TYPE);
  expect(read.ok ? 'opened' : read.reason).toContain(why);
});
