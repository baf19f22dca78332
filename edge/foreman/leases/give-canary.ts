/**
 * Gives a volunteer something to build of which the answer is known: in the place of an order that it would have got, so that it
 * cannot tell one from the other; when it comes to the farm; and where machines are to show whether they agree on a target.
 */
import { isCanaryDue } from '../../../shared/trust/checks.ts';
import { ruleFor } from '../../../shared/trust/policy.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { BuildRow, KnownImage, NodeRow } from '../schema.ts';
import { type Ask, giveOrder, type Published, pinned, published } from '../trust/check-order.ts';
import { inputsOf, ruleOf } from '../trust/decide-build.ts';
import { draw } from '../trust/draw.ts';
import { isToMeasure } from '../trust/note-published.ts';
import type { Order } from './give-lease.ts';
import { mayTakeMore } from './lease-limits.ts';

type Fitness = (state: ForemanState, node: NodeRow, published: Published) => boolean;

/** Known images that are looked at for one order. */
const LOOKED_AT = 6;

/** In the place of this build, which somebody else builds then: made by the same ImageBuilder, if there is such a one. */
export async function giveCanary(
  state: ForemanState,
  node: NodeRow,
  build: Pick<BuildRow, 'imageBuilder'>,
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  if (node.tier === 'trusted') return null;
  const isDue = isCanaryDue({ isNewcomer: isNewcomer(node), draw: draw() }, state.config.TRUST_POLICY);
  return isDue ? giveFirst(state, node, likely(state, node, build.imageBuilder), isOrdinary, ask, now) : null;
}

/** To one that has nothing else to do: it shows what it can, once, and measures targets. */
export async function giveIdleCanary(
  state: ForemanState,
  node: NodeRow,
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  if (state.config.TRUST_POLICY.canary_one_in === 0) return null;
  const toMeasure = await giveFirst(state, node, state.knownImages.drawnToMeasure(), measures, ask, now);
  if (toMeasure || !isNewcomer(node)) return toMeasure;
  return giveFirst(state, node, likely(state, node, ''), isOrdinary, ask, now);
}

const isNewcomer = ({ right }: NodeRow): boolean => right === 0;

/** Such as its next order is likely to be. */
function* likely({ knownImages }: ForemanState, { held }: NodeRow, imageBuilder: string): Generator<KnownImage> {
  if (imageBuilder !== '') yield* knownImages.drawn(imageBuilder);
  const one = held[Math.floor(draw() * held.length)];
  if (one !== undefined && one !== imageBuilder) yield* knownImages.drawn(one);
  yield* knownImages.drawn('');
}

/** Is it what volunteers are given? */
const isOrdinary: Fitness = (state, _, { build: { request } }) => ruleOf(state, request).builders === 'anyone';

/**
 * Once it was, its target may be for volunteers. One at a time: what the first one says may be enough; and nobody whose operator was
 * heard about it: a second word would not count.
 */
const measures: Fitness = (state, { operator }, { known, build: { request } }) => {
  if (!isToMeasure(state, request)) {
    state.knownImages.measured(known);
    return false;
  }
  const { TRUST_POLICY: policy } = state.config;
  return (
    !state.checks.isMeasured(known) &&
    !state.reproducibility.isHeard(known.branch, known.target, operator) &&
    ruleFor(request, true, policy).builders === 'anyone'
  );
};

async function giveFirst(
  state: ForemanState,
  node: NodeRow,
  candidates: Iterable<KnownImage>,
  isFit: Fitness,
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  let looked = 0;
  for (const { requestHash: hash } of candidates) {
    looked += 1;
    if (looked > LOOKED_AT) break;
    const riddle = riddleOf(state, node, hash, isFit);
    const inputs = riddle && (await pinned(state, riddle));
    if (!inputs || inputs === 'moved') continue;
    if (!mayTakeMore(state, node)) return null;
    // While upstream was asked it may have been taken back, be disputed, or have been given to another machine of the operator.
    const still = riddleOf(state, node, hash, isFit);
    if (!still || still.known.inputs !== inputsOf(inputs.pins)) continue;
    const order = giveOrder(state, node, still.build, inputs, ask, now(), (given) =>
      state.checks.addGiven(still.known, given, now()),
    );
    if (order) return order;
  }
  return null;
}

/** Something of which the answer is known, and not to this node. */
function riddleOf(state: ForemanState, node: NodeRow, requestHash: string, isFit: Fitness): Published | undefined {
  const known = state.knownImages.of(requestHash);
  if (known?.word !== 'trusted' || !isNewTo(state, node, known)) return undefined;
  const found = published(state, requestHash);
  return found && isFit(state, node, found) ? found : undefined;
}

/** Whoever is ordered the same twice knows that it is known; and that an operator agrees with itself says nothing. */
const isNewTo = (
  state: ForemanState,
  { operator }: NodeRow,
  { requestHash: hash, operator: maker }: KnownImage,
): boolean =>
  operator !== maker &&
  !state.checks.hadBy(operator, hash) &&
  !state.votes.rowsOf(hash).some((vote) => vote.operator === operator);
