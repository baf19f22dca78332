/** The record of an intent's latest image, as the store has it; null where there is none. */
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { storedJson } from '../../storage/read-text.ts';

/** @throws ObjectStoreError */
export async function latestRecord(store: Pick<ObjectStore, 'get'>, intentHash: string): Promise<BuildRecord | null> {
  const pointer = await storedJson<{ readonly requestHash: string }>(store, storeKey.intent(intentHash));
  const record = pointer && (await storedJson<BuildRecord>(store, storeKey.build(pointer.requestHash)));
  return record?.intentHash === intentHash ? record : null;
}
