/**
 * The end of a private image: what was made with somebody's `defaults` may hold passwords, so its bytes do not outlive
 * their time. Every lease of the build may have left files, the lost ones too.
 */
import { type BuildRecord, storeKey } from '../../shared/build-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { storedJson } from '../storage/read-text.ts';
import { removeLeaseFiles } from './remove-lease-files.ts';
import { removePointer } from './remove-pointer.ts';
import type { BuildRow, UploadRow } from './schema.ts';

/**
 * Record first: nothing half-removed is served. What has its name and is made of other files than these leases' has an end of its own
 * (sweep-store.ts): after a backup was restored it may be another one. @throws when the store does not answer: to be tried again
 */
export async function removePrivate(
  build: BuildRow,
  leases: readonly { readonly id: string; readonly uploads: readonly UploadRow[] }[],
  store: ObjectStore,
  hasSuccessor: () => boolean,
): Promise<void> {
  const record = await storedJson<BuildRecord>(store, storeKey.build(build.requestHash));
  if (record === null || leases.some(({ id }) => id === record.leaseId)) {
    await store.delete(storeKey.build(build.requestHash));
    await removePointer(build, store, hasSuccessor);
    // Digests of what was made with a password are a fingerprint of it, and the salt tells which record of the log is its own.
    await store.delete(storeKey.statements(build.requestHash));
    await store.delete(storeKey.logged(build.requestHash));
  }
  for (const lease of leases) await removeLeaseFiles(lease, store);
}
