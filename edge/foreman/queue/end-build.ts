/**
 * The ends of a lease and of a build. A fault of ours sends the build back to its old place for another node; a failure
 * that would happen again ends it and is remembered; a decided image goes to publishing.
 */
import { BuildError, isRemembered } from '../../../shared/build/build-error.ts';
import type { FailureRecord, StoredResult } from '../../../shared/build/build-record.ts';
import { afterLostLease } from '../../../shared/node/lease.ts';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import { isPrivate } from '../../../shared/request/normalize-request.ts';
import { logError } from '../../log.ts';
import { resultKey } from '../../results/result-key.ts';
import type { ForemanState } from '../foreman-state.ts';
import { endLease } from '../leases/end-lease.ts';
import { excuseFaults, noteFault } from '../nodes/node-faults.ts';
import type { BuildRow, LeaseRow } from '../schema.ts';
import { reopenVotes } from '../trust/judge-votes.ts';
import { unshelve } from '../trust/shelf.ts';

/** KV takes no shorter life. */
const MIN_KV_SECONDS = 60;

/**
 * The lease ended without a word about the request. `fault` is what the user reads if nobody else can be asked. Only trusted
 * nodes use up attempts: volunteers that lose every lease must not be able to fail the builds of others.
 */
export function loseLease(
  state: ForemanState,
  lease: Pick<LeaseRow, 'id' | 'requestHash' | 'nodeId'>,
  fault: BuildError,
  now: number,
): void {
  state.db.transaction(() => {
    // Whoever ended it has seen to the build, or is about to (orphaned.ts).
    if (state.leases.byId(lease.id)?.state !== 'active') return;
    noteFault(state, lease.id, fault.kind, now);
    endLease(state, lease.id, `${fault.kind}: ${String(fault.cause ?? fault.detail)}`, now);
    const build = state.queue.byHash(lease.requestHash);
    if (!build || build.leaseId !== lease.id || !['leased', 'running'].includes(build.state)) return;
    if (state.nodes.byId(lease.nodeId)?.tier !== 'trusted') state.queue.requeue(build.requestHash, false, now);
    else if (afterLostLease(build.attempts, state.config.MAX_ATTEMPTS) === 'requeue')
      state.queue.requeue(build.requestHash, true, now);
    else failBuild(state, build, fault, now);
  });
}

/** A decided image cannot be published, since its files are gone: as if its lease had been lost, and decided anew. */
export function loseFiles(state: ForemanState, requestHash: string, reason: string, now: number): void {
  state.db.transaction(() => {
    const build = state.queue.byHash(requestHash);
    if (build?.state !== 'publishing') return;
    reopenVotes(state, requestHash);
    if (afterLostLease(build.attempts, state.config.MAX_ATTEMPTS) === 'requeue')
      state.queue.requeue(requestHash, true, now, ['publishing']);
    else failBuild(state, build, new BuildError('upload_failed', undefined, { cause: reason }), now);
  });
}

/** The node gives the build back and is not to blame: the attempt does not count. */
export function handBack(
  state: ForemanState,
  lease: { readonly id: string; readonly requestHash: string },
  reason: string,
  now: number,
): void {
  state.db.transaction(() => {
    endLease(state, lease.id, `handed back: ${reason}`, now);
    state.queue.requeueFrom(lease, now);
  });
}

/** Ends the build with a failure; returns it so that the caller can put it into the cache. */
export function failBuild(state: ForemanState, build: BuildRow, error: BuildError, now: number): FailureRecord {
  const failure = endWithFailure(state, build, error, now);
  if (isPrebuild(build)) state.statistics.prebuild('failed', now);
  else state.statistics.failed(failure, build.request, now);
  return failure;
}

/** The same, and nothing is counted. */
export function endWithFailure(state: ForemanState, build: BuildRow, error: BuildError, now: number): FailureRecord {
  const failure: FailureRecord = {
    requestHash: build.requestHash,
    intentHash: build.intentHash,
    generation: build.generation,
    kind: error.kind,
    detail: error.detail,
    stdout: error.stdout,
    stderr: error.stderr,
    echo: build.echo,
    private: isPrivate(build.request),
    upstreamDigest: build.upstreamDigest,
    enqueuedAt: build.enqueuedAt,
    failedAt: now,
    leaseId: build.leaseId,
  };
  // A lease that was lost may upload for a while yet; what it leaves is removed with the rest.
  const expiresAt = failure.private ? now + state.config.BUILD_SECONDS * 1000 : null;
  state.queue.fail(build.requestHash, failure, expiresAt, now);
  state.votes.close(build.requestHash);
  state.statements.remove(build.requestHash);
  unshelve(state, build.requestHash);
  excuseFaults(state, build.requestHash, now);
  return failure;
}

/** Remembers a failure near the routers, where it would happen again and holds no secret. */
export async function cacheFailure(state: ForemanState, failure: FailureRecord): Promise<void> {
  if (failure.private || !isRemembered(failure.kind)) return;
  const result = JSON.stringify({ kind: 'failed', failure } satisfies StoredResult);
  const life = { expirationTtl: Math.max(MIN_KV_SECONDS, state.config.FAILURE_SECONDS) };
  const keys = [resultKey.build(failure.requestHash), resultKey.intent(failure.intentHash)];
  const puts = await Promise.allSettled(keys.map((key) => state.cache.put(key, result, life)));
  // Without it the next request costs a call to the Foreman, no more.
  for (const put of puts)
    if (put.status === 'rejected')
      logError('a failure was not cached', { request: failure.requestHash, error: put.reason });
}

/** Nothing was heard for a lease's time, or nothing but talk until long after the deadline. */
export const expired = (lease: LeaseRow, now: number): BuildError =>
  now > lease.deadlineAt
    ? new BuildError('timeout', undefined, { cause: `node ${lease.nodeId} was not done long after the deadline` })
    : new BuildError('node_lost', undefined, { cause: `nothing heard of node ${lease.nodeId}` });
