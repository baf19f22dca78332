/**
 * Reads a stored object to its end and says what it really is. No store hashes an object that came in parts, and those that
 * nodes write into S3 by themselves carry whatever digest the node cared to claim: this is what makes them count.
 */
import { bytesToHex } from '../../shared/crypto/digest.ts';
import type { Absent, ObjectStore } from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';

export interface StoredDigest {
  readonly exists: true;
  /** Bytes that were read and hashed. */
  readonly size: number;
  readonly sha256: string;
}

/**
 * Streams the object through the runtime's own sha256, in constant memory.
 * @throws ObjectStoreError `unavailable` when the connection broke or ended early; the abort reason when `signal` aborted
 */
export async function digestOf(
  store: Pick<ObjectStore, 'get'>,
  key: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<StoredDigest | Absent> {
  const { signal } = options;
  const object = await store.get(key, { signal });
  if (!object.exists) return { exists: false };
  const digesting = new crypto.DigestStream('SHA-256');
  digesting.digest.catch(() => {}); // Rejects with the pipe, which is awaited.
  try {
    await object.body.pipeTo(digesting, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ObjectStoreError('unavailable', `the object store broke off while ${key} was read`, { cause });
  }
  const size = Number(digesting.bytesWritten);
  if (size !== object.size) {
    throw new ObjectStoreError('unavailable', `expected ${object.size} bytes of ${key}, got ${size}`);
  }
  return { exists: true, size, sha256: bytesToHex(new Uint8Array(await digesting.digest)) };
}
