/**
 * Would this node's build of it be of any use? What it may not build it is not given, nor what its operator or its network has had
 * its say about.
 */
import { feedUrlsOf, fetchesFrom } from '../../../shared/trust/foreign-feeds.ts';
import type { TrustPolicy } from '../../../shared/trust/policy.ts';
import { isIndependent, wantsVolunteers } from '../../../shared/trust/quorum.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { Voice } from '../nodes/voices.ts';
import { type BuildRow, WHOM } from '../schema.ts';
import { type OpenVote, openVotes, ruleOf } from '../trust/decide-build.ts';

/** A build and whose word about it would help. */
export interface Wanted {
  readonly build: Pick<BuildRow, 'requestHash' | 'whom' | 'draw' | 'queuedAt'>;
  /** Of its foreign feeds. */
  readonly urls: readonly string[];
  readonly votes: readonly Pick<OpenVote, 'operator' | 'network' | 'tier' | 'at'>[];
  readonly isForVolunteers: boolean;
  readonly policy: TrustPolicy;
}

export function wantedOf(state: ForemanState, build: BuildRow, now: number): Wanted {
  const policy = state.config.TRUST_POLICY;
  const votes = openVotes(state, build.requestHash, now);
  const isForVolunteers = build.whom !== WHOM.trusted && wantsVolunteers(votes, ruleOf(state, build.request), policy);
  return { build, urls: feedUrlsOf(build.request), votes, isForVolunteers, policy };
}

/** A trusted one after a volunteer's of the same operator is of use: it decides. */
export const isOfUse = (voice: Voice, { urls, votes, isForVolunteers, policy }: Wanted): boolean =>
  fetchesFrom(voice, urls) &&
  (voice.tier === 'trusted'
    ? !votes.some((vote) => vote.operator === voice.operator && vote.tier === 'trusted')
    : isForVolunteers && isIndependent(voice, votes, policy));
