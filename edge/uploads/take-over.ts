/**
 * Makes an object of what a trusted node put into the store by itself. Its keys of the store reach `incoming/<node>/` and nothing
 * that is served, so the bytes are read from there, hashed while they are written to `objects/`, and become an object only with the
 * size and digest of the grant: the store's `put` keeps the last piece back until then.
 *
 * A node may swap what lies below `incoming/` at any moment, or two calls may be at it at once: whatever is read is hashed, and
 * whatever is written are the promised bytes. That is why the store is not asked to copy, though it could without the bytes coming
 * through here: between a copy and the look at it another copy may land, and an etag is an MD5, which a liar can have twice.
 */
import { type StoredFile, storeKey } from '../../shared/build/build-record.ts';
import { logWarning } from '../log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';

/** One `put`: S3 and R2 take 5 GB. */
export const MAX_DIRECT_BYTES = 4 * 1024 * 1024 * 1024;

/**
 * Whether the object is there now. Its source stays until it is complete: who dies between the two finds it there again.
 *
 * @throws ObjectStoreError where the store does not say: to be tried again
 */
export async function isTakenOver(
  store: Pick<ObjectStore, 'get' | 'put'>,
  nodeId: string,
  leaseId: string,
  { name, sizeBytes, sha256 }: StoredFile,
): Promise<boolean> {
  const found = await store.get(storeKey.incoming(nodeId, leaseId, name));
  if (!found.exists) return false;
  if (found.size !== sizeBytes) {
    await found.body.cancel();
    return false;
  }
  try {
    await store.put(storeKey.object(leaseId, name), found.body, { size: sizeBytes, sha256 });
  } catch (error) {
    if (error instanceof ObjectStoreError && error.kind === 'digest_mismatch') return false;
    throw error;
  }
  return true;
}

/** Of a file that is complete. What cannot be removed is only in the way, until the bucket's own rule removes it. */
export async function removeSource(
  store: Pick<ObjectStore, 'delete'>,
  nodeId: string,
  leaseId: string,
  name: string,
): Promise<void> {
  const from = storeKey.incoming(nodeId, leaseId, name);
  await store.delete(from).catch((error) => logWarning('what was taken over cannot be removed', { key: from, error }));
}
