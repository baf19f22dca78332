/**
 * Keeps account of each node's faults (shared/node-faults.ts has the rules) and drains the one whose builds fail one after the
 * other: left alone it would be the first to take the next build, and the next.
 */
import type { BuildErrorKind } from '../../shared/build-error.ts';
import {
  areTooMany,
  canBeSpared,
  isFault,
  NO_FAULTS,
  toldFaults,
  withFault,
  withoutBuild,
} from '../../shared/node-faults.ts';
import type { ForemanState } from './foreman-state.ts';
import { PRESENT_MS } from './nodes.ts';
import type { LeaseRow, NodeRow } from './schema.ts';

/** A lease ended without a word about the request. Call before it ends: of one that is over this was noted already. */
export function noteFault(state: ForemanState, leaseId: string, kind: BuildErrorKind, now: number): void {
  const lease = state.leases.byId(leaseId);
  const node = lease?.state === 'active' ? state.nodes.byId(lease.nodeId) : undefined;
  if (!lease || !node) return;
  state.nodes.tally(node.id, 'lost');
  const others = othersWhoFailed(state, lease);
  for (const other of others) if (excuses(node, other)) forgive(state, other, lease.requestHash, now);
  const isExcused = others.some((other) => excuses(other, node));
  if (isExcused) forgive(state, node, lease.requestHash, now);
  if (isExcused || node.state !== 'active') return;
  const row = withFault(node, { requestHash: lease.requestHash, kind }, lease.grantedAt, now);
  state.nodes.setFaults(node.id, row);
  if (areTooMany(row) && isSpared(state, node, now))
    state.nodes.put(node.id, 'draining', { stateBy: 'foreman', stateReason: toldFaults(row), stateSince: now });
}

/**
 * A word about the request came in, whatever it was: the machine works. A word about a lease that is over, from before the last fault,
 * says nothing of the machine now, and could be said again after each fault.
 */
export function noteWord(state: ForemanState, { id, grantedAt }: LeaseRow): void {
  const lease = state.leases.byId(id);
  const node = lease && state.nodes.byId(lease.nodeId);
  if (node?.state !== 'active' || node.faults.length === 0) return;
  if (lease?.state === 'active' || grantedAt >= node.lastFaultAt) state.nodes.setFaults(node.id, NO_FAULTS);
}

function othersWhoFailed(state: ForemanState, { requestHash, nodeId }: LeaseRow): NodeRow[] {
  const ids = new Set(
    state.leases
      .ofBuild(requestHash)
      .filter((other) => other.nodeId !== nodeId && isFault(other.endReason))
      .map((other) => other.nodeId),
  );
  return [...ids].flatMap((id) => state.nodes.byId(id) ?? []);
}

/** That a stranger's machine failed as well says nothing of a trusted one: it may have failed on purpose. */
const excuses = (one: NodeRow, other: NodeRow): boolean => one.tier === 'trusted' || other.tier === 'volunteer';

/** It was the build. Who was drained for it, and for too little else, builds again. */
function forgive(state: ForemanState, node: NodeRow, requestHash: string, now: number): void {
  const row = withoutBuild(node, requestHash);
  if (row.faults.length === node.faults.length) return;
  if (node.state === 'draining' && node.stateBy === 'foreman' && !areTooMany(row))
    state.nodes.put(node.id, 'active', { stateBy: 'foreman', stateReason: '', stateSince: now });
  state.nodes.setFaults(node.id, row);
}

/** Only by nodes that are believed as much as this one: without trusted nodes nothing is decided. */
function isSpared(state: ForemanState, node: NodeRow, now: number): boolean {
  const at = now - PRESENT_MS;
  const able = state.nodes
    .seenSince(at)
    .filter((other) => other.id !== node.id && (node.tier !== 'trusted' || other.tier === 'trusted'));
  return canBeSpared(able.length, state.nodes.setAsideSince(at, node.tier));
}
