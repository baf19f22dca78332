/** The record of an intent's latest image, as the store has it; null where there is none. */
import { type BuildRecord, storeKey } from '../../shared/build-record.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export async function latestRecord(store: Pick<ObjectStore, 'get'>, intentHash: string): Promise<BuildRecord | null> {
  const pointer = await readJson<{ readonly requestHash: string }>(store, storeKey.intent(intentHash));
  const record = pointer && (await readJson<BuildRecord>(store, storeKey.build(pointer.requestHash)));
  return record?.intentHash === intentHash ? record : null;
}

async function readJson<T>(store: Pick<ObjectStore, 'get'>, key: string): Promise<T | null> {
  const object = await store.get(key);
  return object.exists ? ((await new Response(object.body).json()) as T) : null;
}
