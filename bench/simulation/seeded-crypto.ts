/**
 * What is random to the Foreman comes from the seed, and signatures are ready at once: by a pool of threads they would be ready when
 * the machine pleases, and each run of the same seed would be another day.
 */
import { hash, KeyObject, sign, verify, type webcrypto } from 'node:crypto';

type Bytes = Uint8Array<ArrayBuffer>;
type Key = webcrypto.CryptoKey;
type KeyUsage = webcrypto.KeyUsage;

/** Takes `crypto` of the whole process over; returns what gives it back. `random`: from 0 to below 1. */
export function installSeededCrypto(random: () => number): () => void {
  const real = crypto;
  const getRandomValues = <Filled extends ArrayBufferView>(filled: Filled): Filled => {
    const bytes = new Uint8Array(filled.buffer, filled.byteOffset, filled.byteLength);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.floor(random() * 256);
    return filled;
  };
  const subtle = Object.assign(Object.create(real.subtle), {
    // Extractable: only such a key may be used by what signs at once.
    importKey: (format: 'raw', data: Bytes, algorithm: { readonly name: string }, _: boolean, uses: KeyUsage[]) =>
      real.subtle.importKey(format, data, algorithm, true, uses),
    exportKey: real.subtle.exportKey.bind(real.subtle),
    digest: async (_: string, data: Bytes) => asBuffer(hash('sha256', data, 'buffer')),
    sign: async (_: object, key: Key, data: Bytes) => asBuffer(sign(null, data, KeyObject.from(key))),
    verify: async (_: object, key: Key, signature: Bytes, data: Bytes) =>
      verify(null, data, KeyObject.from(key), signature),
  });
  const seeded = { subtle, getRandomValues, randomUUID: () => asUuid(getRandomValues(new Uint8Array(16))) };
  Object.defineProperty(globalThis, 'crypto', { value: seeded, configurable: true });
  return () => void Object.defineProperty(globalThis, 'crypto', { value: real, configurable: true });
}

const asBuffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** Of version 4, as RFC 9562 writes them. */
function asUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20)].join(
    '-',
  );
}
