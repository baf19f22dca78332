/**
 * Would this node's build of it be of any use? What it may not build it is not given, nor what its operator or its network has had
 * its say about; and who builds something again is drawn, per operator.
 */
import { isIndependent, wantsVolunteers } from '../../shared/quorum.ts';
import { isDrawn } from '../../shared/trust/draw-operator.ts';
import type { TrustPolicy } from '../../shared/trust/policy.ts';
import { type OpenVote, openVotes, ruleOf } from './decide-build.ts';
import type { ForemanState } from './foreman-state.ts';
import type { Voice } from './operators.ts';
import { type BuildRow, WHOM } from './schema.ts';

/** A build and whose word about it would help. */
export interface Wanted {
  readonly build: BuildRow;
  readonly votes: readonly OpenVote[];
  readonly isForVolunteers: boolean;
  readonly policy: TrustPolicy;
}

export function wantedOf(state: ForemanState, build: BuildRow, now: number): Wanted {
  const policy = state.config.TRUST_POLICY;
  const votes = openVotes(state, build.requestHash, now);
  const isForVolunteers = build.whom !== WHOM.trusted && wantsVolunteers(votes, ruleOf(state, build.request), policy);
  return { build, votes, isForVolunteers, policy };
}

/** A trusted one after a volunteer's of the same operator is of use: it decides. */
export const isOfUse = (voice: Voice, { votes, isForVolunteers, policy }: Wanted): boolean =>
  voice.tier === 'trusted'
    ? !votes.some((vote) => vote.operator === voice.operator && vote.tier === 'trusted')
    : isForVolunteers && isIndependent(voice, votes, policy);

/** Of those whose build would be of use, is it this one's turn? `here`: nodes that may come for it. */
export function isItsTurn(voice: Voice, wanted: Wanted, here: () => readonly Voice[], now: number): boolean {
  const { build, votes } = wanted;
  if (voice.tier === 'trusted' || build.whom !== WHOM.another) return true;
  const able = here().filter((other) => other.tier !== 'trusted' && isOfUse(other, wanted));
  const waitedMs = now - Math.max(0, ...votes.map(({ at }) => at));
  return isDrawn(
    voice.operator,
    able.map(({ operator }) => operator),
    build.draw,
    waitedMs,
  );
}
