/** A node asks for work: the build whose turn it is among those that it may take, pinned to what upstream is now. */
import { BuildError } from '../../../shared/build/build-error.ts';
import type { Pins } from '../../../shared/build/build-record.ts';
import { inOrderOfChoice } from '../../../shared/queue/choose-build.ts';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';
import type { ForemanState } from '../foreman-state.ts';
import { mayBeBrought } from '../nodes/callable-nodes.ts';
import { WhoIsHere } from '../nodes/who-is-here.ts';
import { mayPrebuild } from '../prebuilds/may-prebuild.ts';
import { cacheFailure, failBuild } from '../queue/end-build.ts';
import type { Candidate, Place, QueueClass } from '../queue/waiting-line.ts';
import { type BuildRow, type LeaseRow, type NodeRow, WHOM } from '../schema.ts';
import { closeOthers, inputsOf, ruleOf } from '../trust/decide-build.ts';
import { giveAgain } from './give-again.ts';
import { giveCanary } from './give-canary.ts';
import { giveIdle } from './give-idle.ts';
import { glanceOf } from './glance.ts';
import { isItsTurn } from './is-its-turn.ts';
import { isOfUse, wantedOf } from './is-of-use.ts';
import { hasAllItMay, mayTakeMore } from './lease-limits.ts';
import { type PinnedInputs, pinInputs, versionUrl } from './pins.ts';

/** Builds looked at together, and how many such pages down the queue to look for something that this node may take. */
const PAGE = 32;
const PAGES = 8;
const AGAIN_PAGES = 4;
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

/** Null where nothing in the queue is for this node now. */
export async function giveLease(
  state: ForemanState,
  node: NodeRow,
  ask: LeaseAsk,
  now: () => number,
): Promise<Order | null> {
  if (hasAllItMay(state, node)) return null;
  if (node.tier === 'trusted' && !ask.isBrought) {
    const dispute = await giveAgain(state, node, 'dispute', ask, now);
    if (dispute) return dispute;
  }
  const order = await giveFirst(state, node, 'asked for', ask, now);
  if (order !== null || ask.isBrought) return order === 'nothing more' ? null : order;
  // Before checks: prebuilds are of use for a day, and their time is limited. A small node would come to none of them.
  const prebuild = mayPrebuild(state, node, now()) ? await giveFirst(state, node, 'prebuilds', ask, now) : null;
  if (prebuild) return prebuild === 'nothing more' ? null : prebuild;
  return giveIdle(state, node, ask, now);
}

interface LeaseAsk {
  readonly idempotencyKey: string;
  readonly leaseId: string;
  readonly isBrought?: boolean;
}

/** The first of them that it may take. `nothing more`: meanwhile it was given all that it may have. */
async function giveFirst(
  state: ForemanState,
  node: NodeRow,
  queueClass: QueueClass,
  ask: LeaseAsk,
  now: () => number,
): Promise<Order | 'nothing more' | null> {
  const who = new WhoIsHere(state, now);
  for (const { requestHash } of candidatesFor(state, node, who, queueClass, now)) {
    const candidate = state.queue.byHash(requestHash);
    // Upstream was asked for another one meanwhile.
    if (candidate?.state !== 'queued') continue;
    if (ask.isBrought && !mayBeBrought(candidate)) continue;
    const wanted = wantedOf(state, candidate, now());
    if (!isOfUse(node, wanted)) {
      if (node.tier !== 'trusted') dropFromSight(state, candidate);
      continue;
    }
    if (!isItsTurn(state, node, wanted, who, now())) continue;
    const canary = await giveCanary(state, node, candidate, ask, now);
    if (canary) return canary;
    const inputs = await pinOrSettle(state, candidate, now);
    if (!inputs) continue;
    if (!mayTakeMore(state, node)) return 'nothing more';
    // While upstream was asked, its operator may have had its say by another of its nodes.
    const current = state.queue.byHash(requestHash);
    if (!current || !isOfUse(node, wantedOf(state, current, now()))) continue;
    const lease = state.leases.grant(
      candidate,
      node.id,
      { id: ask.leaseId, idempotencyKey: ask.idempotencyKey, pins: inputs.pins, upstreamDigest: inputs.upstreamDigest },
      now(),
    );
    if (!lease) continue;
    // While upstream was asked, somebody may have asked for it.
    const { turn } = state.queue.byHash(candidate.requestHash) ?? candidate;
    if (!isPrebuild({ turn })) {
      state.queue.turns.given(turn);
      if (lease.attempt === 1) state.phases.note('waiting', now() - candidate.enqueuedAt);
    }
    closeOthers(state, candidate, inputsOf(lease.pins), now());
    return orderOf(state, { ...candidate, attempts: lease.attempt }, lease);
  }
  return null;
}

/**
 * Page by page, since much of the head of a long queue may wait for others than this node. A volunteer looks first at what others
 * began, and at not much of it: however many such builds wait for operators that are not here, they do not hide the rest.
 */
function* candidatesFor(
  state: ForemanState,
  node: NodeRow,
  who: WhoIsHere,
  queueClass: QueueClass,
  now: () => number,
): Generator<Candidate> {
  const held = new Set(node.held);
  const glance = node.tier === 'trusted' ? null : glanceOf(state, node, who);
  for (const { whom, pages } of listsFor(node)) {
    let behind: Place | undefined;
    for (let page = 0; page < pages; page += 1) {
      const builds = state.queue.line.candidates(now(), whom, PAGE, behind, queueClass);
      const isLookedAt = glance?.(builds, now());
      for (const build of inOrderOfChoice(builds, held, now()))
        if (isLookedAt?.has(build.requestHash) !== false) yield build;
      behind = builds.at(-1);
      if (builds.length < PAGE) break;
    }
  }
}

/** Few nodes opted in to any feed, so these go for such builds first; what is for feeds of others must not hide the rest either. */
const listsFor = ({ tier, feeds }: NodeRow) =>
  tier === 'trusted'
    ? [{ whom: Object.values(WHOM), pages: PAGES }]
    : [
        { whom: [WHOM.another], pages: AGAIN_PAGES },
        ...(feeds !== null && feeds.length > 0 ? [{ whom: [WHOM.optedIn], pages: AGAIN_PAGES }] : []),
        { whom: [WHOM.anyone], pages: PAGES },
      ];

/** Volunteers would look at it in vain from now on, each of them each time: its target was found to differ since. */
function dropFromSight(state: ForemanState, build: BuildRow): void {
  if (ruleOf(state, build.request).builders === 'trusted')
    state.queue.assign(build.requestHash, WHOM.trusted, build.draw);
}

/** Null where the build could not be pinned; it was then postponed, or ended with the reason. */
async function pinOrSettle(state: ForemanState, build: BuildRow, now: () => number): Promise<PinnedInputs | null> {
  try {
    return await pinInputs(build.request, build.conditions, state.catalogue, state.config.UPSTREAM_URL);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    if (error.kind === 'upstream_unavailable' && build.pinFailures < MAX_PIN_FAILURES) {
      state.queue.postpone(build.requestHash, now());
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
