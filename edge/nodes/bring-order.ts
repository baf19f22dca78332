/**
 * Brings a node the order that the Foreman has for it. Nothing is tried twice: an order that could not be brought goes to whoever
 * asks, and one of which only the answer was lost is known by the node's reports. If this Worker dies in the middle, the lease
 * ends by its time.
 */
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import type { Errand } from '../foreman/leases/bring-orders.ts';
import { logError } from '../log.ts';
import { callableNode, tellCallFault } from './call-node.ts';
import { signOrder } from './sign-order.ts';

/** For `waitUntil`: it rejects never. `imageBuilder`: of the build that it is called for. */
export async function bringOrder(context: EdgeContext, nodeId: string, imageBuilder: string): Promise<void> {
  try {
    const errand = await foremanOf(context.env).orderToBring(nodeId, imageBuilder);
    if (!errand) return;
    const fault = await startBuild(context, errand);
    if (fault !== null) await foremanOf(context.env).notBrought(errand.order.leaseId, fault);
  } catch (error) {
    logError('bringing an order failed', { node: nodeId, error });
  }
}

/** Null where the node has taken it. */
async function startBuild(context: EdgeContext, { address, order }: Errand): Promise<string | null> {
  try {
    const { leaseId } = await callableNode(address).startBuild({ order: await signOrder(context, order) });
    return leaseId === order.leaseId ? null : 'what answers there speaks of another lease';
  } catch (error) {
    return tellCallFault(error);
  }
}
