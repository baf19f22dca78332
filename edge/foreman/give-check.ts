/**
 * Gives a node a check to build: an order like any other, in the place of another. Nothing in it may tell the node that the answer is
 * known, or the one that lies now and then would not lie now. It bears the published build's name, since files are named after it,
 * and some of them hold their own name: under another one an honest node would make other bytes.
 */
import { BuildError } from '../../shared/build-error.ts';
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

/** Known images that are looked at for one order. */
const LOOKED_AT = 6;
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

/** To a trusted node: what waits for one. */
export async function giveAgain(
  state: ForemanState,
  node: NodeRow,
  kind: 'dispute' | 'rebuild',
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  for (let looked = 0; looked < LOOKED_AT; looked += 1) {
    const check = state.checks.next(kind);
    if (!check) return null;
    // The same machine again says less; if there is no other one it is asked all the same.
    if (kind === 'dispute' && check.knownNode === node.id && isOtherHere(state, node, now())) return null;
    const known = state.knownImages.of(check.requestHash);
    const build = known && published(state, known);
    if (!known || !build) {
      state.checks.end(check.id, 'unclear', now());
      continue;
    }
    const inputs = await pinned(state, known, build);
    if (inputs === 'moved') continue;
    if (!inputs || !mayTakeMore(state, node)) return null;
    const order = give(state, node, build, inputs, ask, now(), (given) => {
      return state.checks.give(check.id, given, now()) ? state.checks.byId(check.id) : undefined;
    });
    if (order) return order;
  }
  return null;
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
const isOrdinary = (state: ForemanState, _: KnownImage, { request }: BuildRow): boolean =>
  ruleOf(state, request).builders === 'anyone';

/** Once it was, its target may be for volunteers. One at a time: what the first one says may be enough. */
function measures(state: ForemanState, known: KnownImage, { request }: BuildRow): boolean {
  if (!isToMeasure(state, request)) {
    state.knownImages.measured(known);
    return false;
  }
  const { TRUST_POLICY: policy } = state.config;
  return !state.checks.isMeasured(known) && ruleFor(request, true, policy).builders === 'anyone';
}

async function giveFirst(
  state: ForemanState,
  node: NodeRow,
  candidates: Iterable<KnownImage>,
  isFit: (state: ForemanState, known: KnownImage, build: BuildRow) => boolean,
  ask: Ask,
  now: () => number,
): Promise<Order | null> {
  let looked = 0;
  for (const { requestHash: hash } of candidates) {
    looked += 1;
    if (looked > LOOKED_AT) break;
    // Upstream was asked for another one meanwhile.
    const known = state.knownImages.of(hash);
    if (known?.word !== 'trusted' || !isNewTo(state, node, known)) continue;
    const build = published(state, known);
    if (!build || !isFit(state, known, build)) continue;
    const inputs = await pinned(state, known, build);
    if (!inputs || inputs === 'moved') continue;
    if (!mayTakeMore(state, node)) return null;
    if (!isFit(state, known, build)) continue;
    const order = give(state, node, build, inputs, ask, now(), (given) => state.checks.addGiven(known, given, now()));
    if (order) return order;
  }
  return null;
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

/** The build, as long as it stands on somebody who is believed; else it is forgotten here. */
function published(state: ForemanState, known: KnownImage): BuildRow | undefined {
  const build = state.queue.byHash(known.requestHash);
  const stands = state.votes
    .rowsOf(known.requestHash)
    .some(
      ({ verdict, digest, inputs, tier, nodeId }) =>
        verdict === 'right' &&
        digest === known.digest &&
        inputs === known.inputs &&
        (tier === 'trusted' || known.word === 'quorum') &&
        isHeard(state.nodes.byId(nodeId)?.state ?? 'revoked'),
    );
  if (build?.state === 'done' && stands) return build;
  state.knownImages.remove(known.requestHash);
  return undefined;
}

/** `moved`: upstream has something else by now, and what is made of that is known to nobody. Null where it cannot be asked. */
async function pinned(state: ForemanState, known: KnownImage, build: BuildRow): Promise<PinnedInputs | 'moved' | null> {
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
