/**
 * The end of a log: a week after its build was accepted it is of use to nobody, and there is one for every build. Builds are
 * gone through in the order in which they were accepted, a few at each alarm, and how far that went is remembered.
 */
import { asc, gt } from 'drizzle-orm';
import { storeKey } from '../../../shared/build/build-record.ts';
import type { ForemanState } from '../foreman-state.ts';
import { metaValue, setMeta } from '../meta.ts';
import { builds } from '../schema.ts';

export const LOG_LIFE_MS = 7 * 24 * 3_600_000;
const BUILDS_AT_ONCE = 32;
/** An alarm may ask the store some hundred times. */
const OBJECTS_AT_ONCE = 128;
/** Name of the last build, by its place in the queue, of which every log is gone. */
const REMOVED_TO = 'logs_removed_to';

/** True where more is due. @throws when the store does not answer: to be tried again */
export async function removeOldLogs({ db, leases, store }: ForemanState, now: number): Promise<boolean> {
  const removedTo = metaValue(db, REMOVED_TO) ?? 0;
  const page = db
    .select({ sequence: builds.sequence, requestHash: builds.requestHash, enqueuedAt: builds.enqueuedAt })
    .from(builds)
    .where(gt(builds.sequence, removedTo))
    .orderBy(asc(builds.sequence))
    .limit(BUILDS_AT_ONCE)
    .all();
  let objectsLeft = OBJECTS_AT_ONCE;
  for (const build of page) {
    // Those behind it are younger.
    if (build.enqueuedAt > now - LOG_LIFE_MS) return false;
    for (const { id } of leases.ofBuild(build.requestHash)) {
      const { objects, cursor } = await store.list(storeKey.logs(id), { limit: objectsLeft });
      for (const { key } of objects) await store.delete(key);
      objectsLeft -= objects.length;
      if (objectsLeft <= 0 || cursor !== undefined) return true;
    }
    setMeta(db, REMOVED_TO, build.sequence);
  }
  return page.length === BUILDS_AT_ONCE;
}
