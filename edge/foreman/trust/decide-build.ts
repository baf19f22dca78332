/**
 * What the Foreman knows, brought before the rules: votes with what their operators have shown, the rule of the request, the size
 * of the farm (shared/trust/quorum.ts, shared/trust/policy.ts). And what follows where it does not suffice: who is to build it again.
 */
import type { Pins } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { canonical } from '../../../shared/request/canonical.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';
import { feedUrlsOf } from '../../../shared/trust/foreign-feeds.ts';
import { isProven, ruleFor, type TrustRule } from '../../../shared/trust/policy.ts';
import { type Decision, decide, type Farm, type Vote, wantsVolunteers } from '../../../shared/trust/quorum.ts';
import type { ForemanState } from '../foreman-state.ts';
import { type BuildRow, WHOM, type Whom } from '../schema.ts';

/** Equal for equal inputs: only votes about the same can be held against each other. */
export const inputsOf = ({ revision, imageBuilder, feeds }: Pins): string =>
  sha256Hex(canonical([revision, imageBuilder.sha256, feeds.map(({ name, sha256 }) => `${name} ${sha256}`).sort()]));

/** As things stand: a target may have been found to differ since the build was accepted. */
export function ruleOf(state: ForemanState, request: NormalizedRequest): TrustRule {
  const policy = state.config.TRUST_POLICY;
  const isKnown = state.reproducibility.isKnown(request.version, request.target, policy);
  return ruleFor(request, isKnown, policy);
}

/** For whom a new build is. */
export const firstFor = (state: ForemanState, request: NormalizedRequest): Whom =>
  FIRST[ruleOf(state, request).builders];

const FIRST = { trusted: WHOM.trusted, anyone: WHOM.anyone, opted_in: WHOM.optedIn } as const;

/**
 * How large the farm is, as far as it may build this. Of feeds to which few opted in, those few are who would agree with each other:
 * a quorum of them counts for no more than a quorum of a farm of their number.
 */
export const farmFor = ({ operators }: ForemanState, request: NormalizedRequest, now: number): Farm => ({
  // Where a trusted node has spoken nobody asks, and to tell reads every node.
  get activeOperators() {
    return operators.activeFor(feedUrlsOf(request), now);
  },
});

export const decideBuild = (state: ForemanState, build: BuildRow, now: number): Decision =>
  decide(
    openVotes(state, build.requestHash, now),
    ruleOf(state, build.request),
    state.config.TRUST_POLICY,
    farmFor(state, build.request, now),
  );

export type OpenVote = Vote & { readonly at: number };

/** Those that may decide still. */
export function openVotes(state: ForemanState, requestHash: string, now: number): OpenVote[] {
  const policy = state.config.TRUST_POLICY;
  return state.votes
    .ofBuild(requestHash)
    .map((vote) => ({ ...vote, isProven: isProven(state.operators.record(vote.operator), policy, now) }));
}

/** It goes back to the queue, undecided: for other volunteers as long as their words would help, else for a trusted node. */
export function awaitOthers(state: ForemanState, build: BuildRow, now: number): void {
  const votes = openVotes(state, build.requestHash, now);
  if (votes.length === 0) return;
  const rule = ruleOf(state, build.request);
  const isForVolunteers = wantsVolunteers(votes, rule, state.config.TRUST_POLICY);
  state.queue.assign(
    build.requestHash,
    isForVolunteers ? AGAIN[rule.builders] : WHOM.trusted,
    build.draw || crypto.randomUUID(),
  );
}

/**
 * The same, where a word about it was taken back, or counts no more. Of whom the first nodes were, nothing is left where it was the
 * only one.
 */
export function awaitAnew(state: ForemanState, build: BuildRow, now: number): void {
  if (state.votes.ofBuild(build.requestHash).length > 0) awaitOthers(state, build, now);
  else state.queue.assign(build.requestHash, firstFor(state, build.request), build.draw);
}

/** It is built of these inputs from now on, and is for those for whom it would be had nobody spoken of others. */
export function closeOthers(state: ForemanState, build: BuildRow, inputs: string, now: number): void {
  if (state.votes.closeOthers(build.requestHash, inputs)) awaitAnew(state, build, now);
}

const AGAIN = { ...FIRST, anyone: WHOM.another } as const;
