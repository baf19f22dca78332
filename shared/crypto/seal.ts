/**
 * Secrets at rest: AES-256-GCM, the nonce in front. `defaults` may hold passwords; whoever reads the queue's rows must not
 * read them. `context` (the build's hash) is bound in, so that a sealed text cannot be moved to another build.
 */
const NONCE_BYTES = 12;

const aesKey = (key: Uint8Array): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', key as Uint8Array<ArrayBuffer>, { name: 'AES-GCM' }, false, ['encrypt', 'decrypt']);

/** `nonce`: 12 random bytes, never used twice with one key. */
export async function seal(key: Uint8Array, context: string, text: string, nonce: Uint8Array): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const algorithm = { name: 'AES-GCM', iv: nonce as Uint8Array<ArrayBuffer>, additionalData: encoder.encode(context) };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, await aesKey(key), encoder.encode(text)));
  const whole = new Uint8Array(NONCE_BYTES + sealed.length);
  whole.set(nonce);
  whole.set(sealed, NONCE_BYTES);
  return whole;
}

/** @throws when the bytes were changed, or sealed for another context or key */
export async function unseal(key: Uint8Array, context: string, sealed: Uint8Array): Promise<string> {
  const algorithm = {
    name: 'AES-GCM',
    iv: new Uint8Array(sealed.slice(0, NONCE_BYTES)),
    additionalData: new TextEncoder().encode(context),
  };
  const text = await crypto.subtle.decrypt(algorithm, await aesKey(key), new Uint8Array(sealed.slice(NONCE_BYTES)));
  return new TextDecoder().decode(text);
}
