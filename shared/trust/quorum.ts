/**
 * Whose word publishes: a pure decision over the votes about one build. One trusted node's word suffices. Volunteers' words
 * count together, one for each operator and network, and only about the same inputs; where they differ, a trusted node has to
 * say. Whatever is missing is said, and never made up for by less.
 */
import { type BuildErrorKind, isDeterministic } from '../build/build-error.ts';
import { UNKNOWN_NETWORK } from './network-of.ts';
import type { TrustPolicy, TrustRule } from './policy.ts';

export interface Vote {
  readonly leaseId: string;
  readonly operator: string;
  /** From where it was said (trust/network-of.ts). */
  readonly network: string;
  readonly tier: string;
  /** Has its operator shown for long that it builds what others build? (trust/policy.ts) */
  readonly isProven: boolean;
  /** Of what it was built: words about different inputs say nothing about each other. */
  readonly inputs: string;
  readonly verdict:
    | { readonly outcome: 'image'; readonly digest: string }
    | { readonly outcome: 'failure'; readonly kind: BuildErrorKind };
}

/** What the farm is like, as far as it matters here. */
export interface Farm {
  /** Operators of volunteers that may build it, of which at least one node was there lately. */
  readonly activeOperators: number;
}

export type Decision =
  /**
   * `independent`: words of volunteers that agree so far. `of`: how many it takes; null where only a trusted node can decide.
   */
  | { readonly decision: 'pending'; readonly independent: number; readonly of: number | null }
  /** Volunteers contradict each other. */
  | { readonly decision: 'disputed' }
  | Agreement;

export interface Agreement {
  readonly decision: 'agreed';
  readonly by: 'trusted' | 'quorum';
  /** The word that decided; of a quorum the first of those that say the same. */
  readonly vote: Vote;
  /** All that say the same of the same inputs, `vote` among them: who attests it. */
  readonly attesters: readonly Vote[];
}

/** `votes`: in the order in which they came. That order matters only between trusted nodes: their first word decides. */
export function decide(votes: readonly Vote[], rule: TrustRule, policy: TrustPolicy, farm: Farm): Decision {
  const words = votes.filter(isWord);
  const trusted = words.find(({ tier }) => tier === 'trusted');
  if (trusted) return agreed('trusted', trusted, words);

  const groups = byInputs(firstOfEach(words.filter(({ tier }) => tier === 'volunteer')));
  if (groups.some((group) => group.some((vote) => !saysTheSame(vote, group[0])))) return { decision: 'disputed' };
  const mayPublish = rule.builders !== 'trusted' && farm.activeOperators >= policy.active_operators;
  let most = { independent: 0, of: needed([], policy) };
  for (const group of groups) {
    const state = { independent: independent(group, policy), of: needed(group, policy) };
    const [first] = group;
    if (first && mayPublish && state.independent >= state.of) return agreed('quorum', first, words);
    if (state.independent > most.independent) most = state;
  }
  return { decision: 'pending', independent: most.independent, of: mayPublish ? most.of : null };
}

/**
 * Of how many volunteers it is worth asking. Also where they cannot publish: what they say about the same build is how they get
 * known, and how it is seen whether a target is reproducible.
 */
export function wantsVolunteers(votes: readonly Vote[], rule: TrustRule, policy: TrustPolicy): boolean {
  if (rule.builders === 'trusted') return false;
  const words = firstOfEach(votes.filter(isWord));
  if (words.some((vote) => vote.tier !== 'volunteer')) return false;
  return byInputs(words).every(
    (group) => group.every((vote) => saysTheSame(vote, group[0])) && independent(group, policy) < needed(group, policy),
  );
}

/** Would a vote from there add to what these say? */
export const isIndependent = (
  voter: Pick<Vote, 'operator' | 'network'>,
  votes: readonly Pick<Vote, 'operator' | 'network'>[],
  policy: TrustPolicy,
): boolean =>
  votes.every(
    (vote) => vote.operator !== voter.operator && !(policy.distinct_networks && vote.network === voter.network),
  );

/** A fault of ours is never a word about the request. */
const isWord = ({ verdict }: Vote): boolean => verdict.outcome === 'image' || isDeterministic(verdict.kind);

export const saysTheSame = (one: Vote, other: Vote | undefined): boolean =>
  one.verdict.outcome === 'image'
    ? other?.verdict.outcome === 'image' && one.verdict.digest === other.verdict.digest
    : other?.verdict.outcome === 'failure' && one.verdict.kind === other.verdict.kind;

const agreed = (by: 'trusted' | 'quorum', vote: Vote, words: readonly Vote[]): Decision => ({
  decision: 'agreed',
  by,
  vote,
  attesters: firstOfEach([vote, ...words]).filter((other) => other.inputs === vote.inputs && saysTheSame(other, vote)),
});

/** An operator has one voice, whatever the number of its nodes. */
function firstOfEach(votes: readonly Vote[]): Vote[] {
  const first = new Map<string, Vote>();
  for (const vote of votes) if (!first.has(vote.operator)) first.set(vote.operator, vote);
  return [...first.values()];
}

function byInputs(votes: readonly Vote[]): readonly (readonly Vote[])[] {
  const groups = new Map<string, Vote[]>();
  for (const vote of votes) {
    const group = groups.get(vote.inputs);
    if (group) group.push(vote);
    else groups.set(vote.inputs, [vote]);
  }
  return [...groups.values()];
}

/** Voices of one network are one; of those from nobody knows where each might be that one. */
function independent(votes: readonly Vote[], { distinct_networks: areDistinct }: TrustPolicy): number {
  if (!areDistinct) return votes.length;
  const networks = new Set(votes.map(({ network }) => network));
  return networks.delete(UNKNOWN_NETWORK) ? Math.max(networks.size, 1) : networks.size;
}

const needed = (votes: readonly Vote[], policy: TrustPolicy): number =>
  votes.some(({ isProven, network }) => isProven && (network !== UNKNOWN_NETWORK || !policy.distinct_networks))
    ? policy.operators
    : policy.unproven_operators;
