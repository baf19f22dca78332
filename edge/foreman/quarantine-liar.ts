/**
 * A node whose word a trusted node contradicted is believed no more until somebody has looked at it, and what it said of builds that
 * are still undecided was never said. It may be broken and not lie; for what it makes that is the same.
 */
import { isHeard } from '../../shared/node-state.ts';
import type { Vote } from '../../shared/quorum.ts';
import type { ForemanState } from './foreman-state.ts';
import type { VoteRow } from './schema.ts';
import { disown } from './set-aside.ts';
import { disownResults } from './withdraw.ts';

export function quarantineLiar(
  state: ForemanState,
  { nodeId, requestHash }: VoteRow,
  measure: Vote,
  now: number,
): void {
  const node = state.nodes.byId(nodeId);
  if (!node || node.tier === 'trusted' || !isHeard(node.state)) return;
  const built = measure.verdict.outcome === 'image' ? 'made another image' : `said ${measure.verdict.kind}`;
  state.nodes.put(nodeId, 'quarantined', {
    stateBy: 'foreman',
    stateReason: `what it said of build ${requestHash} is not so: a trusted node ${built}`,
    stateSince: now,
  });
  disown(state, nodeId, 'quarantined: contradicted by a trusted node', now);
  disownResults(state, nodeId);
}
