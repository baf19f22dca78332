/**
 * The end of a private image: what was made with somebody's `defaults` may hold passwords, so its bytes do not outlive
 * their time. Every lease of the build may have left files, the lost ones too.
 */
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { BuildRow } from '../schema.ts';
import { removeLeaseFiles } from './remove-lease-files.ts';
import { removeNames } from './remove-names.ts';

/**
 * What has its name and is made of other files than these leases' has an end of its own (sweep-store.ts): after a backup was restored it
 * may be another one. @throws when the store does not answer: to be tried again
 */
export async function removePrivate(
  state: Pick<ForemanState, 'queue' | 'store' | 'uploads'>,
  build: BuildRow,
  leaseIds: ReadonlySet<string>,
): Promise<void> {
  const { queue, store } = state;
  const record = await storedJson<BuildRecord>(store, storeKey.build(build.requestHash));
  if (record === null || leaseIds.has(record.leaseId))
    await removeNames({ ...build, isPrivate: true }, store, () => queue.hasSuccessor(build));
  for (const id of leaseIds) await removeLeaseFiles(state, id);
}
