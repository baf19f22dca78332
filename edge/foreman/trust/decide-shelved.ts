/** The farm has grown: what waits on the shelf for that (shelf.ts) is decided now, as it would have been with its last word. */
import type { FailureRecord } from '../../../shared/build/build-record.ts';
import type { Agreement } from '../../../shared/trust/quorum.ts';
import type { ForemanState } from '../foreman-state.ts';
import { endCompetitor, toPublishing } from '../publishing/to-publishing.ts';
import { failBuild } from '../queue/end-build.ts';
import { type BuildRow, isUndecided, type ShelvedRow } from '../schema.ts';
import { agreedFailure } from './agreed-failure.ts';
import { awaitOthers, decideBuild } from './decide-build.ts';
import { judgeVotes } from './judge-votes.ts';
import { shelvedBuilds, shelveLonger, unshelve, wouldBeDecided } from './shelf.ts';

const AT_ONCE = 16;

/** A page of it; images are published next. Returns the failures that were decided, to be remembered near the routers. */
export function decideShelved(state: ForemanState, now: number): FailureRecord[] {
  const page = shelvedBuilds(state, AT_ONCE, now);
  // With each alarm: nobody is counted for nothing.
  if (page.length === 0 || state.operators.active(now) < state.config.TRUST_POLICY.active_operators) return [];
  return page.flatMap((row) => state.db.transaction(() => decideOne(state, row, now)));
}

function decideOne(state: ForemanState, row: ShelvedRow, now: number): FailureRecord[] {
  const { requestHash, leaseId } = row;
  const build = state.queue.byHash(requestHash);
  if (!build || !isUndecided(build)) {
    unshelve(state, requestHash);
    return [];
  }
  const decision = decideBuild(state, build, now);
  if (decision.decision === 'agreed' && decision.attesters.some((vote) => vote.leaseId === leaseId))
    return carryOut(state, build, row, decision, now);
  if (wouldBeDecided(state, build, leaseId, now)) shelveLonger(state, requestHash, now);
  else {
    unshelve(state, requestHash);
    // Somebody is believed no more, or the target is not: it waits for whomever it has to wait now.
    if (build.state === 'queued') awaitOthers(state, build, now);
  }
  return [];
}

function carryOut(
  state: ForemanState,
  build: BuildRow,
  { leaseId, result, unindexed }: ShelvedRow,
  decision: Agreement,
  now: number,
): FailureRecord[] {
  const { verdict } = decision.vote;
  if (verdict.outcome === 'failure') {
    judgeVotes(state, build, now, decision.vote.leaseId);
    endCompetitor(state, build, leaseId, now);
    return [failBuild(state, build, agreedFailure(verdict.kind, decision.by, null), now)];
  }
  const lease = state.leases.byId(leaseId);
  const node = lease && state.nodes.byId(lease.nodeId);
  if (node && result) toPublishing(state, build, { node, lease, result, unindexed }, decision, now);
  return [];
}
