/**
 * A JSON claim and its Ed25519 signature as one string without blanks: join tokens and node certificates. `purpose` is
 * signed too, so that a token can never pass for a certificate.
 */
import { canonical } from '../request/canonical.ts';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { type SigningKey, verifyEd25519 } from './ed25519.ts';

const encoder = new TextEncoder();
const MAX_LENGTH = 4096;

const signedBytes = (purpose: string, payload: string): Uint8Array =>
  encoder.encode(canonical(['asu-signed-text-1', purpose, payload]));

export async function signText(key: SigningKey, purpose: string, claim: object): Promise<string> {
  const payload = toBase64Url(encoder.encode(JSON.stringify(claim)));
  return `${payload}.${toBase64Url(await key.sign(signedBytes(purpose, payload)))}`;
}

/** The claim as signed, unchecked in shape; null where the signature is not by `publicKey` for this purpose. */
export async function verifyText(publicKey: Uint8Array, purpose: string, text: string): Promise<unknown | null> {
  if (text.length > MAX_LENGTH) return null;
  const [payload, signature, ...rest] = text.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return null;
  const signatureBytes = fromBase64Url(signature);
  const payloadBytes = fromBase64Url(payload);
  if (!signatureBytes || !payloadBytes) return null;
  if (!(await verifyEd25519(publicKey, signedBytes(purpose, payload), signatureBytes))) return null;
  return JSON.parse(new TextDecoder().decode(payloadBytes));
}
