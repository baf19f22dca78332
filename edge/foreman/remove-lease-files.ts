/** Every byte that a lease left in the store, of files that never became whole as well. */
import { storeKey } from '../../shared/build-record.ts';
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
  const prefix = storeKey.object(lease.id, '');
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
    for (const object of page.objects) await store.delete(object.key);
    cursor = page.cursor;
  }
}
