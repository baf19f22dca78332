/**
 * What leases leave behind: of one that was lost, of a failure, of a vote that was not decided upon, the files are nobody's. They go an
 * hour after the lease has ended, however that was: by then nothing is sent any more by any permit (LIFETIMES.grantMs). The store is
 * asked before: of a lease that was at work when the tables were saved, a Foreman that was restored from them has heard nothing since,
 * and its image may be published.
 */

import type { ForemanState } from '../foreman-state.ts';
import { isRecalled } from '../publishing/recall.ts';
import type { LeaseRow } from '../schema.ts';
import { shelvedLeaseOf } from '../trust/shelf.ts';
import { adoptImage, storedRecord } from './adopt-image.ts';
import { removeLeaseFiles } from './remove-lease-files.ts';

const AT_ONCE = 16;
/** Looked at again: somebody wants them now, or the store does not answer. */
const WANTED_MS = 3_600_000;
const FAILED_MS = 60_000;

/** @throws what the store did of one of them, once all others were tried */
export async function removeLeftovers(state: ForemanState, now: number): Promise<void> {
  let failure: unknown;
  for (const lease of state.leases.withFilesDue(now, AT_ONCE)) {
    try {
      await removeLeftoversOf(state, lease, now);
    } catch (error) {
      failure = error;
      state.leases.filesDue(lease.id, now + FAILED_MS);
    }
  }
  if (failure !== undefined) throw failure;
}

async function removeLeftoversOf(state: ForemanState, lease: LeaseRow, now: number): Promise<void> {
  // They go with their image. Where the sweep of the store has found it (sweep-store.ts), nobody has said so yet.
  if (state.images.hasFilesOf(lease.id)) return state.leases.filesDue(lease.id, null);
  if (areFilesWanted(state, lease)) return state.leases.filesDue(lease.id, now + WANTED_MS);
  // Without a grant nothing was ever taken.
  if (state.uploads.ofLease(lease.id).length > 0) {
    const record = await storedRecord(state.store, lease.requestHash);
    const isPublished = record?.leaseId === lease.id && !isRecalled(state, lease.requestHash);
    if (isPublished && adoptImage(state, record, now)) return state.leases.filesDue(lease.id, null);
    // Or meanwhile they are wanted by somebody else.
    if (isPublished || areFilesWanted(state, lease)) return state.leases.filesDue(lease.id, now + WANTED_MS);
    // First: what is told of them later must not be published.
    state.leases.filesRemoved(lease.id);
    await removeLeaseFiles(state, lease.id);
  }
  state.leases.filesDue(lease.id, null);
}

/** Is it at work, are they an image's, or may they become one: decided upon and not published, or on the shelf (shelf.ts)? */
export function areFilesWanted(state: ForemanState, lease: Pick<LeaseRow, 'id' | 'requestHash' | 'state'>): boolean {
  return (
    lease.state === 'active' ||
    state.images.hasFilesOf(lease.id) ||
    state.queue.byHash(lease.requestHash)?.record?.leaseId === lease.id ||
    shelvedLeaseOf(state, lease.requestHash) === lease.id
  );
}
