/**
 * Keeps account of each node's faults (shared/node/node-faults.ts has the rules) and drains the one whose builds fail one after the
 * other: left alone it would be the first to take the next build, and the next.
 */
import type { BuildErrorKind } from '../../../shared/build/build-error.ts';
import { areTooManyHandBacks, NO_HAND_BACKS } from '../../../shared/node/hand-backs.ts';
import {
  areFew,
  areTooMany,
  canBeSpared,
  type FaultsInARow,
  has,
  isFault,
  lastFaultAt,
  toldFaults,
  withBlame,
  withFault,
  withoutBuild,
  withoutShared,
  withShared,
} from '../../../shared/node/node-faults.ts';
import { isHeard } from '../../../shared/node/node-state.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { LeaseRow, NodeRow } from '../schema.ts';
import { PRESENT_MS } from './nodes.ts';

/** Drained, and not heard of for so long: it has left the farm, and is no reason to spare another one. */
const LEFT_MS = 30 * 24 * 3_600_000;

/** A lease ended without a word about the request. Call before it ends: of one that is over this was noted already. */
export function noteFault(state: ForemanState, leaseId: string, kind: BuildErrorKind, now: number): void {
  const lease = state.leases.byId(leaseId);
  const node = lease?.state === 'active' ? state.nodes.byId(lease.nodeId) : undefined;
  if (!lease || !node) return;
  const { requestHash, grantedAt } = lease;
  state.nodes.tally(node.id, 'lost');
  const others = whoFailed(state, requestHash).filter(({ id }) => id !== node.id);
  for (const other of others)
    if (raisesDoubt(node, other)) keep(state, other, withShared(other.faults, requestHash), now);
  if (node.state !== 'active') return;
  const blame = others.some((other) => raisesDoubt(other, node)) ? 'shared' : 'alone';
  keep(state, node, withFault(node.faults, { requestHash, kind, at: now, blame }, grantedAt), now);
}

/**
 * A word about the request came in, whatever it was: the machine works. A word about a lease that is over, from before the last fault,
 * says nothing of the machine now, and could be said again after each fault.
 */
export function noteWord(state: ForemanState, { id, grantedAt }: LeaseRow): void {
  const lease = state.leases.byId(id);
  const node = lease && state.nodes.byId(lease.nodeId);
  if (node?.state !== 'active') return;
  if (lease?.state === 'active' && node.handBacks.n > 0) state.nodes.setHandBacks(node.id, NO_HAND_BACKS);
  if (node.faults.length === 0) return;
  if (lease?.state === 'active' || grantedAt >= lastFaultAt(node.faults)) state.nodes.setFaults(node.id, []);
}

/** The build is decided: who failed at it is to blame, but for those who came to the same end later. */
export function settleFaults(
  state: ForemanState,
  requestHash: string,
  rightNodeIds: ReadonlySet<string>,
  now: number,
): void {
  for (const node of whoFailed(state, requestHash)) {
    if (!has(node.faults, requestHash)) continue;
    const settled = rightNodeIds.has(node.id) ? withoutBuild : withBlame;
    keep(state, node, settled(node.faults, requestHash), now);
  }
}

/** The build ended without a decision. */
export function excuseFaults(state: ForemanState, requestHash: string, now: number): void {
  for (const node of whoFailed(state, requestHash))
    if (has(node.faults, requestHash)) keep(state, node, withoutShared(node.faults, requestHash), now);
}

function whoFailed(state: ForemanState, requestHash: string): NodeRow[] {
  const lost = state.leases.ofBuild(requestHash).filter(({ endReason }) => isFault(endReason));
  return [...new Set(lost.map(({ nodeId }) => nodeId))].flatMap((id) => state.nodes.byId(id) ?? []);
}

/**
 * That one failed as well, does it say that it may not be the other one's fault? Not where it is a stranger's and the other is
 * trusted, since it may have failed on purpose, nor where it is not believed any more.
 */
const raisesDoubt = (one: NodeRow, other: NodeRow): boolean =>
  isHeard(one.state) && (one.tier === 'trusted' || other.tier === 'volunteer');

/** With what follows from it. Who was drained for what was not its fault, and for too little else, builds again. */
function keep(state: ForemanState, node: NodeRow, faults: FaultsInARow, now: number): void {
  const put = (to: 'active' | 'draining', stateReason: string) =>
    state.nodes.put(node.id, to, { stateBy: 'foreman', stateReason, stateSince: now });
  if (node.state === 'active' && areTooMany(faults) && mayBeDrained(state, node, now))
    put('draining', toldFaults(faults));
  else if (
    node.state === 'draining' &&
    node.stateBy === 'foreman' &&
    areFew(faults) &&
    !areTooManyHandBacks(node.handBacks)
  )
    put('active', '');
  state.nodes.setFaults(node.id, faults);
}

/**
 * Only if enough nodes stay that are believed as much as this one: without trusted nodes nothing is decided. Whoever was drained
 * counts, though it be gone since: else a farm whose drained machines are switched off would lose half of the rest, and
 * half of that, until one is left.
 */
function mayBeDrained(state: ForemanState, node: NodeRow, now: number): boolean {
  const able = state.nodes
    .seenSince(now - PRESENT_MS)
    .filter((other) => other.id !== node.id && (node.tier !== 'trusted' || other.tier === 'trusted'));
  return canBeSpared(able.length, state.nodes.setAsideSince(now - LEFT_MS, node.tier));
}
