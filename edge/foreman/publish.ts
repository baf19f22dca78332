/**
 * From a decided result to something a router can fetch. The files are there already; publishing writes one record that
 * names them, then the pointer from the intent, then the caches. Each step may be repeated: after a crash at any point the
 * alarm does it all again, and a reader sees the whole image or none.
 */
import { type BuildRecord, type StoredResult, storeKey } from '../../shared/build-record.ts';
import { sha256Hex, utf8ToBytes } from '../../shared/digest.ts';
import { resultKey } from '../results/result-key.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** @throws when an object is not there as recorded, or the store or KV does not answer: to be tried again */
export async function publish(record: BuildRecord, store: ObjectStore, cache: KVNamespace): Promise<void> {
  for (const file of record.files) {
    const head = await store.head(storeKey.object(record.leaseId, file.name));
    if (!head.exists || head.size !== file.sizeBytes || (head.sha256 ?? file.sha256) !== file.sha256)
      throw new Error(`object ${storeKey.object(record.leaseId, file.name)} is not there as recorded`);
  }
  await putJson(store, storeKey.build(record.requestHash), record);
  await putJson(store, storeKey.intent(record.intentHash), {
    requestHash: record.requestHash,
    generation: record.generation,
  });
  // What was made with secrets stays out of KV: it has a short life, and KV remembers for long.
  if (record.private) return;
  const result = JSON.stringify({ kind: 'built', record } satisfies StoredResult);
  await Promise.all([
    cache.put(resultKey.build(record.requestHash), result),
    cache.put(resultKey.intent(record.intentHash), result),
  ]);
}

async function putJson(store: ObjectStore, key: string, value: unknown): Promise<void> {
  const bytes = utf8ToBytes(JSON.stringify(value));
  await store.put(key, bytes, { size: bytes.length, sha256: sha256Hex(bytes), contentType: 'application/json' });
}
