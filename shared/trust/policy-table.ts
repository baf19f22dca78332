/** The rules in words, made of the rules themselves: what docs/trust.md shows is tested to be this. */
import { asSet, type Condition, TRUST_RULES, type TrustPolicy } from './policy.ts';

const REQUESTS: Readonly<Record<Condition, string>> = {
  defaults: 'with `defaults`',
  foreign_feeds: 'with foreign feeds (`repositories`)',
  not_reproducible: 'for a target that is not known to be reproducible',
  snapshot: 'of a snapshot',
  release: 'of a release',
};

/** Rows of: the request, who may build it, what it takes to publish. */
export function policyTable(policy: TrustPolicy): readonly (readonly [string, string, string])[] {
  return TRUST_RULES.map((rule) => {
    const { condition, builders } = asSet(rule, policy);
    const isForAll = builders === 'anyone';
    return [
      REQUESTS[condition],
      isForAll ? 'anyone' : 'trusted nodes',
      isForAll ? `1 trusted node, or ${quorum(policy)}` : '1 trusted node',
    ] as const;
  });
}

const quorum = (policy: TrustPolicy): string =>
  `${policy.operators} operators${policy.distinct_networks ? ' of as many networks' : ''} that agree, one of them proven; ` +
  `else ${policy.unproven_operators}`;
