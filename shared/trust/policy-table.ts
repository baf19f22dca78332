/** The rules in words, made of the rules themselves: what docs/trust.md shows is tested to be this. */
import { asSet, type Condition, TRUST_RULES, type TrustPolicy, type TrustRule } from './policy.ts';

const REQUESTS: Readonly<Record<Condition, string>> = {
  defaults: 'with `defaults`',
  foreign_feeds: 'with foreign feeds (`repositories`)',
  not_reproducible: 'for a target that is not known to be reproducible',
  snapshot: 'of a snapshot',
  release: 'of a release',
};

const BUILDERS: Readonly<Record<TrustRule['builders'], string>> = {
  trusted: 'trusted nodes',
  anyone: 'anyone',
  opted_in: 'trusted nodes, and nodes that opted in to all of them',
};

/** Rows of: the request, who may build it, what it takes to publish. */
export function policyTable(policy: TrustPolicy): readonly (readonly [string, string, string])[] {
  return TRUST_RULES.map((rule) => {
    const { condition, builders } = asSet(rule, policy);
    const publishes = builders === 'trusted' ? '1 trusted node' : `1 trusted node, or ${quorum(policy)}`;
    const all = builders === 'opted_in' ? `${publishes}; all of them opted in` : publishes;
    return [REQUESTS[condition], BUILDERS[builders], all] as const;
  });
}

const quorum = (policy: TrustPolicy): string =>
  `${policy.operators} operators${policy.distinct_networks ? ' of as many networks' : ''} that agree, one of them proven; ` +
  `else ${policy.unproven_operators}`;
