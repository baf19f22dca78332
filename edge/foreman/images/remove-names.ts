/** All by which an image is found in the store, its files aside. */
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { storedJson } from '../../storage/read-text.ts';

/**
 * The name by which an intent's newest image is found goes with it,
 * unless a later generation has taken its place, or is about to (`hasSuccessor`): that one's pointer is written when it is published,
 * which may be while the old one is being read. One that is left behind leads to no record, and nobody is misled by it.
 * @throws when the store does not answer: to be tried again
 */
export async function removePointer(
  { intentHash, requestHash }: Pick<BuildRecord, 'intentHash' | 'requestHash'>,
  store: Pick<ObjectStore, 'get' | 'delete'>,
  hasSuccessor: () => boolean,
): Promise<void> {
  const key = storeKey.intent(intentHash);
  const pointer = await storedJson<{ readonly requestHash: string }>(store, key);
  if (pointer?.requestHash === requestHash && !hasSuccessor()) await store.delete(key);
}

/**
 * The record first: nothing half-removed is served. Of a private image it does not stay known who made it from what: digests of what was
 * made with a password are a fingerprint of it, and the salt tells which record of the log is its own.
 * @throws when the store does not answer: to be tried again
 */
export async function removeNames(
  image: Pick<BuildRecord, 'intentHash' | 'requestHash'> & { readonly isPrivate: boolean },
  store: Pick<ObjectStore, 'get' | 'delete'>,
  hasSuccessor: () => boolean,
): Promise<void> {
  await store.delete(storeKey.build(image.requestHash));
  await removePointer(image, store, hasSuccessor);
  if (!image.isPrivate) return;
  await store.delete(storeKey.statements(image.requestHash));
  await store.delete(storeKey.logged(image.requestHash));
}
