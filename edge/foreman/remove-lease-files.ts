/** Every byte that a lease left in the store, of files that never became whole as well. */
import { storeKey } from '../../shared/build-record.ts';
import { deleteAll } from '../storage/delete-all.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { UploadRow } from './schema.ts';

/** @throws when the store does not answer: to be tried again */
export async function removeLeaseFiles(
  lease: { readonly id: string; readonly uploads: readonly UploadRow[] },
  store: ObjectStore,
): Promise<void> {
  // Unseen parts are bytes of the image too.
  for (const { name, multipartId, state } of lease.uploads)
    if (multipartId !== null && state !== 'complete')
      await store.abortMultipart(storeKey.object(lease.id, name), multipartId);
  await deleteAll(store, storeKey.object(lease.id, ''));
}
