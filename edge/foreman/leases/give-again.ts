/**
 * Gives a trusted node what waits for one: builds about which somebody is to be found out (disputes), and such as volunteers published
 * (rebuilds).
 */
import { AGAIN_MS } from '../../../shared/node/lease.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { CheckRow, NodeRow } from '../schema.ts';
import { type Ask, giveOrder, type Published, pinned, published } from '../trust/check-order.ts';
import type { Order } from './give-lease.ts';
import { mayTakeMore } from './lease-limits.ts';

/** Checks that are looked at for one order. */
const LOOKED_AT = 64;
/** A trusted machine that is here may be busy for so long. */
const OTHER_PATIENCE_MS = 10 * 60_000;

/** What cannot be given to it now keeps nothing that stands behind it. */
export async function giveAgain(
  state: ForemanState,
  node: NodeRow,
  kind: 'dispute' | 'rebuild',
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  const notTold = new Set<string>();
  const isOtherHere = once(() => isOtherThan(state, node, now()));
  for (let looked = 0, behind = 0; looked < LOOKED_AT; looked += 1) {
    const check = state.checks.next(kind, behind);
    if (!check) return null;
    behind = check.id;
    if (!isForIt(node, check, isOtherHere, now())) continue;
    const waits = waiting(state, check, now());
    if (!waits || notTold.has(waits.build.request.version)) continue;
    const inputs = await pinned(state, waits);
    if (!inputs) notTold.add(waits.build.request.version);
    if (!mayTakeMore(state, node)) return null;
    // While upstream was asked it may have been taken back.
    const still = inputs && waiting(state, check, now());
    if (!still || inputs === 'moved') continue;
    const order = giveOrder(state, node, still.build, inputs, ask, now(), (given) => {
      return state.checks.give(check.id, given, now()) ? state.checks.byId(check.id) : undefined;
    });
    if (order) return order;
  }
  return null;
}

/**
 * Another machine than the one that made the known image says more, as long as one is here and has time for it; and another than the
 * one that has just let it go, which may be stopping.
 */
function isForIt(
  node: NodeRow,
  { kind, knownNode, nodeId, at }: CheckRow,
  isOtherHere: () => boolean,
  now: number,
): boolean {
  const waitedMs = now - at;
  if (nodeId === node.id && waitedMs < AGAIN_MS) return false;
  return kind !== 'dispute' || knownNode !== node.id || waitedMs >= OTHER_PATIENCE_MS || !isOtherHere();
}

/** What the check is about; where that stands no more, nothing is to be learnt. */
function waiting(state: ForemanState, { id, requestHash }: CheckRow, now: number): Published | undefined {
  const found = published(state, requestHash);
  if (!found && state.checks.byId(id)?.state === 'waiting') state.checks.end(id, 'unclear', now);
  return found;
}

const isOtherThan = (state: ForemanState, { id }: NodeRow, now: number): boolean =>
  state.operators.here(now).some((other) => other.tier === 'trusted' && other.id !== id);

/** All nodes that are here are gone through for it, and not once more for each check. */
function once(ask: () => boolean): () => boolean {
  let answer: boolean | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}
