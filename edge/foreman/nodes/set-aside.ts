/**
 * What an operator does to a node, with all that follows from it, in one transaction: half of it would be a node that is
 * believed no more and whose votes still decide. What becomes of many builds may take a while longer (orphaned.ts).
 */
import { afterAction, isHeard, type NodeAction } from '../../../shared/node/node-state.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { DrainBehind, NodeRow } from '../schema.ts';
import { disownResults } from '../trust/withdraw.ts';
import { orphan, settleOrphaned } from './orphaned.ts';

export type ActionAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: 'unknown' | 'impossible'; readonly reason: string };

export function actOnNode(
  state: ForemanState,
  id: string,
  action: NodeAction,
  reason: string,
  now: number,
): ActionAnswer {
  return state.db.transaction((): ActionAnswer => {
    const node = state.nodes.byId(id);
    if (!node) return { ok: false, why: 'unknown', reason: 'there is no such node' };
    const after = afterAction({ state: node.state, isDrainBehind: node.drainBehind !== null }, action);
    if (!after.ok) return { ok: false, why: 'impossible', reason: after.reason };
    state.nodes.put(id, after.state, {
      // A liar that its operator quarantines as well stays one in the log.
      stateBy: after.state === 'quarantined' && node.state === 'quarantined' ? node.stateBy : 'operator',
      // Said again without a reason, it is for the one that was said.
      stateReason: after.state === 'active' ? '' : reason || (after.state === node.state ? node.stateReason : ''),
      stateSince: after.state === node.state ? node.stateSince : now,
      ...(action === 'release' && node.drainBehind),
      drainBehind: drainBehind(node, action),
    });
    if (!isHeard(after.state)) disown(state, id, `${after.state}: by an operator`, now);
    if (after.state === 'revoked') disownResults(state, id);
    return { ok: true };
  });
}

/**
 * What holds again once a quarantine is released. Kept when it is: said twice, since an answer was lost, it is to mean the
 * same. What the Foreman drained is not meant, since somebody has looked at it then.
 */
function drainBehind(node: NodeRow, action: NodeAction): DrainBehind | null {
  if (action === 'release') return node.drainBehind;
  if (action !== 'quarantine') return null;
  if (node.state === 'quarantined') return node.drainBehind;
  const isDrained = node.state === 'draining' && node.stateBy === 'operator';
  return isDrained ? { stateReason: node.stateReason, stateSince: node.stateSince } : null;
}

/** Its builds go elsewhere, without having spent an attempt, and what it said of undecided builds was never said. */
export function disown(state: ForemanState, nodeId: string, why: string, now: number): void {
  orphan(state, nodeId, why);
  settleOrphaned(state, now);
}
