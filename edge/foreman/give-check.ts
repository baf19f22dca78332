/**
 * Gives a node a check to build: an order like any other, in the place of another. Nothing in it may tell the node that the answer is
 * known, or the one that lies now and then would not lie now. It bears the published build's name, since files are named after it,
 * and some of them hold their own name: under another one an honest node would make other bytes.
 */
import { BuildError } from '../../shared/build-error.ts';
import { AGAIN_MS } from '../../shared/lease.ts';
import { isHeard } from '../../shared/node-state.ts';
import { isCanaryDue } from '../../shared/trust/checks.ts';
import { ruleFor } from '../../shared/trust/policy.ts';
import type { Given } from './checks.ts';
import { inputsOf, ruleOf } from './decide-build.ts';
import { draw } from './draw.ts';
import type { ForemanState } from './foreman-state.ts';
import { type Order, orderOf } from './give-lease.ts';
import { hasAllItMay } from './lease-limits.ts';
import { noteMostServed } from './note-most-served.ts';
import { isToMeasure } from './note-published.ts';
import { type PinnedInputs, pinInputs } from './pins.ts';
import type { BuildRow, CheckRow, KnownImage, NodeRow } from './schema.ts';

interface Ask {
  readonly idempotencyKey: string;
  readonly leaseId: string;
}

/** Something known, and the build that made it. */
interface Published {
  readonly known: KnownImage;
  readonly build: BuildRow;
}

type Fitness = (state: ForemanState, node: NodeRow, published: Published) => boolean;

/** Known images that are looked at for one order; and checks that wait. */
const LOOKED_AT = 6;
const WAITING_LOOKED_AT = 64;
/** A trusted machine that is here may be busy for so long. */
const OTHER_PATIENCE_MS = 10 * 60_000;
const NO_CONDITIONS = { version_code: '', packages_versions: {} };

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

/**
 * There is nothing for it to build. A trusted node builds again what volunteers published, as long as it is less than half busy. A
 * volunteer shows what it can, once, and measures targets.
 */
export async function giveIdle(state: ForemanState, node: NodeRow, ask: Ask, now: () => number): Promise<Order | null> {
  const busy = state.leases.activeOf(node.id);
  if (node.tier === 'trusted') {
    if (busy > 0 && busy * 2 >= node.slots) return null;
    noteMostServed(state, now());
    return giveAgain(state, node, 'rebuild', ask, now);
  }
  if (busy > 0 || state.config.TRUST_POLICY.canary_one_in === 0) return null;
  const toMeasure = await giveFirst(state, node, state.knownImages.drawnToMeasure(), measures, ask, now);
  if (toMeasure || !isNewcomer(node)) return toMeasure;
  return giveFirst(state, node, likely(state, node, ''), isOrdinary, ask, now);
}

/** To a trusted node: what waits for one. What cannot be given to it now keeps nothing that stands behind it. */
export async function giveAgain(
  state: ForemanState,
  node: NodeRow,
  kind: 'dispute' | 'rebuild',
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  const notTold = new Set<string>();
  for (let looked = 0, behind = 0; looked < WAITING_LOOKED_AT; looked += 1) {
    const check = state.checks.next(kind, behind);
    if (!check) return null;
    behind = check.id;
    if (!isForIt(state, node, check, now())) continue;
    const waits = waiting(state, check, now());
    if (!waits || notTold.has(waits.build.request.version)) continue;
    const inputs = await pinned(state, waits);
    if (!inputs) notTold.add(waits.build.request.version);
    if (!mayTakeMore(state, node)) return null;
    // While upstream was asked it may have been taken back.
    const still = inputs && waiting(state, check, now());
    if (!still || inputs === 'moved') continue;
    const order = give(state, node, still.build, inputs, ask, now(), (given) => {
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
function isForIt(state: ForemanState, node: NodeRow, { kind, knownNode, nodeId, at }: CheckRow, now: number): boolean {
  const waitedMs = now - at;
  if (nodeId === node.id && waitedMs < AGAIN_MS) return false;
  return kind !== 'dispute' || knownNode !== node.id || waitedMs >= OTHER_PATIENCE_MS || !isOtherHere(state, node, now);
}

/** What the check is about; where that stands no more, nothing is to be learnt. */
function waiting(state: ForemanState, { id, requestHash }: CheckRow, now: number): Published | undefined {
  const found = published(state, requestHash);
  if (!found && state.checks.byId(id)?.state === 'waiting') state.checks.end(id, 'unclear', now);
  return found;
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
    const order = give(state, node, still.build, inputs, ask, now(), (given) =>
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

const isOtherHere = (state: ForemanState, { id }: NodeRow, now: number): boolean =>
  state.operators.here(now).some((other) => other.tier === 'trusted' && other.id !== id);

/** As long as it stands on somebody who is believed; else it is forgotten here. */
function published(state: ForemanState, requestHash: string): Published | undefined {
  const known = state.knownImages.of(requestHash);
  if (!known) return undefined;
  const build = state.queue.byHash(requestHash);
  const stands = state.votes
    .rowsOf(requestHash)
    .some(
      ({ verdict, digest, inputs, tier, nodeId }) =>
        verdict === 'right' &&
        digest === known.digest &&
        inputs === known.inputs &&
        (tier === 'trusted' || known.word === 'quorum') &&
        isHeard(state.nodes.byId(nodeId)?.state ?? 'revoked'),
    );
  if (build?.state === 'done' && stands) return { known, build };
  state.knownImages.remove(requestHash);
  return undefined;
}

/** `moved`: upstream has something else by now, and what is made of that is known to nobody. Null where it cannot be asked. */
async function pinned(state: ForemanState, { known, build }: Published): Promise<PinnedInputs | 'moved' | null> {
  try {
    const inputs = await pinInputs(build.request, NO_CONDITIONS, state.catalogue, state.config.UPSTREAM_URL);
    if (inputsOf(inputs.pins) === known.inputs) return inputs;
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    if (error.kind === 'upstream_unavailable') return null;
  }
  state.knownImages.remove(known.requestHash);
  return 'moved';
}

/** While upstream was asked it may have been set aside, or been given others. */
const mayTakeMore = (state: ForemanState, node: NodeRow): boolean =>
  state.nodes.mayBuild(node.id) && !hasAllItMay(state, node);

function give(
  state: ForemanState,
  node: NodeRow,
  build: BuildRow,
  { pins }: PinnedInputs,
  { idempotencyKey, leaseId }: Ask,
  now: number,
  take: (given: Given) => CheckRow | undefined,
): Order | null {
  return state.db.transaction(() => {
    if (state.leases.byKey(node.id, idempotencyKey)) return null;
    const check = take({ leaseId, nodeId: node.id, operator: node.operator });
    if (!check) return null;
    const lease = state.leases.grantCheck(check, node.id, { id: leaseId, idempotencyKey, pins }, now);
    return orderOf(state, build, lease);
  });
}
