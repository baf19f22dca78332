/**
 * What a node may do with the files and the log of its lease. Each call names a node and a lease, and any node can name any lease:
 * without the look at whose it is, and whether it still runs, one could write into another's build, or into one that is decided.
 */
import type { StoredFile } from '../../../shared/build/build-record.ts';
import { isPrivate } from '../../../shared/request/normalize-request.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { CompletionAnswer, GrantAnswer, GrantsAnswer, SentFile } from './uploads.ts';

/** All or none. */
export function grantUploads(
  state: ForemanState,
  nodeId: string,
  leaseId: string,
  files: readonly StoredFile[],
  now: number,
): GrantsAnswer {
  const refused = refuseUpload(state, nodeId, leaseId, now);
  if (refused) return { ok: false, reason: refused };
  return state.uploads.grant(leaseId, files, state.config.MAX_IMAGE_MB * 1024 * 1024);
}

export function findUpload(
  state: ForemanState,
  nodeId: string,
  leaseId: string,
  name: string,
  now: number,
): GrantAnswer {
  const refused = refuseUpload(state, nodeId, leaseId, now);
  const upload = refused ? undefined : state.uploads.find(leaseId, name);
  return upload ? { ok: true, upload } : { ok: false, reason: refused ?? `${name} was not granted` };
}

/** `isReporting`: it says in the same call what became of the build. */
export function completeSent(
  state: ForemanState,
  nodeId: string,
  leaseId: string,
  files: readonly SentFile[],
  isReporting: boolean,
  now: number,
): CompletionAnswer {
  const refused = refuseUpload(state, nodeId, leaseId, now);
  // What it reported in the first try may have ended the lease, and the answer have been lost.
  const isAgain = isReporting && areComplete(state, nodeId, leaseId, files);
  if (refused && !isAgain) return { ok: false, reason: refused };
  return state.uploads.completeSent(leaseId, files);
}

/** Why this node may not write to the log of this lease; null where it may. What a private build prints is kept nowhere. */
export function refuseLog(state: ForemanState, nodeId: string, leaseId: string, now: number): string | null {
  const refused = refuseUpload(state, nodeId, leaseId, now);
  if (refused) return refused;
  const lease = state.leases.byId(leaseId);
  // Nobody is shown it; but a node that may not write one would know why.
  if (lease && lease.checkId !== null) return null;
  const build = state.queue.byHash(lease?.requestHash ?? '');
  if (build?.leaseId !== leaseId) return 'the build is over, or another node is at it';
  return isPrivate(build.request) ? 'a private build has no log' : null;
}

function refuseUpload({ nodes, leases }: ForemanState, nodeId: string, leaseId: string, now: number): string | null {
  const node = nodes.present(nodeId, null, now);
  if ('refused' in node) return node.refused;
  const lease = leases.byId(leaseId);
  if (!lease || lease.nodeId !== nodeId) return 'this node holds no such lease';
  if (lease.state !== 'active') return 'the lease is over';
  return null;
}

function areComplete(
  { leases, uploads }: ForemanState,
  nodeId: string,
  leaseId: string,
  files: readonly SentFile[],
): boolean {
  if (leases.byId(leaseId)?.nodeId !== nodeId) return false;
  const complete = new Set(uploads.ofLease(leaseId).flatMap(({ name, state }) => (state === 'complete' ? [name] : [])));
  return files.every(({ name }) => complete.has(name));
}
