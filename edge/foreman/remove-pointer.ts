/** The name by which an intent's newest image is found, without that image: it goes with it. */
import { type BuildRecord, storeKey } from '../../shared/build-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { storedJson } from '../storage/read-text.ts';

/**
 * Unless a later generation has taken its place, or is about to (`hasSuccessor`): that one's pointer is written when it is published,
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
