/**
 * A node tells how it built a check: taken as any other report is, and held against what is known. It is never published, and the build
 * that routers have is not touched by it. What follows stands in shared/trust/checks.ts.
 */
import { acceptResult } from '../../../shared/build/accept-result.ts';
import { isDeterministic, kindFromNode } from '../../../shared/build/build-error.ts';
import type { LeaseReport } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import { type CheckOutcome, outcomeOf } from '../../../shared/trust/checks.ts';
import type { Vote } from '../../../shared/trust/quorum.ts';
import { resultDigest } from '../../../shared/trust/result-digest.ts';
import { logWarning } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import { fault, refuseClaim, refuseResult } from '../leases/refuse-result.ts';
import { noteWord } from '../nodes/node-faults.ts';
import { loseLease } from '../queue/end-build.ts';
import type { CheckRow, LeaseRow, NodeRow } from '../schema.ts';
import { checkSignedFailure, checkSignedImage, type Reported } from './check-signed.ts';
import { quarantineLiar } from './quarantine-liar.ts';

type Ending = Extract<LeaseReport['event'], { case: 'failed' | 'succeeded' }>;

/** How it ended. Of one that comes after its lease nothing is taken: by then another check may be under way. */
export async function takeCheck(
  state: ForemanState,
  node: NodeRow,
  lease: LeaseRow,
  event: Ending,
  now: number,
): Promise<void> {
  const check = lease.checkId === null ? undefined : state.checks.byId(lease.checkId);
  const build = check && state.queue.byHash(check.requestHash);
  if (!check || !build || lease.state !== 'active') return;
  const reported: Reported = { node, lease, build, statement: event.value.statement };
  if (event.case === 'failed') {
    const kind = kindFromNode(event.value.kind);
    if (!isDeterministic(kind)) return loseLease(state, lease, fault(kind, event.value.detail.slice(0, 500)), now);
    const signed = await checkSignedFailure(reported, kind);
    if (!signed.ok) return refuseResult(state, lease, signed.reason, now);
    return takeWord(state, { node, lease, check }, { outcome: 'failure', kind }, now);
  }
  const uploaded = state.uploads.ofLease(lease.id).filter((file) => file.state === 'complete');
  const accepted = acceptResult(event.value, { request: build.request, pins: lease.pins }, uploaded);
  if (!accepted.ok) return refuseClaim(state, { node, lease }, accepted, now);
  const signed = await checkSignedImage(reported, accepted.result);
  if (!signed.ok) return refuseResult(state, lease, signed.reason, now);
  takeWord(state, { node, lease, check }, { outcome: 'image', digest: resultDigest(accepted.result) }, now);
}

interface Told {
  readonly node: NodeRow;
  readonly lease: LeaseRow;
  readonly check: CheckRow;
}

function takeWord(state: ForemanState, { node, lease, check }: Told, said: Vote['verdict'], now: number): void {
  state.db.transaction(() => {
    // Each of these may have changed while the signature was looked at.
    if (!state.nodes.isHeard(node.id) || state.leases.byId(lease.id)?.state !== 'active') return;
    noteWord(state, lease);
    if (said.outcome === 'image') state.nodes.tookMs(node.id, now - lease.grantedAt);
    state.leases.end(lease.id, said.outcome === 'image' ? 'image reported' : `failed: ${said.kind}`);
    const isTelling = state.reproducibility.isKnown(check.branch, check.target, state.config.TRUST_POLICY);
    const outcome = outcomeOf(check.kind, { said, digest: check.digest, isTelling });
    const words = said.outcome === 'image' ? `image ${said.digest}` : `failure ${said.kind}`;
    if (outcome === 'settle') state.checks.said(check.id, words, now);
    else state.checks.end(check.id, outcome, now, words);
    FOLLOWS[outcome]?.(state, { node, lease, check }, now);
  });
}

const FOLLOWS: Partial<Record<CheckOutcome, (state: ForemanState, told: Told, now: number) => void>> = {
  /**
   * It may have been downloaded by the order's hash. That is enough to be a newcomer no more; it is no image that others confirmed,
   * and of the target it is one operator's word, once.
   */
  right(state, { node, check: { requestHash, branch, target } }, now) {
    state.nodes.tally(node.id, 'right');
    const known = state.knownImages.of(requestHash);
    if (!known || known.operator === node.operator) return;
    if (state.reproducibility.hear(branch, target, node.operator))
      state.reproducibility.note(branch, target, 'agreed', now);
  },

  disputed(state, { node, check }, now) {
    const known = state.knownImages.of(check.requestHash);
    logWarning('a node made something else than a trusted node', { request: check.requestHash, node: node.id });
    // One is enough for a node; and what is disputed already is.
    if (known?.word !== 'trusted' || state.checks.isAccused(node.id)) return;
    state.knownImages.put(check.requestHash, { word: 'disputed' });
    state.checks.add('dispute', known, now, node.id);
  },

  lie(state, { node, check }, now) {
    const { accused, branch, target, requestHash } = check;
    state.nodes.tally(node.id, 'right');
    state.nodes.tally(node.id, 'images');
    state.knownImages.put(requestHash, { word: 'trusted' });
    if (accused === null) return;
    state.nodes.tally(accused, 'wrong');
    state.reproducibility.note(branch, target, 'explained', now);
    quarantineLiar(
      state,
      accused,
      `what it said of build ${requestHash} is not so: trusted nodes made it twice, alike`,
      now,
    );
  },

  differs(state, { check }, now) {
    state.reproducibility.note(check.branch, check.target, 'unexplained', now);
    state.knownImages.measured(check);
    state.knownImages.remove(check.requestHash);
  },

  doubtful(state, { check }) {
    state.knownImages.remove(check.requestHash);
  },

  /** Of a dispute: the image stands, others may measure by it, and the one that made another has had its say about this target. */
  unclear(state, { check: { kind, requestHash, branch, target, accused } }) {
    if (kind !== 'dispute') return;
    state.knownImages.put(requestHash, { word: 'trusted' });
    const operator = state.nodes.byId(accused ?? '')?.operator;
    if (operator !== undefined) state.reproducibility.hear(branch, target, operator);
  },
};
