/**
 * What many ask for, once a day: the wishes that were counted most often in thirty days, each with what its image was made of. That is
 * in the store's records, which are read for those alone that were not listed yesterday.
 *
 * A wish is on the list from SHOWN_FROM uses on, as is all that statistics tell: what fewer ask for might tell who they are.
 */
import { wantedImage } from '../../../shared/prebuild/wanted-image.ts';
import { dayOf } from '../../../shared/request/client-key.ts';
import { logWarning } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import { metaValue, setMeta } from '../meta.ts';
import { latestRecord } from '../publishing/latest-record.ts';

const LISTED_ON = 'wanted_listed_on';
/** Wishes on the list; of one release only those count that are of older versions, and of one target few. */
const MAX_LISTED = 1_000;
/** Records that are read at one look: each is two questions to the store. */
const READ_AT_ONCE = 100;
/** One look reads no longer, however slow the store is. */
const READ_MS = 3 * 60_000;

/** What cannot be read keeps nothing else from the list, and is read at the next look. */
export async function listWanted(state: ForemanState, clock: () => number): Promise<void> {
  const { db, prebuilds, statistics } = state;
  const now = clock();
  if (metaValue(db, LISTED_ON) === dayOf(now)) return;
  const names = statistics.wanted(now).slice(0, MAX_LISTED);
  const unread = names.filter(({ name }) => !prebuilds.isListed(name));
  let read = 0;
  for (const { name } of unread.slice(0, READ_AT_ONCE)) {
    if (clock() - now > READ_MS) break;
    if (await listOne(state, name)) read += 1;
  }
  prebuilds.rank(names.map(({ name }) => name));
  if (read < unread.length) return;
  // It may be between two generations: tomorrow it is asked about again.
  prebuilds.forgetUnknown();
  setMeta(db, LISTED_ON, dayOf(now));
}

/** False where the store does not tell. */
async function listOne({ prebuilds, store }: ForemanState, name: string): Promise<boolean> {
  try {
    const record = await latestRecord(store, name);
    prebuilds.list(name, record && wantedImage(record));
    return true;
  } catch (error) {
    logWarning('what is wanted cannot be read, and is read at the next look', { error });
    return false;
  }
}
