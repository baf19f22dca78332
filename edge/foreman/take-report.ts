/**
 * A node reports. Reports are numbered per lease and repeated until acknowledged, so each of them may arrive twice, late,
 * or about a lease that is not the sender's; none of that may change anything.
 */

import { and, eq, inArray } from 'drizzle-orm';
import { type AcceptedResult, acceptResult } from '../../shared/accept-result.ts';
import {
  BUILD_ERRORS,
  BuildError,
  type BuildErrorKind,
  isDeterministic,
  kindFromNode,
} from '../../shared/build-error.ts';
import type { BuildRecord, FailureRecord, StoredFile } from '../../shared/build-record.ts';
import { canonical } from '../../shared/canonical.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { unindexedNames } from '../../shared/freshness.ts';
import type { BuildFailed, Progress } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { LeaseReport } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { isPrivate } from '../../shared/normalize-request.ts';
import { decide } from '../../shared/quorum.ts';
import { isUnheard } from './bring-orders.ts';
import { failBuild, handBack, loseLease } from './end-build.ts';
import type { ForemanState } from './foreman-state.ts';
import { judgeVotes } from './judge-votes.ts';
import { noteWord } from './node-faults.ts';
import { type BuildRow, builds, type LeaseRow, type NodeRow, type UploadRow } from './schema.ts';

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
    console.error(`a report about lease ${report.leaseId} could not be taken: ${error}`);
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
  if (!lease || lease.nodeId !== node.id) return ended;
  // Nor is anything heard of a node that was set aside, be it while another report of this call was taken.
  if (!state.nodes.isHeard(node.id)) return ended;
  const sequence = Number(report.sequence);
  const isNew = sequence > lease.lastSequence;
  if (isNew) {
    if (lease.state === 'active' && isUnheard(lease)) state.callableNodes.worked(node.id);
    const { event } = report;
    if (event.case === 'progress' && lease.state === 'active') noteProgress(state, lease, event.value);
    else if (event.case === 'handedBack') handBack(state, lease, event.value.reason.slice(0, 200), now);
    else if (event.case === 'failed') takeFailure(state, node, lease, event.value, aftermath, now);
    else if (event.case === 'succeeded') {
      const uploaded = state.uploads.ofLease(lease.id).filter((file) => file.state === 'complete');
      const build = state.queue.byHash(lease.requestHash);
      const check =
        build && acceptResult(event.value, { request: build.request, pins: lease.pins }, uploaded.map(asFile));
      if (build && check?.ok) await takeImage(state, node, lease, build, check.result, now);
      else if (check && !check.ok) loseLease(state, lease, fault('internal', `result refused: ${check.reason}`), now);
    }
  }
  const after = state.leases.byId(lease.id) ?? lease;
  state.leases.heard(after, sequence, now);
  return { ...ended, standing: after.state };
}

/** Without the store's own names for it and its parts: these are nobody's who reads the record. */
const asFile = ({ name, sizeBytes, sha256 }: UploadRow): StoredFile => ({ name, sizeBytes, sha256 });

const fault = (kind: BuildErrorKind, cause: string): BuildError => new BuildError(kind, undefined, { cause });

function noteProgress(state: ForemanState, lease: LeaseRow, progress: Progress): void {
  state.db
    .update(builds)
    .set({
      state: 'running',
      step: progress.step,
      bytesDone: Number(progress.bytesDone),
      bytesTotal: Number(progress.bytesTotal),
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

function takeFailure(
  state: ForemanState,
  node: NodeRow,
  lease: LeaseRow,
  failed: BuildFailed,
  aftermath: Aftermath,
  now: number,
): void {
  const kind = kindFromNode(failed.kind);
  if (!isDeterministic(kind)) {
    loseLease(state, lease, fault(kind, failed.detail.slice(0, 500)), now);
    return;
  }
  const build = state.queue.byHash(lease.requestHash);
  if (!build) return;
  state.db.transaction(() => {
    state.votes.cast(build.requestHash, node, lease.id, { outcome: 'failure', kind }, now);
    noteWord(state, lease);
    state.leases.end(lease.id, `failed: ${kind}`);
    if (!isUndecided(build)) return judgeVotes(state, build.requestHash, now);
    const decision = decide(state.votes.ofBuild(build.requestHash));
    if (decision.decision === 'pending') state.queue.requeueFrom(lease, now);
    if (decision.decision !== 'failure') return;
    judgeVotes(state, build.requestHash, now, decision.leaseId);
    endCompetitor(state, build, lease);
    const error = new BuildError(kind, failed.detail.slice(0, 2000) || BUILD_ERRORS[kind].text, {
      stdout: failed.stdout.slice(-MAX_LOG),
      stderr: failed.stderr.slice(-MAX_LOG),
    });
    aftermath.failures.push(failBuild(state, build, error, now));
  });
}

/** A late answer may decide while another node is at it: that one is told to stop by its next report. */
function endCompetitor(state: ForemanState, build: BuildRow, lease: LeaseRow): void {
  if (build.leaseId !== null && build.leaseId !== lease.id) state.leases.end(build.leaseId, 'decided by another');
}

const isUndecided = (build: BuildRow): boolean => ['queued', 'leased', 'running'].includes(build.state);

async function takeImage(
  state: ForemanState,
  node: NodeRow,
  lease: LeaseRow,
  build: BuildRow,
  result: AcceptedResult,
  now: number,
): Promise<void> {
  const unindexed = await unindexedAtPublication(state, build, result);
  state.db.transaction(() => {
    // It may have been set aside while upstream was asked.
    if (!state.nodes.isHeard(node.id)) return;
    noteWord(state, lease);
    const digest = resultDigest(result);
    state.votes.cast(build.requestHash, node, lease.id, { outcome: 'image', digest }, now);
    // Of one that comes late, or twice at once, the time says nothing.
    if (state.leases.byId(lease.id)?.state === 'active') state.nodes.tookMs(node, now - lease.grantedAt);
    state.leases.end(lease.id, 'image reported');
    const current = state.queue.byHash(build.requestHash);
    if (!current || !isUndecided(current)) return judgeVotes(state, build.requestHash, now);
    const decision = decide(state.votes.ofBuild(build.requestHash));
    if (decision.decision === 'pending') state.queue.requeueFrom(lease, now);
    if (decision.decision !== 'image' || decision.leaseId !== lease.id) return;
    judgeVotes(state, build.requestHash, now, lease.id);
    endCompetitor(state, current, lease);
    state.db
      .update(builds)
      .set({ state: 'publishing', record: recordOf(state, node, lease, current, result, unindexed, now) })
      .where(eq(builds.requestHash, build.requestHash))
      .run();
  });
}

/** Equal for equal images: what votes are compared by. */
const resultDigest = (result: AcceptedResult): string =>
  sha256Hex(
    canonical([
      result.images.map((image) => `${image.name} ${image.sha256}`).sort(),
      Object.entries(result.manifest)
        .map(([name, version]) => `${name} ${version}`)
        .sort(),
    ]),
  );

/** Names that upstream's indexes do not know now. Where they cannot be read, none: a rebuild too many, never one too few. */
async function unindexedAtPublication(
  state: ForemanState,
  build: BuildRow,
  result: AcceptedResult,
): Promise<readonly string[]> {
  const { version, target, repositories } = build.request;
  const targetDocument = await state.catalogue.target(version, target);
  if (targetDocument.state !== 'found') return [];
  const arch = await state.catalogue.arch(version, targetDocument.document.archPackages);
  if (arch.state !== 'found') return [];
  const feeds = repositories.length > 0 ? 'foreign too' : 'upstream only';
  return unindexedNames(result.manifest, targetDocument.document, arch.document, feeds);
}

function recordOf(
  state: ForemanState,
  node: NodeRow,
  lease: LeaseRow,
  build: BuildRow,
  result: AcceptedResult,
  unindexed: readonly string[],
  now: number,
): BuildRecord {
  const secret = isPrivate(build.request);
  return {
    format: 1,
    requestHash: build.requestHash,
    intentHash: build.intentHash,
    generation: build.generation,
    request: { ...build.request, defaultsMac: '' },
    echo: build.echo,
    private: secret,
    pins: lease.pins,
    leaseId: lease.id,
    nodeId: node.id,
    nodeName: node.name,
    operator: node.operator,
    files: result.files,
    images: result.images,
    manifest: result.manifest,
    unindexed,
    device: result.device,
    buildCommand: result.buildCommand,
    circumstances: result.circumstances,
    enqueuedAt: build.enqueuedAt,
    publishedAt: now,
    durationMs: result.durationMs,
    expiresAt: secret ? now + state.config.PRIVATE_IMAGE_HOURS * 3_600_000 : null,
  };
}
