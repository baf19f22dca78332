/**
 * A node reports. Reports are numbered per lease and repeated until acknowledged, so each of them may arrive twice, late,
 * or about a lease that is not the sender's; none of that may change anything.
 */

import { and, eq, inArray } from 'drizzle-orm';
import { type AcceptedResult, acceptResult } from '../../../shared/build/accept-result.ts';
import { BUILD_ERRORS, isDeterministic, kindFromNode } from '../../../shared/build/build-error.ts';
import type { FailureRecord, StoredFile } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import type { BuildFailed, Progress } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import type { LeaseReport } from '../../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { Agreement, Decision } from '../../../shared/trust/quorum.ts';
import { resultDigest } from '../../../shared/trust/result-digest.ts';
import { logError } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import { noteWord } from '../nodes/node-faults.ts';
import { unindexedAtPublication } from '../publishing/decided-record.ts';
import { endCompetitor, toPublishing } from '../publishing/to-publishing.ts';
import { failBuild, loseLease } from '../queue/end-build.ts';
import { type BuildRow, builds, isUndecided, type LeaseRow, type NodeRow, type UploadRow } from '../schema.ts';
import { agreedFailure } from '../trust/agreed-failure.ts';
import { castVote } from '../trust/cast-vote.ts';
import { checkSignedFailure, checkSignedImage, type Reported } from '../trust/check-signed.ts';
import { awaitOthers, closeOthers, decideBuild, inputsOf } from '../trust/decide-build.ts';
import { judgeVotes } from '../trust/judge-votes.ts';
import { quarantineLiar } from '../trust/quarantine-liar.ts';
import { type Shelvable, shelveIfFarmIsSmall } from '../trust/shelf.ts';
import { takeCheck } from '../trust/take-check.ts';
import { isUnheard } from './brought-lease.ts';
import { endLease } from './end-lease.ts';
import { takeHandBack } from './hand-backs.ts';
import { fault, refuseClaim, refuseResult } from './refuse-result.ts';

const MAX_LOG = 65_536;

export interface Acknowledgement {
  readonly leaseId: string;
  readonly sequence: bigint;
  readonly standing: 'active' | 'ended';
}

/** What a report led to beyond the tables. */
export interface Aftermath {
  readonly failures: FailureRecord[];
}

/** One that cannot be taken costs its own lease, and not the reports beside it, which would be repeated with it for ever. */
export async function takeReport(
  state: ForemanState,
  node: NodeRow,
  report: LeaseReport,
  aftermath: Aftermath,
  now: number,
): Promise<Acknowledgement> {
  try {
    return await takeWhole(state, node, report, aftermath, now);
  } catch (error) {
    logError('a report could not be taken', { lease: report.leaseId, node: node.id, error });
    const lease = state.leases.byId(report.leaseId);
    if (lease?.nodeId === node.id) loseLease(state, lease, fault('internal', `report not taken: ${error}`), now);
    return { leaseId: report.leaseId, sequence: report.sequence, standing: 'ended' };
  }
}

async function takeWhole(
  state: ForemanState,
  node: NodeRow,
  report: LeaseReport,
  aftermath: Aftermath,
  now: number,
): Promise<Acknowledgement> {
  const lease = state.leases.byId(report.leaseId);
  const ended = { leaseId: report.leaseId, sequence: report.sequence, standing: 'ended' } as const;
  // An unknown lease and another node's are answered alike: nothing to learn by asking.
  if (!lease) return ended;
  if (lease.nodeId !== node.id) {
    if (isStrangersClaim(state, node, lease, report.event))
      quarantineLiar(state, node.id, `it told the end of lease ${lease.id}, which was given to another node`, now);
    return ended;
  }
  // Nor is anything heard of a node that was set aside, be it while another report of this call was taken.
  if (!state.nodes.isHeard(node.id)) return ended;
  const sequence = Number(report.sequence);
  const isNew = sequence > lease.lastSequence;
  if (isNew) {
    if (lease.state === 'active' && isUnheard(lease)) state.callableNodes.worked(node.id);
    const { event } = report;
    if (event.case === 'progress' && lease.state === 'active') noteProgress(state, lease, event.value);
    else if (event.case === 'handedBack') takeHandBack(state, node, lease, event.value.reason.slice(0, 200), now);
    else if (lease.checkId !== null && (event.case === 'failed' || event.case === 'succeeded'))
      await takeCheck(state, node, lease, event, now);
    else if (event.case === 'failed') await takeFailure(state, node, lease, event.value, aftermath, now);
    else if (event.case === 'succeeded') {
      const uploaded = state.uploads.ofLease(lease.id).filter((file) => file.state === 'complete');
      const build = state.queue.byHash(lease.requestHash);
      const check =
        build && acceptResult(event.value, { request: build.request, pins: lease.pins }, uploaded.map(asFile));
      if (build && check?.ok)
        await takeImage(state, { node, lease, build, statement: event.value.statement }, check.result, now);
      else if (check && !check.ok) await refuseClaim(state, { node, lease }, check, now);
    }
  }
  const after = state.leases.byId(lease.id) ?? lease;
  state.leases.heard(after, sequence, now);
  return { ...ended, standing: after.state };
}

/**
 * How another operator's build ended is told by mistake by nobody. Any other word about it may be a node's of before orders named
 * whom they are for; and who lost a node's key joins anew with what the old one had to say.
 */
const isStrangersClaim = (state: ForemanState, node: NodeRow, lease: LeaseRow, event: LeaseReport['event']): boolean =>
  (event.case === 'succeeded' || (event.case === 'failed' && isDeterministic(kindFromNode(event.value.kind)))) &&
  state.nodes.byId(lease.nodeId)?.operator !== node.operator;

/** Without the store's own names for it and its parts: these are nobody's who reads the record. */
const asFile = ({ name, sizeBytes, sha256 }: UploadRow): StoredFile => ({ name, sizeBytes, sha256 });

function noteProgress(state: ForemanState, lease: LeaseRow, progress: Progress): void {
  state.db
    .update(builds)
    .set({
      state: 'running',
      step: progress.step,
      bytesDone: countable(progress.bytesDone),
      bytesTotal: countable(progress.bytesTotal),
    })
    .where(
      and(
        eq(builds.requestHash, lease.requestHash),
        eq(builds.leaseId, lease.id),
        inArray(builds.state, ['leased', 'running']),
      ),
    )
    .run();
}

/** Whoever polls reads a whole number, and would end on one that is none. */
const countable = (bytes: bigint): number => Math.min(Number(bytes), Number.MAX_SAFE_INTEGER);

async function takeFailure(
  state: ForemanState,
  node: NodeRow,
  lease: LeaseRow,
  failed: BuildFailed,
  aftermath: Aftermath,
  now: number,
): Promise<void> {
  const kind = kindFromNode(failed.kind);
  if (!isDeterministic(kind)) {
    loseLease(state, lease, fault(kind, failed.detail.slice(0, 500)), now);
    return;
  }
  const reported = state.queue.byHash(lease.requestHash);
  if (!reported) return;
  const check = await checkSignedFailure({ node, lease, build: reported, statement: failed.statement }, kind);
  if (!check.ok) return refuseResult(state, lease, check.reason, now);
  state.db.transaction(() => {
    // Both may have changed while the signature was looked at.
    const build = state.queue.byHash(lease.requestHash);
    if (!build || !state.nodes.isHeard(node.id)) return;
    if (isTooLate(state, node, lease, build)) return;
    const detail = failed.detail.slice(0, 2000) || BUILD_ERRORS[kind].text;
    const said = { verdict: { outcome: 'failure', kind }, saidDigest: sha256Hex(detail) } as const;
    castVote(state, build, node, withInputs(lease), said, now);
    noteWord(state, lease);
    endLease(state, lease.id, `failed: ${kind}`, now);
    if (!isUndecided(build)) return judgeVotes(state, build, now);
    // Who was given it since builds what upstream has now, where it may not fail; and what is remembered is told of that.
    const inputs = inputsOf((state.leases.latestOf(build.requestHash) ?? lease).pins);
    if (inputs !== inputsOf(lease.pins)) return closeOthers(state, build, inputs, now);
    const decision = decideBuild(state, build, now);
    if (!isDecidedBy(decision, lease)) return goOn(state, build, lease, null, now);
    const areSameWords = state.votes.sayTheSameWords(build.requestHash, decision.attesters);
    judgeVotes(state, build, now, decision.vote.leaseId);
    endCompetitor(state, build, lease.id, now);
    const told = { detail, stdout: failed.stdout.slice(-MAX_LOG), stderr: failed.stderr.slice(-MAX_LOG) };
    const error = agreedFailure(kind, decision.by, told, areSameWords);
    aftermath.failures.push(failBuild(state, build, error, now));
  });
}

/** Back to the queue, for somebody else's word. */
function goOn(state: ForemanState, build: BuildRow, lease: LeaseRow, made: Shelvable, now: number): void {
  state.queue.requeueFrom(lease, now);
  shelveIfFarmIsSmall(state, build, lease, made, now);
  awaitOthers(state, build, now);
}

/** Of this lease the result is at hand, and what others said of theirs is the same. */
const isDecidedBy = (decision: Decision, lease: LeaseRow): decision is Agreement =>
  decision.decision === 'agreed' && decision.attesters.some(({ leaseId }) => leaseId === lease.id);

const withInputs = ({ id, pins }: LeaseRow) => ({ id, inputs: inputsOf(pins) });

/**
 * A volunteer whose lease is over decides nothing any more: who builds what others have begun is drawn, and whoever could keep a word
 * back until accomplices have theirs would have chosen himself.
 */
const isTooLate = (state: ForemanState, node: NodeRow, lease: LeaseRow, build: BuildRow): boolean =>
  node.tier !== 'trusted' && state.leases.byId(lease.id)?.state !== 'active' && isUndecided(build);

async function takeImage(state: ForemanState, reported: Reported, result: AcceptedResult, now: number): Promise<void> {
  const { node, lease, build } = reported;
  const check = await checkSignedImage(reported, result);
  if (!check.ok) return refuseResult(state, lease, check.reason, now);
  const unindexed = await unindexedAtPublication(state, build, result);
  state.db.transaction(() => {
    // It may have been set aside while upstream was asked.
    if (!state.nodes.isHeard(node.id)) return;
    const current = state.queue.byHash(build.requestHash);
    if (current && isTooLate(state, node, lease, current)) return;
    // Told long after its lease has ended: what it made is not there any more (remove-leftovers.ts).
    if (current && isUndecided(current) && state.leases.byId(lease.id)?.filesRemoved) return;
    noteWord(state, lease);
    const digest = resultDigest(result);
    castVote(state, build, node, withInputs(lease), { verdict: { outcome: 'image', digest } }, now);
    // Of one that comes late, or twice at once, the time says nothing.
    if (state.leases.byId(lease.id)?.state === 'active') state.nodes.tookMs(node.id, now - lease.grantedAt);
    endLease(state, lease.id, 'image reported', now);
    if (!current || !isUndecided(current)) return judgeVotes(state, build, now);
    if (check.envelope) state.statements.keep(build.requestHash, lease.id, check.envelope);
    const decision = decideBuild(state, current, now);
    if (!isDecidedBy(decision, lease)) return goOn(state, current, lease, { result, unindexed }, now);
    toPublishing(state, current, { node, lease, result, unindexed }, decision, now);
  });
}
