/** There is nothing for a node to build: what it may do for the farm's trust meanwhile. */

import type { ForemanState } from '../foreman-state.ts';
import type { NodeRow } from '../schema.ts';
import type { Ask } from '../trust/check-order.ts';
import { noteMostServed } from '../trust/note-most-served.ts';
import { giveAgain } from './give-again.ts';
import { giveIdleCanary } from './give-canary.ts';
import type { Order } from './give-lease.ts';

/** A trusted node builds again what volunteers published, as long as it is less than half busy; a volunteer with nothing at all a canary. */
export async function giveIdle(state: ForemanState, node: NodeRow, ask: Ask, now: () => number): Promise<Order | null> {
  const busy = state.leases.activeOf(node.id);
  if (node.tier !== 'trusted') return busy > 0 ? null : giveIdleCanary(state, node, ask, now);
  if (busy > 0 && busy * 2 >= node.slots) return null;
  noteMostServed(state, now());
  return giveAgain(state, node, 'rebuild', ask, now);
}
