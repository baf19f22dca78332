/** A build is decided on an image that is at hand: from now on it is published, until that has succeeded (publish-decided.ts). */
import { eq } from 'drizzle-orm';
import type { Agreement } from '../../../shared/trust/quorum.ts';
import type { ForemanState } from '../foreman-state.ts';
import { endLease } from '../leases/end-lease.ts';
import { type BuildRow, builds } from '../schema.ts';
import { judgeVotes } from '../trust/judge-votes.ts';
import { decidedRecord, type Made } from './decided-record.ts';

/** Within the transaction in which it is decided. */
export function toPublishing(state: ForemanState, build: BuildRow, made: Made, decision: Agreement, now: number): void {
  judgeVotes(state, build, now, decision.vote.leaseId);
  endCompetitor(state, build, made.lease.id, now);
  state.db
    .update(builds)
    .set({ state: 'publishing', record: decidedRecord(state, build, made, decision, now) })
    .where(eq(builds.requestHash, build.requestHash))
    .run();
}

/** A late answer may decide while another node is at it: that one is told to stop by its next report. */
export function endCompetitor(state: ForemanState, build: BuildRow, leaseId: string, now: number): void {
  if (build.leaseId !== null && build.leaseId !== leaseId) endLease(state, build.leaseId, 'decided by another', now);
}
