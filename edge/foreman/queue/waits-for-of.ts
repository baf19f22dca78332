/** What a waiting build takes beside a free node, by its votes and by who is there. For what is told; nothing is decided by it. */
import { feedUrlsOf, fetchesFrom } from '../../../shared/trust/foreign-feeds.ts';
import type { TrustPolicy } from '../../../shared/trust/policy.ts';
import { decide, isIndependent } from '../../../shared/trust/quorum.ts';
import type { WaitsFor } from '../../../shared/trust/waits-for.ts';
import type { ForemanState } from '../foreman-state.ts';
import type { Voice } from '../nodes/voices.ts';
import { type BuildRow, WHOM } from '../schema.ts';
import { farmFor, openVotes, ruleOf } from '../trust/decide-build.ts';

/** Absent where it waits for its turn alone. Most builds that wait are such, and cost one comparison. */
export function waitsForOf(state: ForemanState, build: BuildRow, now: number): WaitsFor | undefined {
  if (build.whom === WHOM.anyone) return undefined;
  const policy = state.config.TRUST_POLICY;
  const urls = feedUrlsOf(build.request);
  const { voices: everybody, active: activeOperators } = state.operators.lately(now);
  const isTrustedHere = everybody.some((voice) => voice.tier === 'trusted' && fetchesFrom(voice, urls));
  const votes = openVotes(state, build.requestHash, now);
  const farm = () => (urls.length === 0 ? { activeOperators } : farmFor(state, build.request, now));
  const isForTrusted = build.whom === WHOM.trusted;
  const decision = isForTrusted ? null : decide(votes, ruleOf(state, build.request), policy, farm());
  if (decision?.decision !== 'pending' || decision.of === null) {
    const hasBegun = votes.length > 0;
    // In its place as any other, that is, or there is no farm at all now.
    if (!hasBegun && (isTrustedHere || everybody.length === 0)) return undefined;
    return { kind: 'a trusted node', built: hasBegun, isHere: isTrustedHere };
  }
  const { independent: built, of } = decision;
  const mayAdd = (voice: Voice): boolean =>
    voice.tier !== 'trusted' && fetchesFrom(voice, urls) && isIndependent(voice, votes, policy);
  const isHere = isTrustedHere || areHere(of - built, everybody, mayAdd, policy);
  // Of foreign feeds, and in its place as any other.
  return votes.length === 0 && isHere ? undefined : { kind: 'operators', built, of, isHere };
}

/** So many that count each for one? Each poll asks, of a thousand nodes: no further than it takes to know. */
function areHere(
  many: number,
  voices: readonly Voice[],
  mayAdd: (voice: Voice) => boolean,
  policy: Pick<TrustPolicy, 'distinct_networks'>,
): boolean {
  const others = new Set<string>();
  for (const voice of voices) {
    if (others.size >= many) return true;
    if (mayAdd(voice)) others.add(policy.distinct_networks ? voice.network : voice.operator);
  }
  return others.size >= many;
}
