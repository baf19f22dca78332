/** Objects for the tests of object stores: bytes, bodies and keys, and what comes back. */
import { bytesToHex, sha256Hex } from '../../shared/crypto/digest.ts';
import type { ByteRange, ObjectContent, ObjectStore } from './object-store.ts';
import { ObjectStoreError, type ObjectStoreErrorKind } from './object-store-error.ts';

export type OpenStore = () => Promise<ObjectStore>;

export const mebibyte = 1024 * 1024;

/** Bytes that repeat nowhere near, so that a chunk lost, doubled or swapped changes them. */
export function patternBytes(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** A stream of unknown length in pieces of `chunkBytes`, the way a request's body arrives. */
export function streamOf(bytes: Uint8Array, chunkBytes = 65_536): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      // A copy, because whoever reads the piece may take its memory away.
      controller.enqueue(bytes.slice(at, at + chunkBytes));
      at += chunkBytes;
    },
  });
}

export function putBytes(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  return store.put(key, bytes, { size: bytes.byteLength, sha256: sha256Hex(bytes) });
}

export async function readAll(object: ObjectContent): Promise<Uint8Array> {
  return new Uint8Array(await new Response(object.body).arrayBuffer());
}

export async function existing(store: ObjectStore, key: string, range?: ByteRange): Promise<ObjectContent> {
  const object = await store.get(key, { range });
  if (!object.exists) throw new Error(`expected ${key} to exist`);
  return object;
}

/** The error's kind, or a failure that shows what happened instead. */
export async function failureOf(attempt: Promise<unknown>): Promise<{ kind: ObjectStoreErrorKind; message: string }> {
  let result: unknown;
  try {
    result = await attempt;
  } catch (error) {
    if (error instanceof ObjectStoreError) return { kind: error.kind, message: error.message };
    throw error;
  }
  throw new Error(`expected an ObjectStoreError, got ${JSON.stringify(result)}`);
}

/** For megabytes: the synchronous one is JavaScript. */
export const nativeSha256Hex = async (bytes: Uint8Array): Promise<string> =>
  bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

let leases = 0;
/** A key that no other test uses. */
export const freshKey = (file = 'openwrt-sysupgrade.bin'): string => `objects/${++leases}-contract/${file}`;
