/**
 * What many ask for, once a day: the wishes that were counted most often in thirty days, each with what its image was made of. That is
 * in the store's records, which are read for those alone that were not listed yesterday.
 *
 * A wish is on the list from SHOWN_FROM uses on, as is all that statistics tell: what fewer ask for might tell who they are.
 */
import type { BuildRecord } from '../../shared/build-record.ts';
import { dayOf } from '../../shared/client-key.ts';
import { wantedImage } from '../../shared/prebuild/wanted-image.ts';
import type { ForemanState } from './foreman-state.ts';
import { latestRecord } from './latest-record.ts';
import { metaValue, setMeta } from './meta.ts';

const LISTED_ON = 'wanted_listed_on';
/** Wishes on the list; of one release only those count that are of older versions, and of one target few. */
const MAX_LISTED = 1_000;
/** Records that are read at one look: each is two questions to the store. */
const READ_AT_ONCE = 100;

/** @throws when the store does not answer; what was read is kept, and the next look goes on */
export async function listWanted(state: ForemanState, now: number): Promise<void> {
  const { db, prebuilds, statistics, store } = state;
  if (metaValue(db, LISTED_ON) === dayOf(now)) return;
  const names = statistics.wanted(now).slice(0, MAX_LISTED);
  const unread = names.filter(({ name }) => !prebuilds.isListed(name));
  for (const { name } of unread.slice(0, READ_AT_ONCE)) {
    const record: BuildRecord | null = await latestRecord(store, name);
    prebuilds.list(name, record && wantedImage(record));
  }
  prebuilds.rank(names.map(({ name }) => name));
  if (unread.length <= READ_AT_ONCE) setMeta(db, LISTED_ON, dayOf(now));
}
