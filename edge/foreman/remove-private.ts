/**
 * The end of a private image: what was made with somebody's `defaults` may hold passwords, so its bytes do not outlive
 * their time. Every lease of the build may have left files, the lost ones too.
 */
import { storeKey } from '../../shared/build-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { BuildRow, LeaseRow } from './schema.ts';

/** Record first: nothing half-removed is served. @throws when the store does not answer: to be tried again */
export async function removePrivate(build: BuildRow, leases: readonly LeaseRow[], store: ObjectStore): Promise<void> {
  await store.delete(storeKey.build(build.requestHash));
  for (const lease of leases) {
    const prefix = storeKey.object(lease.id, '');
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
      for (const object of page.objects) await store.delete(object.key);
      cursor = page.cursor;
    }
  }
}
