/**
 * What was published, or remembered of a failure, is taken back: its record and every copy. KV is told once more later, and once
 * more after that: whoever read the record a moment before it went may write it into KV a moment after, for ever, and what KV says
 * is a minute old. A row for each, so that it survives whatever happens between; a store that does not answer keeps the row.
 */
import { and, asc, eq, lte, min, sql } from 'drizzle-orm';
import { BUILD_ERRORS } from '../../../shared/build/build-error.ts';
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { LEAVES_KV_MS } from '../../lifetimes.ts';
import { resultKey } from '../../results/result-key.ts';
import type { ForemanState } from '../foreman-state.ts';
import { prepared } from '../prepared.ts';
import { builds, recalled } from '../schema.ts';

const AT_ONCE = 16;
/** What is being published is there in a moment, and can be taken back then. */
const PUBLISHING_MS = 3_000;

type Recallable = Pick<BuildRecord, 'requestHash' | 'intentHash'>;

/** Within the transaction in which it is found that it does not stand. A failure is told no more from this moment on. */
export function recall(
  { db, knownImages, images }: Pick<ForemanState, 'db' | 'knownImages' | 'images'>,
  { requestHash, intentHash }: Recallable,
  now: number,
): void {
  const due = { dueAt: now, times: 0 };
  db.insert(recalled)
    .values({ requestHash, intentHash, ...due })
    .onConflictDoUpdate({ target: recalled.requestHash, set: due })
    .run();
  // By what is not believed nobody else is measured.
  knownImages.remove(requestHash);
  // Its files go as those of any other that is told to nobody any more.
  images.leave(requestHash, now);
  // Whoever polls for it is told to ask again, and whoever asks begins anew.
  const { text } = BUILD_ERRORS.internal;
  db.update(builds)
    .set({
      failure: sql`json_set(${builds.failure}, '$.kind', 'internal', '$.detail', ${text}, '$.stdout', '', '$.stderr', '')`,
    })
    .where(and(eq(builds.requestHash, requestHash), eq(builds.state, 'failed')))
    .run();
}

export const isRecalled = ({ db }: Pick<ForemanState, 'db'>, requestHash: string): boolean =>
  db.select({ at: recalled.dueAt }).from(recalled).where(eq(recalled.requestHash, requestHash)).get() !== undefined;

/** When something is to be removed; null for never. */
export const nextRecall = ({ db }: Pick<ForemanState, 'db'>): number | null => eldest(db).get()?.at ?? null;

const eldest = prepared((db) =>
  db
    .select({ at: min(recalled.dueAt) })
    .from(recalled)
    .prepare(),
);

/** True where more can be done at once. @throws what the store or KV did of one of them, once all others were tried */
export async function takeBack(state: ForemanState, now: number): Promise<boolean> {
  const page = state.db
    .select()
    .from(recalled)
    .where(lte(recalled.dueAt, now))
    .orderBy(asc(recalled.dueAt))
    .limit(AT_ONCE)
    .all();
  const removals = await Promise.allSettled(page.map((row) => remove(state, row, now)));
  for (const removal of removals) if (removal.status === 'rejected') throw removal.reason;
  return page.length === AT_ONCE;
}

async function remove(
  { db, queue, store, cache }: ForemanState,
  { requestHash, intentHash, times, dueAt }: typeof recalled.$inferSelect,
  now: number,
): Promise<void> {
  // Recalled anew meanwhile, it is another one.
  const isThis = and(eq(recalled.requestHash, requestHash), eq(recalled.dueAt, dueAt), eq(recalled.times, times));
  if (queue.byHash(requestHash)?.state === 'publishing') {
    db.update(recalled)
      .set({ dueAt: now + PUBLISHING_MS })
      .where(isThis)
      .run();
    return;
  }
  await store.delete(storeKey.build(requestHash));
  await Promise.all([cache.delete(resultKey.build(requestHash)), cache.delete(resultKey.intent(intentHash))]);
  const againMs = LEAVES_KV_MS[times];
  if (againMs === undefined) db.delete(recalled).where(isThis).run();
  else
    db.update(recalled)
      .set({ times: times + 1, dueAt: now + againMs })
      .where(isThis)
      .run();
}
