/**
 * Ed25519 by WebCrypto, with raw 32-byte keys on the outside: the same code signs and verifies in the Worker and on a node.
 */
import { fromBase64Url } from './base64url.ts';

const PKCS8_PREFIX = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

export interface SigningKey {
  /** Raw public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** WebCrypto's types refuse bytes that might be shared between threads; ours never are. */
const owned = (bytes: Uint8Array) => bytes as Uint8Array<ArrayBuffer>;

/** From a 32-byte seed (RFC 8032's private key). WebCrypto takes it only in its PKCS #8 wrapping. */
export async function signingKey(seed: Uint8Array): Promise<SigningKey> {
  if (seed.length !== 32) throw new Error(`expected a seed of 32 bytes, got ${seed.length}`);
  const wrapped = Uint8Array.from([...PKCS8_PREFIX, ...seed]);
  const key = await crypto.subtle.importKey('pkcs8', wrapped, { name: 'Ed25519' }, true, ['sign']);
  const jwk = (await crypto.subtle.exportKey('jwk', key)) as { x: string };
  const publicKey = fromBase64Url(jwk.x);
  if (!publicKey) throw new Error('expected a base64url public key from the runtime');
  return {
    publicKey,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign({ name: 'Ed25519' }, key, owned(message))),
  };
}

/** False for a wrong signature and for keys or signatures of impossible length; never throws. */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = await crypto.subtle.importKey('raw', owned(publicKey), { name: 'Ed25519' }, false, ['verify']);
    return await crypto.subtle.verify({ name: 'Ed25519' }, key, owned(signature), owned(message));
  } catch {
    // A point that is not on the curve.
    return false;
  }
}
