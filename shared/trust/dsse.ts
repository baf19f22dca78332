/**
 * DSSE v1 (github.com/secure-systems-lab/dsse): a payload, what kind it is, and who signed both. The kind is part of what is
 * signed, so a record of the log can never pass for a statement about a build. Exactly one signature: of several it would be
 * open which of them is believed.
 */
import { z } from 'zod';
import { sha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import { type SigningKey, verifyEd25519 } from '../crypto/ed25519.ts';
import { hex64 } from './hex64.ts';

/** A request may name 32 KiB of packages, three times; keys and files take as much again. */
export const MAX_ENVELOPE_BYTES = 512 * 1024;
const MAX_PAYLOAD_CHARACTERS = MAX_ENVELOPE_BYTES;

/** RFC 4648 with `+` and `/`, or with `-` and `_`: the specification has readers take both. */
const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)={0,2}$/;

export const dsseSchema = z.object({
  payloadType: z.string().max(128),
  payload: z.string().max(MAX_PAYLOAD_CHARACTERS).regex(BASE64),
  signatures: z
    .array(
      z.object({
        /** Sha256 of the raw public key: for a node its id. */
        keyid: hex64,
        sig: z.string().max(128).regex(BASE64),
      }),
    )
    .length(1),
});
export type DsseEnvelope = z.infer<typeof dsseSchema>;

/** Read, not believed yet. */
export interface OpenedDsse {
  readonly envelope: DsseEnvelope;
  readonly payload: Uint8Array;
  readonly keyId: string;
  readonly signature: Uint8Array;
}

export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly reason: string };

/** By which an envelope says who signed it. */
export const keyIdOf = (publicKey: Uint8Array): string => sha256Hex(publicKey);

/** What is signed: `DSSEv1 <length> <type> <length> <payload>`, lengths in bytes. No order or call of ours begins like this. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8ToBytes(payloadType);
  const head = utf8ToBytes(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

export async function signDsse(key: SigningKey, payloadType: string, payload: Uint8Array): Promise<DsseEnvelope> {
  const signature = await key.sign(preAuthEncoding(payloadType, payload));
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: [{ keyid: keyIdOf(key.publicKey), sig: toBase64(signature) }],
  };
}

/** An envelope of a stranger. What is in it may be parsed after `isSignedBy` only. */
export function openDsse(json: unknown, payloadType: string): Read<OpenedDsse> {
  const parsed = dsseSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return no(`the envelope is none: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
  }
  const envelope = parsed.data;
  if (envelope.payloadType !== payloadType)
    return no(`the envelope holds ${JSON.stringify(envelope.payloadType)}, expected ${payloadType}`);
  const [{ keyid = '', sig = '' } = {}] = envelope.signatures;
  const [payload, signature] = [fromBase64(envelope.payload), fromBase64(sig)];
  if (!payload || !signature) return no('the envelope is none: expected base64');
  return { ok: true, value: { envelope, payload, keyId: keyid, signature } };
}

/** The same from bytes, as they came over a wire. */
export function openDsseBytes(bytes: Uint8Array, payloadType: string): Read<OpenedDsse> {
  if (bytes.length > MAX_ENVELOPE_BYTES) return no(`expected an envelope of at most ${MAX_ENVELOPE_BYTES} bytes`);
  const json = jsonOf(bytes);
  return json === undefined ? no('the envelope is no JSON') : openDsse(json, payloadType);
}

/** Undefined where it is none. */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

export const isSignedBy = async (opened: OpenedDsse, publicKey: Uint8Array): Promise<boolean> =>
  opened.keyId === keyIdOf(publicKey) &&
  (await verifyEd25519(publicKey, preAuthEncoding(opened.envelope.payloadType, opened.payload), opened.signature));

const no = (reason: string): { readonly ok: false; readonly reason: string } => ({ ok: false, reason });

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array | null {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}
