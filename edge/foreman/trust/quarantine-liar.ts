/**
 * A node that was seen to lie is believed no more until somebody has looked at it, and what it said of builds that are still
 * undecided was never said. It may be broken and not lie; for what it makes that is the same. Trusted nodes are machines of the
 * farm's own operator, who is told of their faults in another way (node-faults.ts).
 */
import { isHeard } from '../../../shared/node/node-state.ts';
import type { ForemanState } from '../foreman-state.ts';
import { disown } from '../nodes/set-aside.ts';
import { disownResults } from './withdraw.ts';

/** `reason`: for the operator, and for whoever runs the node. */
export function quarantineLiar(state: ForemanState, nodeId: string, reason: string, now: number): void {
  const node = state.nodes.byId(nodeId);
  if (!node || node.tier === 'trusted' || !isHeard(node.state)) return;
  putOut(state, nodeId, { reason, why: 'it was seen to lie' }, now);
}

/** Whoever it is. `why`: for the leases that end by it. */
export function putOut(
  state: ForemanState,
  nodeId: string,
  { reason, why }: { readonly reason: string; readonly why: string },
  now: number,
): void {
  state.db.transaction(() => {
    state.nodes.put(nodeId, 'quarantined', { stateBy: 'foreman', stateReason: reason, stateSince: now });
    disown(state, nodeId, `quarantined: ${why}`, now);
    disownResults(state, nodeId);
  });
}
