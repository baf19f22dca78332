/**
 * The end of an image. Never is anybody told of an image whose files are not there, whatever copy of its record he was told it from; so
 * it is first told to nobody any more, and its files go when the last who was told of it has had time to fetch them.
 *
 *     step 0   the record is marked as unpublished      from now on the store tells nobody of it (Results.buildFromStore),
 *              its intent's pointer goes                and who fetches a file still finds it (Results.fetchableFromStore)
 *              KV is deleted
 *       wait   until KV has settled                     a reader of before, who wrote KV in the meantime, is overruled
 *     step 1   KV is deleted
 *       wait   as long as a call may hang               the slowest reader of before has written KV
 *     step 2   KV is deleted                            for the last time: nobody is left who could write it
 *       wait   until KV has settled,                    the last to read it there does so,
 *              as long as a call may hang,              and remembers it,
 *              as long as an isolate remembers,         and tells of it for the last time;
 *              as long as fetching may take             all who were told have fetched
 *     step 3   the record goes, then the files          what is broken off here is found by the row, which goes last
 *
 * Why no reader brings it back. KV and memory are written from the store's record alone, and only from one without the mark. Whoever
 * read it without the mark did so before step 0 was over, and ends within a call's time, thus before step 2. What he left in KV goes by
 * step 2; what he, or who read KV until then, remembers ends within the last wait. The mark and the record are written by nobody else:
 * its build is done, and another of the same intent has another name and another lease. Where a restored Foreman has published anew under
 * the same name, the record is that one's, and what goes is the files. An isolate that misses a file may delete the
 * record; then nothing is marked, and the rest is the same.
 *
 * Each step may be repeated, and is counted as done only when all of it was done: the waits begin then.
 */
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { FILES_STAY_MS, LEAVES_KV_MS } from '../../lifetimes.ts';
import { resultKey } from '../../results/result-key.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { putJson } from '../../storage/put-json.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ImageRow } from '../schema.ts';
import { removeNames, removePointer } from './remove-names.ts';

/** After each step, the last of which has none. */
const WAITS_MS = [...LEAVES_KV_MS, FILES_STAY_MS] as const;

export interface Unpublishing {
  readonly store: Pick<ObjectStore, 'get' | 'put' | 'delete'>;
  readonly cache: Pick<KVNamespace, 'delete'>;
  /** It does not stand any more: its record goes at once (recall.ts), and must not be put back. */
  readonly isRecalled: (requestHash: string) => boolean;
  /** A later generation is under way, or there: the pointer is its own. */
  readonly hasSuccessor: (image: Pick<ImageRow, 'intentHash' | 'requestHash'>) => boolean;
  readonly removeFiles: (leaseId: string) => Promise<void>;
  readonly now: () => number;
}

export type AfterStep = Pick<ImageRow, 'step' | 'dueAt'> | 'gone';

/** The step that is due. @throws when the store or KV does not answer: to be tried again */
export async function unpublishStep(ways: Unpublishing, image: ImageRow): Promise<AfterStep> {
  const { step } = image;
  const waitMs = WAITS_MS[step];
  if (waitMs === undefined) {
    await removeAll(ways, image);
    return 'gone';
  }
  if (step === 0) {
    const record = await recordOf(ways, image);
    await markRecord(ways, record);
    if (record !== 'of another') await removePointer(image, ways.store, () => ways.hasSuccessor(image));
  }
  await deleteFromKv(ways, image);
  return { step: step + 1, dueAt: ways.now() + waitMs };
}

/** Under its name, after a backup was restored, another one may have been published that is made of other files. */
async function recordOf({ store }: Unpublishing, image: ImageRow): Promise<BuildRecord | 'of another' | null> {
  const record = await storedJson<BuildRecord>(store, storeKey.build(image.requestHash));
  return record === null || record.leaseId === image.leaseId ? record : 'of another';
}

async function markRecord(
  { store, isRecalled, now }: Unpublishing,
  record: BuildRecord | 'of another' | null,
): Promise<void> {
  if (record === null || record === 'of another') return;
  if (record.unpublishedAt !== undefined || isRecalled(record.requestHash)) return;
  const marked = { ...record, unpublishedAt: now() } satisfies BuildRecord;
  await putJson(store, storeKey.build(record.requestHash), marked);
}

/** What is at `intent` may be its successor's: that is at worst read from the store once more. */
async function deleteFromKv({ cache }: Unpublishing, { requestHash, intentHash }: ImageRow): Promise<void> {
  await Promise.all([cache.delete(resultKey.build(requestHash)), cache.delete(resultKey.intent(intentHash))]);
}

async function removeAll(ways: Unpublishing, image: ImageRow): Promise<void> {
  if ((await recordOf(ways, image)) !== 'of another')
    await removeNames(image, ways.store, () => ways.hasSuccessor(image));
  await ways.removeFiles(image.leaseId);
}
