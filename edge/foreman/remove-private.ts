/**
 * The end of a private image: what was made with somebody's `defaults` may hold passwords, so its bytes do not outlive
 * their time. Every lease of the build may have left files, the lost ones too.
 */
import { storeKey } from '../../shared/build-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { removeLeaseFiles } from './remove-lease-files.ts';
import { removePointer } from './remove-pointer.ts';
import type { BuildRow, UploadRow } from './schema.ts';

/** Record first: nothing half-removed is served. @throws when the store does not answer: to be tried again */
export async function removePrivate(
  build: BuildRow,
  leases: readonly { readonly id: string; readonly uploads: readonly UploadRow[] }[],
  store: ObjectStore,
  hasSuccessor: () => boolean,
): Promise<void> {
  await store.delete(storeKey.build(build.requestHash));
  await removePointer(build, store, hasSuccessor);
  // Digests of what was made with a password are a fingerprint of it, and the salt tells which record of the log is its own.
  await store.delete(storeKey.statements(build.requestHash));
  await store.delete(storeKey.logged(build.requestHash));
  for (const lease of leases) await removeLeaseFiles(lease, store);
}
