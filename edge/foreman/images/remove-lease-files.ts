/** Every byte that a lease left in the store, of files that never became whole as well. */
import { storeKey } from '../../../shared/build/build-record.ts';
import { deleteAll } from '../../storage/delete-all.ts';
import type { ForemanState } from '../foreman-state.ts';

/** @throws when the store does not answer: to be tried again */
export async function removeLeaseFiles(
  { store, uploads }: Pick<ForemanState, 'store' | 'uploads'>,
  leaseId: string,
): Promise<void> {
  // Unseen parts are bytes of the image too.
  for (const { name, multipartId, state } of uploads.ofLease(leaseId))
    if (multipartId !== null && state !== 'complete')
      await store.abortMultipart(storeKey.object(leaseId, name), multipartId);
  await deleteAll(store, storeKey.object(leaseId, ''));
}
