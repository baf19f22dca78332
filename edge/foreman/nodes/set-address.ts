/** An operator says where a node is called, or that it is called no more. */
import type { ForemanState } from '../foreman-state.ts';
import { REVOKED } from './nodes.ts';
import type { ActionAnswer } from './set-aside.ts';

/** Where it answers has been seen by the Worker: here it is of this farm, or it is not. */
export function setAddress(state: ForemanState, id: string, address: string): ActionAnswer {
  const node = state.nodes.byId(id);
  if (!node) return { ok: false, why: 'unknown', reason: 'there is no such node' };
  if (node.state === 'revoked' && address !== '') return { ok: false, why: 'impossible', reason: REVOKED };
  state.callableNodes.putAddress(id, address);
  return { ok: true };
}
