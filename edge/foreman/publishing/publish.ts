/**
 * From a decided result to something a router can fetch. The files are there already; publishing writes the manifest under its
 * own name, what vouches for the image, one record that names the files, then the pointer from the intent, then the caches. Each step may be repeated:
 * after a crash at any point the alarm does it all again, and a reader sees the whole image or none.
 */
import { type BuildRecord, type StoredResult, storeKey } from '../../../shared/build/build-record.ts';
import { manifestHash } from '../../../shared/seed/hashes.ts';
import type { StoredStatements } from '../../../shared/trust/provenance.ts';
import { logError } from '../../log.ts';
import { resultKey } from '../../results/result-key.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { putJson } from '../../storage/put-json.ts';
import { notLonger } from '../not-longer.ts';
import type { NearCache } from './near-cache.ts';

/** Whoever waits for the image need not wait for KV, which may hang for half a minute: it is told all the same, behind this. */
const KV_PATIENCE_MS = 2_000;

/** A decided image whose files are not in the store as they were when they were decided upon. */
export class FilesLost extends Error {
  override readonly name = 'FilesLost';
}

/** @throws FilesLost, or whatever the store throws that does not answer: to be tried again */
export async function publish(
  record: BuildRecord,
  statements: StoredStatements,
  store: ObjectStore,
  cache: Pick<NearCache, 'put'>,
): Promise<void> {
  await Promise.all(
    record.files.map(async (file) => {
      const key = storeKey.object(record.leaseId, file.name);
      const head = await store.head(key);
      if (!head.exists || head.size !== file.sizeBytes || (head.sha256 ?? file.sha256) !== file.sha256)
        throw new FilesLost(`object ${key} is not there as recorded`);
    }),
  );
  // Before the record: an image that can be fetched can be checked.
  await Promise.all([
    record.private ? undefined : putManifest(record, store),
    putJson(store, storeKey.statements(record.requestHash), statements),
  ]);
  await putJson(store, storeKey.build(record.requestHash), record);
  await putJson(store, storeKey.intent(record.intentHash), {
    requestHash: record.requestHash,
    generation: record.generation,
  });
  // What was made with secrets stays out of KV: it has a short life, and KV remembers for long.
  if (record.private) return;
  const result = JSON.stringify({ kind: 'built', record } satisfies StoredResult);
  const keys = [resultKey.build(record.requestHash), resultKey.intent(record.intentHash)];
  // The store is the truth, and whoever reads from it writes KV: its limits must not hold an image back.
  const puts = keys.map((key) =>
    cache
      .put(key, result)
      .catch((error: unknown) => logError('a result was not cached', { request: record.requestHash, error })),
  );
  await notLonger(Promise.all(puts), KV_PATIENCE_MS);
}

/**
 * Before the record, whose readers are told its name. Many images have the same one, and the first stays: what was read under
 * this name once is what is read for ever.
 */
async function putManifest({ manifest }: BuildRecord, store: ObjectStore): Promise<void> {
  const key = storeKey.manifest(manifestHash(manifest));
  const head = await store.head(key);
  if (!head.exists) await putJson(store, key, manifest);
}
