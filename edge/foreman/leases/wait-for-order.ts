/**
 * A node asks for work and waits until there is some for it, or its time is over. Everything may change while it waits: what is held
 * to be known of it from before would give builds to a node that was put out, or two of them for one question.
 */
import type { NodeStanding } from '../../../shared/node/node-state.ts';
import type { LeaseAnswer, Refused } from '../foreman-answers.ts';
import type { ForemanState } from '../foreman-state.ts';
import { type ToldOfNode, waitingAs } from '../nodes/nodes.ts';
import { handBack } from '../queue/end-build.ts';
import type { Surroundings } from '../rounds.ts';
import type { LeaseRow } from '../schema.ts';
import { giveLease, type Order, orderOf } from './give-lease.ts';
import { hasAllItMay } from './lease-limits.ts';
import type { Rooms } from './rooms.ts';

export interface LeaseQuestion extends ToldOfNode {
  readonly idempotencyKey: string;
  readonly waitMs: number;
  readonly knownStanding?: NodeStanding | null;
  readonly isStopping?: boolean;
}

/** A node that was told another standing than it has is answered at once. */
export async function waitForOrder(
  state: ForemanState,
  nodeId: string,
  ask: LeaseQuestion,
  { rooms, rounds, now }: Surroundings,
): Promise<LeaseAnswer | Refused> {
  await rounds.untilSettled();
  const until = now() + ask.waitMs;
  const { idempotencyKey, softwareVersion, slots, held, network, feeds } = ask;
  const more = { ...(network !== undefined && { network }), ...(feeds !== undefined && { feeds }) };
  const told = { softwareVersion, slots, held, ...more };
  // Or a build would be given to a question behind which nobody is any more, and wait for its lease to end.
  if (ask.isStopping) rooms.dismiss(nodeId);
  for (;;) {
    // Asked anew after each wait: the node may be revoked by now, or a second try of this call may have been faster.
    const node = state.nodes.present(nodeId, told, now());
    if ('refused' in node) return node;
    const standing = { state: node.state, reason: node.stateReason };
    const known = state.leases.byKey(nodeId, idempotencyKey);
    if (known) return { order: known.state === 'active' ? orderAgain(state, known) : null, standing };
    if (ask.isStopping) return { order: null, standing };
    const isOver = now() >= until || (ask.knownStanding ?? node.state) !== node.state;
    if (node.state !== 'active' || hasAllItMay(state, node) || state.hold.refusal !== null) {
      if (isOver) return { order: null, standing };
      const waited = await rooms.setAside.wait(until - now(), waitingAs(node, now()));
      if (waited === 'dismissed') return { order: null, standing };
      continue;
    }
    const { wakes } = rooms.waiting;
    const leaseId = crypto.randomUUID();
    const look = () => giveLease(state, node, { idempotencyKey, leaseId }, now);
    const [order, isDismissed] = await rooms.lookInto(nodeId, look);
    if (isDismissed) {
      if (order) takeBack(state, order, rooms, now());
      await rounds.setAlarm();
      return { order: null, standing };
    }
    rooms.wakeForPassedOver(order);
    // Something may have been given, or postponed.
    await rounds.setAlarm();
    if (order || isOver || now() >= until) return { order, standing };
    // What came while upstream was asked woke only those who waited then; and it may have been given another one.
    if (rooms.waiting.wakes !== wakes || hasAllItMay(state, node)) continue;
    const waited = await rooms.waiting.wait(until - now(), waitingAs(node, now()));
    if (waited === 'dismissed') return { order: null, standing };
  }
}

/** Nobody may be behind the question any more. */
function takeBack(state: ForemanState, { leaseId, requestHash }: Order, rooms: Rooms, now: number): void {
  handBack(state, { id: leaseId, requestHash }, 'its node did not wait for it', now);
  rooms.waiting.wakeSome(state.queue.byHash(requestHash)?.imageBuilder ?? '');
}

function orderAgain(state: ForemanState, lease: LeaseRow): Order | null {
  const build = state.queue.byHash(lease.requestHash);
  return build && (build.leaseId === lease.id || lease.checkId !== null) ? orderOf(state, build, lease) : null;
}
