/**
 * Once a week all records and all files in the store are gone through, a part at a time: for what the tables do not know. Images of
 * before there was a table of them, or that were published after the backup from which the Foreman was restored, are taken into it; then
 * files go that belong to nothing. Without it such would stay, and cost, for ever.
 *
 * Why no image loses a file. Records are gone through first, so each image that was published before the sweep began has a row. A file
 * goes only if it was there an hour before that, no image's row names its lease, and its lease is either unknown or wanted by nobody.
 * What was published since the sweep began is of a lease that was given before it was published: if that was before the sweep, the
 * Foreman knows it, restored from whichever moment since; if after, the file is too young.
 */
import { logWarning } from '../../log.ts';
import type { ObjectPage } from '../../storage/object-store.ts';
import { pagesUnder } from '../../storage/pages-under.ts';
import type { ForemanState } from '../foreman-state.ts';
import { metaValue, setMeta } from '../meta.ts';
import { isRecalled } from '../publishing/recall.ts';
import { adoptImage, storedRecord } from './adopt-image.ts';
import { areFilesWanted } from './remove-leftovers.ts';

const EVERY_MS = 7 * 24 * 3_600_000;
/** Younger files may belong to what is not known yet. Also more than clocks of store and Foreman differ. */
const YOUNG_MS = 3_600_000;
/** Hashes and leases begin with a hex digit: by it both are cut into parts, without a cursor that could grow old. */
const PARTS = 16;
const PARTS_AT_ONCE = 4;
const ADOPTED_AT_ONCE = 32;
const DELETED_AT_ONCE = 128;

const BEGAN_AT = 'sweep_began_at';
/** The part that is next: of records, then of files. */
const PLACE = 'sweep_place';
const END = 2 * PARTS;

type Outcome = 'clean' | 'changed' | 'unfinished';

/** True where more is due soon. @throws when the store does not answer: to be tried again */
export async function sweepStore(state: ForemanState, now: number): Promise<boolean> {
  if (!isSweeping(state, now)) return false;
  for (let left = PARTS_AT_ONCE; left > 0 && isSweeping(state, now); left -= 1)
    if ((await sweepNext(state, now)) !== 'clean') return true;
  // Where there is nothing to be found it need not be hurried: other things have the alarm ring.
  return state.config.IMAGES_BUDGET > 0 && isSweeping(state, now);
}

/** Begins anew where it is time for that. */
function isSweeping({ db }: ForemanState, now: number): boolean {
  if ((metaValue(db, PLACE) ?? END) < END) return true;
  if (now - (metaValue(db, BEGAN_AT) ?? 0) < EVERY_MS) return false;
  db.transaction(() => {
    setMeta(db, BEGAN_AT, now);
    setMeta(db, PLACE, 0);
  });
  return true;
}

async function sweepNext(state: ForemanState, now: number): Promise<Outcome> {
  const place = metaValue(state.db, PLACE) ?? END;
  const began = metaValue(state.db, BEGAN_AT) ?? 0;
  const part = (place % PARTS).toString(16);
  const outcome =
    place < PARTS ? await adoptImages(state, part, now) : await removeUnknown(state, part, began - YOUNG_MS);
  if (outcome !== 'unfinished') setMeta(state.db, PLACE, place + 1);
  return outcome;
}

/** One that cannot be read holds the sweep up: its files would be taken for nobody's. */
async function adoptImages(state: ForemanState, part: string, now: number): Promise<Outcome> {
  let left = ADOPTED_AT_ONCE;
  for await (const { key } of objectsUnder(state, `builds/${part}`)) {
    const requestHash = /^builds\/([0-9a-f]{64})\.json$/.exec(key)?.[1];
    if (requestHash === undefined || state.images.of(requestHash) || isRecalled(state, requestHash)) continue;
    // It comes into the table by itself.
    if (state.queue.byHash(requestHash)?.state === 'publishing') continue;
    if (left === 0) return 'unfinished';
    const record = await storedRecord(state.store, requestHash);
    // What is never adopted does not count, or the sweep would come no further than to so many of them.
    if (record && !state.images.of(requestHash) && adoptImage(state, record, now)) left -= 1;
  }
  return left === ADOPTED_AT_ONCE ? 'clean' : 'changed';
}

async function removeUnknown(state: ForemanState, part: string, uploadedBefore: number): Promise<Outcome> {
  let left = DELETED_AT_ONCE;
  let lease = { id: '', isWanted: true };
  for await (const { key, uploadedAtMs } of objectsUnder(state, `objects/${part}`)) {
    const id = key.split('/')[1] ?? '';
    // Asked once: of one that nobody wants nothing is published from the moment in which that is noted.
    if (lease.id !== id) lease = { id, isWanted: isLeaseWanted(state, id) };
    // What has no age is not old.
    if (lease.isWanted || !(uploadedAtMs < uploadedBefore)) continue;
    if (left === 0) return 'unfinished';
    left -= 1;
    state.leases.filesRemoved(id);
    await state.store.delete(key);
  }
  if (left < DELETED_AT_ONCE)
    logWarning('files in the store were of no image and are removed', { files: DELETED_AT_ONCE - left });
  return left === DELETED_AT_ONCE ? 'clean' : 'changed';
}

function isLeaseWanted(state: ForemanState, leaseId: string): boolean {
  const lease = state.leases.byId(leaseId);
  // What has its time is looked at then.
  return lease ? lease.filesDueAt !== null || areFilesWanted(state, lease) : state.images.hasFilesOf(leaseId);
}

async function* objectsUnder({ store }: ForemanState, prefix: string): AsyncGenerator<ObjectPage['objects'][number]> {
  for await (const { objects } of pagesUnder(store, prefix)) yield* objects;
}
