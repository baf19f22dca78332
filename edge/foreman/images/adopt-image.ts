/**
 * Images that the store knows and the tables do not: of before there was a table of them, or published after the backup from which
 * the Foreman was restored. They come into the table by their records, which are the truth.
 */
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { FILES_STAY_MS } from '../../lifetimes.ts';
import { logError } from '../../log.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { storedJson } from '../../storage/read-text.ts';
import type { ForemanState } from '../foreman-state.ts';
import { isRecalled } from '../publishing/recall.ts';

/** Null for JSON that is no record; that stays, since nobody knows what it is. @throws ObjectStoreError for what is no JSON */
export async function storedRecord(store: Pick<ObjectStore, 'get'>, requestHash: string): Promise<BuildRecord | null> {
  const key = storeKey.build(requestHash);
  const record = await storedJson<Partial<BuildRecord>>(store, key);
  if (record === null) return null;
  const isRecord = typeof record.leaseId === 'string' && Array.isArray(record.files);
  if (isRecord && record.requestHash === requestHash) return record as BuildRecord;
  logError('an object among the records is none', { key });
  return null;
}

/**
 * Whether it is in the table now. When it was served last nobody knows: it counts as served now, so that what is in use is known to be
 * before anything goes.
 */
export function adoptImage(state: ForemanState, record: BuildRecord, now: number): boolean {
  const { requestHash, expiresAt, unpublishedAt } = record;
  const build = state.queue.byHash(requestHash);
  // What is being published comes into the table by itself; it may be recalled in the last moment.
  if (build?.state === 'publishing' || isRecalled(state, requestHash)) return false;
  // A private one has an end of its own (remove-private.ts), as long as its build is known.
  const isLeaving = unpublishedAt !== undefined || (expiresAt !== null && (build?.expiresAt ?? null) === null);
  addImage(state, record, now, isLeaving ? Math.max(now, expiresAt ?? 0) : null);
  return true;
}

/** Who was told of the image that it takes the place of has time to fetch that one's files. */
export function addImage(
  { db, images, leases, uploads }: Pick<ForemanState, 'db' | 'images' | 'leases' | 'uploads'>,
  record: BuildRecord,
  now: number,
  leavesAt: number | null = null,
): void {
  db.transaction(() => {
    const before = images.of(record.requestHash);
    images.add(record, uploads.ofLease(record.leaseId), now, leavesAt);
    if (before && before.leaseId !== record.leaseId) leases.filesDue(before.leaseId, now + FILES_STAY_MS);
  });
}
