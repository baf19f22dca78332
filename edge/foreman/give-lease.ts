/** A node asks for work: the eldest build that it may take, pinned to what upstream is now. */
import { BuildError } from '../../shared/build-error.ts';
import type { Pins } from '../../shared/build-record.ts';
import { inOrderOfChoice } from '../../shared/choose-build.ts';
import { mayTake } from '../../shared/lease.ts';
import type { NormalizedRequest } from '../../shared/normalize-request.ts';
import { mayBeBrought } from './callable-nodes.ts';
import { inputsOf, ruleOf } from './decide-build.ts';
import { cacheFailure, failBuild } from './end-build.ts';
import type { ForemanState } from './foreman-state.ts';
import { isItsTurn, isOfUse, wantedOf } from './is-of-use.ts';
import type { Voice } from './operators.ts';
import { type PinnedInputs, pinInputs, versionUrl } from './pins.ts';
import type { Candidate, Place } from './queue.ts';
import { type BuildRow, type LeaseRow, type NodeRow, WHOM } from './schema.ts';

/** Builds looked at together, and how many such pages down the queue to look for something that this node may take. */
const PAGE = 32;
const PAGES = 8;
const AGAIN_PAGES = 4;
const POSTPONE_MS = 5_000;
/** After that the client is told that upstream does not answer, rather than kept waiting for ever. */
const MAX_PIN_FAILURES = 24;

/** All that the Worker needs to write and sign the order. Plain data: it crosses an RPC. */
export interface Order {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly requestHash: string;
  readonly intentHash: string;
  readonly attempt: number;
  readonly deadlineAt: number;
  readonly request: NormalizedRequest;
  readonly pins: Pins;
  readonly versionUrl: string;
  readonly sealedDefaults: string | null;
}

export function orderOf(state: ForemanState, build: BuildRow, lease: LeaseRow): Order {
  return {
    leaseId: lease.id,
    nodeId: lease.nodeId,
    requestHash: build.requestHash,
    intentHash: build.intentHash,
    attempt: lease.attempt,
    deadlineAt: lease.deadlineAt,
    request: build.request,
    pins: lease.pins,
    versionUrl: versionUrl(state.config.UPSTREAM_URL, build.request.version),
    sealedDefaults: build.sealedDefaults,
  };
}

/** As many builds as slots, by what is known here: one that is called has been brought orders while its question waited. */
export const isFull = (state: ForemanState, node: Pick<NodeRow, 'id' | 'address' | 'slots'>): boolean =>
  node.address !== '' && state.leases.activeOf(node.id) >= node.slots;

/** Null where nothing in the queue is for this node now. */
export async function giveLease(
  state: ForemanState,
  node: NodeRow,
  ask: { readonly idempotencyKey: string; readonly leaseId: string; readonly isBrought?: boolean },
  now: () => number,
): Promise<Order | null> {
  let known: readonly Voice[] | undefined;
  const here = (): readonly Voice[] => {
    known ??= state.operators.here(now());
    return known;
  };
  if (isFull(state, node)) return null;
  for (const { requestHash } of candidatesFor(state, node, now)) {
    const candidate = state.queue.byHash(requestHash);
    // Upstream was asked for another one meanwhile.
    if (candidate?.state !== 'queued') continue;
    if (ask.isBrought && !mayBeBrought(candidate)) continue;
    const wanted = wantedOf(state, candidate, now());
    if (!isOfUse(node, wanted)) {
      if (node.tier !== 'trusted') dropFromSight(state, candidate);
      continue;
    }
    if (!isItsTurn(node, wanted, here, now())) continue;
    // Those alone that could take it: a build must not wait for a node that will never be given it.
    const presentIds = () =>
      here()
        .filter((other) => isOfUse(other, wanted))
        .map((other) => other.id);
    if (!mayTake(node.id, state.leases.ofBuild(candidate.requestHash).filter(wasLost), presentIds)) continue;
    const inputs = await pinOrSettle(state, candidate, now);
    if (!inputs) continue;
    // It may have been set aside while upstream was asked.
    if (!state.nodes.mayBuild(node.id)) return null;
    // Or brought another order.
    if (isFull(state, node)) return null;
    const lease = state.leases.grant(
      candidate,
      node.id,
      { id: ask.leaseId, idempotencyKey: ask.idempotencyKey, pins: inputs.pins, upstreamDigest: inputs.upstreamDigest },
      now(),
    );
    if (!lease) continue;
    state.queue.turns.given(candidate.turn);
    state.queue.overtaking.started(now());
    state.votes.closeOthers(candidate.requestHash, inputsOf(lease.pins));
    return orderOf(state, { ...candidate, attempts: lease.attempt }, lease);
  }
  return null;
}

/**
 * Page by page, since much of the head of a long queue may wait for others than this node. A volunteer looks first at what others
 * began, and at not much of it: however many such builds wait for operators that are not here, they do not hide the rest.
 */
function* candidatesFor({ queue }: ForemanState, node: NodeRow, now: () => number): Generator<Candidate> {
  const held = new Set(node.held);
  for (const { whom, pages } of node.tier === 'trusted' ? FOR_TRUSTED : FOR_VOLUNTEERS) {
    let behind: Place | undefined;
    for (let page = 0; page < pages; page += 1) {
      const builds = queue.candidates(now(), whom, PAGE, behind);
      yield* inOrderOfChoice(builds, held, now());
      behind = builds.at(-1);
      if (builds.length < PAGE) break;
    }
  }
}

const FOR_TRUSTED = [{ whom: Object.values(WHOM), pages: PAGES }];
const FOR_VOLUNTEERS = [
  { whom: [WHOM.another], pages: AGAIN_PAGES },
  { whom: [WHOM.anyone], pages: PAGES },
];

/** Volunteers would look at it in vain from now on, each of them each time: its target was found to differ since. */
function dropFromSight(state: ForemanState, build: BuildRow): void {
  if (ruleOf(state, build.request).builders === 'trusted')
    state.queue.assign(build.requestHash, WHOM.trusted, build.draw);
}

const wasLost = (lease: LeaseRow): boolean => !lease.endReason?.startsWith('handed back');

/** Null where the build could not be pinned; it was then postponed, or ended with the reason. */
async function pinOrSettle(state: ForemanState, build: BuildRow, now: () => number): Promise<PinnedInputs | null> {
  try {
    return await pinInputs(build.request, build.conditions, state.catalogue, state.config.UPSTREAM_URL);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    if (error.kind === 'upstream_unavailable' && build.pinFailures < MAX_PIN_FAILURES) {
      state.queue.postpone(build.requestHash, now(), POSTPONE_MS);
      return null;
    }
    // While upstream was asked, another node may have taken it with a better answer, or a client without these conditions
    // may have joined; its submission wakes the nodes again.
    const current = state.queue.byHash(build.requestHash);
    const isAsked = JSON.stringify(current?.conditions) === JSON.stringify(build.conditions);
    if (current?.state === 'queued' && isAsked) await cacheFailure(state, failBuild(state, current, error, now()));
    return null;
  }
}
