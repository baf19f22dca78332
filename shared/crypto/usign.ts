/**
 * usign, OpenWrt's dialect of signify: small Ed25519 signatures beside `sha256sums` and package indexes. Without this
 * check, whoever stands between us and the mirror decides what routers flash. A signature says nothing of age: an old,
 * rightly signed file passes, so rollback is somebody else's question.
 *
 * Layout (base64): key = "Ed" ‖ key id (8) ‖ public key (32); signature = "Ed" ‖ key id (8) ‖ signature (64).
 */

import { quoted } from '../text/printable.ts';
import { type SigningKey, signingKey, verifyEd25519 } from './ed25519.ts';

export type UsignPublicKey = { readonly keyId: string; readonly publicKey: Uint8Array<ArrayBuffer> };

export type UsignSignature = { readonly keyId: string; readonly signature: Uint8Array<ArrayBuffer> };

export type UsignKeyPair = {
  /** 16 hex digits, as in the file names of `/etc/opkg/keys`. */
  readonly keyId: string;
  /** Two lines, comment and base64, as usign writes them. */
  readonly publicKey: string;
  readonly signing: SigningKey;
};

export type UsignVerdict =
  | { readonly ok: true; readonly keyId: string }
  | { readonly ok: false; readonly reason: 'unknown_key' | 'bad_signature' | 'malformed'; readonly keyId?: string };

const keyIdBytes = 8;
const publicKeyBytes = 32;
const signatureBytes = 64;

/** A public key with or without its comment line. Throws when it is not one: a wrong key is a wrong configuration. */
export function parseUsignPublicKey(text: string): UsignPublicKey {
  const payload = decode(text, publicKeyBytes);
  if (payload === undefined)
    throw new Error(`expected a usign public key (base64 of "Ed", 8 byte key id, 32 byte key), got ${quoted(text)}`);
  return { keyId: hex(payload.subarray(0, keyIdBytes)), publicKey: payload.slice(keyIdBytes) };
}

/** A signature as found in `*.sig`, or undefined when it is none: that comes from outside and is no programming error. */
export function parseUsignSignature(text: string): UsignSignature | undefined {
  const payload = decode(text, signatureBytes);
  if (payload === undefined) return undefined;
  return { keyId: hex(payload.subarray(0, keyIdBytes)), signature: payload.slice(keyIdBytes) };
}

/** Is `message` signed by one of `publicKeys`? The key id only chooses the key; equal ids of several keys are all tried. */
export async function verifyUsign(claim: {
  readonly message: Uint8Array;
  readonly signature: string;
  readonly publicKeys: readonly string[];
}): Promise<UsignVerdict> {
  const keys = claim.publicKeys.map(parseUsignPublicKey);
  const parsed = parseUsignSignature(claim.signature);
  if (parsed === undefined) return { ok: false, reason: 'malformed' };
  const { keyId, signature } = parsed;
  const candidates = keys.filter((key) => key.keyId === keyId);
  if (candidates.length === 0) return { ok: false, reason: 'unknown_key', keyId };
  for (const { publicKey } of candidates)
    if (await verifyEd25519(publicKey, claim.message, signature)) return { ok: true, keyId };
  return { ok: false, reason: 'bad_signature', keyId };
}

/** The two lines of a `.sig` file for `message`. */
export async function signUsign(message: Uint8Array, key: UsignKeyPair): Promise<string> {
  return encode(`signed by key ${key.keyId}`, key.keyId, await key.signing.sign(message));
}

/**
 * The key pair that belongs to a 32 byte seed. usign draws the key id at random; here it is the head of the public
 * key's SHA-256, so that the same seed gives the same files.
 */
export async function usignKeyFromSeed(seed: Uint8Array): Promise<UsignKeyPair> {
  const signing = await signingKey(seed);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(signing.publicKey)));
  const keyId = hex(digest.subarray(0, keyIdBytes));
  return { keyId, publicKey: encode(`public key ${keyId}`, keyId, signing.publicKey), signing };
}

/** Key id and payload behind "Ed", or undefined. An `untrusted comment:` line is skipped, it is outside the signature. */
function decode(text: string, payloadBytes: number): Uint8Array<ArrayBuffer> | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const [line, ...rest] = lines.filter((candidate) => candidate !== '' && !candidate.startsWith('untrusted comment:'));
  if (line === undefined || rest.length > 0 || !/^[A-Za-z0-9+/]+=?$/.test(line) || line.length % 4 !== 0)
    return undefined;
  const bytes = fromBase64(line);
  if (bytes.length !== 2 + keyIdBytes + payloadBytes || bytes[0] !== 0x45 || bytes[1] !== 0x64) return undefined;
  return bytes.slice(2);
}

function encode(comment: string, keyId: string, payload: Uint8Array): string {
  const id = keyId.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return `untrusted comment: ${comment}\n${btoa(String.fromCharCode(0x45, 0x64, ...id, ...payload))}\n`;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
