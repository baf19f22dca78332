/**
 * Orders that are brought to a node instead of being asked for. What is given is chosen as for every node, and the lease is one
 * like any other; only how it begins is different: the order goes out from a Worker, and until the node reports nobody knows
 * whether it arrived. So as long as nothing was heard of it, its end is nobody's fault and no attempt at the build.
 */
import type { ForemanState } from '../foreman-state.ts';
import { isCalled } from '../nodes/callable-nodes.ts';
import { expired, handBack, loseLease } from '../queue/end-build.ts';
import type { Surroundings } from '../rounds.ts';
import type { LeaseRow } from '../schema.ts';
import { broughtKey, isUnheard } from './brought-lease.ts';
import { giveLease, type Order } from './give-lease.ts';
import { hasAllItMay } from './lease-limits.ts';

/** What a Worker is to do: bring this there. Plain data: it crosses an RPC. */
export interface Errand {
  readonly address: string;
  readonly order: Order;
}

/**
 * Null where the node is not to be called now, or nothing that waits is for it. `imageBuilder`: of what came, for those who are woken
 * instead.
 */
export async function orderToBring(
  state: ForemanState,
  nodeId: string,
  imageBuilder: string,
  { rooms, rounds, now }: Surroundings,
): Promise<Errand | null> {
  await rounds.untilSettled();
  const errand = await findErrand(state, nodeId, now);
  const node = state.nodes.byId(nodeId);
  // It was the best of those that wait, and would be called and woken in vain before all others.
  if (!errand || (node && hasAllItMay(state, node))) rooms.waiting.dismiss(nodeId);
  if (!errand) rooms.waiting.wakeSome(imageBuilder);
  else rooms.wakeForPassedOver(errand.order);
  await rounds.setAlarm();
  return errand;
}

async function findErrand(state: ForemanState, nodeId: string, now: () => number): Promise<Errand | null> {
  if (state.hold.refusal !== null) return null;
  const node = state.nodes.byId(nodeId);
  if (node?.state !== 'active' || !isCalled(node, now())) return null;
  const leaseId = crypto.randomUUID();
  const ask = { idempotencyKey: broughtKey(leaseId), leaseId, isBrought: true };
  const order = await giveLease(state, node, ask, now);
  return order && { address: node.address, order };
}

/**
 * The Worker could not bring it: it is for whoever asks, at once. The node itself asks anew, if it is there. Where it has spoken of the
 * order all the same, only the answer was lost.
 */
export async function notBrought(
  state: ForemanState,
  leaseId: string,
  fault: string,
  { rooms, rounds, now }: Surroundings,
): Promise<void> {
  const lease = state.leases.byId(leaseId);
  if (lease?.state === 'active' && isUnheard(lease)) {
    giveUp(state, lease, fault, now());
    rooms.dismiss(lease.nodeId);
    rooms.waiting.wakeSome(state.queue.byHash(lease.requestHash)?.imageBuilder ?? '');
  }
  await rounds.setAlarm();
}

/** A lease has come to its end. */
export function endExpired(state: ForemanState, lease: LeaseRow, now: number): void {
  if (isUnheard(lease)) giveUp(state, lease, 'nothing was heard of an order that was brought', now);
  else loseLease(state, lease, expired(lease, now), now);
}

function giveUp(state: ForemanState, lease: LeaseRow, fault: string, now: number): void {
  state.db.transaction(() => {
    handBack(state, lease, fault, now);
    const node = state.nodes.byId(lease.nodeId);
    if (node) state.callableNodes.failed(node, fault, now);
  });
}
