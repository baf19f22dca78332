/**
 * A node gives a build back. Its word that it is not to blame is taken; but a volunteer that says so again and again is drained
 * (shared/node/hand-backs.ts), and what it gives back when its time is over was lost. The operator's own machines have no reason to.
 */
import { BuildError } from '../../../shared/build/build-error.ts';
import { areTooManyHandBacks, toldHandBacks, withHandBack } from '../../../shared/node/hand-backs.ts';
import type { ForemanState } from '../foreman-state.ts';
import { handBack, loseLease } from '../queue/end-build.ts';
import type { LeaseRow, NodeRow } from '../schema.ts';

export function takeHandBack(state: ForemanState, node: NodeRow, lease: LeaseRow, reason: string, now: number): void {
  if (lease.state !== 'active') return;
  const isVolunteer = node.tier !== 'trusted';
  if (isVolunteer && now > lease.deadlineAt) {
    loseLease(state, lease, new BuildError('timeout', undefined, { cause: `given back late: ${reason}` }), now);
    return;
  }
  state.db.transaction(() => {
    handBack(state, lease, reason, now);
    if (isVolunteer) noteHandBack(state, node.id, lease.grantedAt, now);
  });
}

function noteHandBack(state: ForemanState, nodeId: string, grantedAt: number, now: number): void {
  const node = state.nodes.byId(nodeId);
  if (!node) return;
  const handBacks = withHandBack(node.handBacks, grantedAt, now);
  state.nodes.setHandBacks(nodeId, handBacks);
  if (node.state === 'active' && areTooManyHandBacks(handBacks))
    state.nodes.put(nodeId, 'draining', {
      stateBy: 'foreman',
      stateReason: toldHandBacks(handBacks),
      stateSince: now,
    });
}
