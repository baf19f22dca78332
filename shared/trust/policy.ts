/**
 * Who may build what, and whose word publishes it: one table of rules, the numbers in it, and the one setting by which an
 * operator makes it stricter. What would fail without a table is the reader: a rule that is spread over the queue, the leases and
 * the votes is one that nobody can check.
 */
import { z } from 'zod';
import { isPrivate, type NormalizedRequest } from '../request/normalize-request.ts';
import { isSnapshot } from '../upstream/branch.ts';

export type Condition = 'defaults' | 'foreign_feeds' | 'not_reproducible' | 'snapshot' | 'release';

export interface TrustRule {
  readonly condition: Condition;
  /**
   * `trusted`: nobody else is given it, and one trusted word publishes. `anyone`: a quorum of volunteers publishes as well.
   * `opted_in`: the same, of volunteers that fetch from all of its feeds (foreign-feeds.ts) and of no others.
   */
  readonly builders: 'trusted' | 'anyone' | 'opted_in';
}

/** The first whose condition holds is the one. Each request is a release or a snapshot, so one holds always. */
export const TRUST_RULES: readonly TrustRule[] = [
  { condition: 'defaults', builders: 'trusted' },
  { condition: 'not_reproducible', builders: 'trusted' },
  { condition: 'foreign_feeds', builders: 'opted_in' },
  { condition: 'snapshot', builders: 'anyone' },
  { condition: 'release', builders: 'anyone' },
];

const whole = (min: number, max: number, fallback: number) => {
  const message = `expected a whole number from ${min} to ${max}`;
  return z.int(message).min(min, message).max(max, message).default(fallback);
};

/** None of it can be set so that one volunteer alone decides. */
export const trustPolicySchema = z
  .strictObject({
    /** Operators that must agree, where one of them is proven. */
    operators: whole(2, 16, 2),
    /** The same where none of them is. */
    unproven_operators: whole(2, 16, 3),
    /** An operator is proven by so many images of its volunteers that others confirmed, over so many days. */
    proven_images: whole(1, 100_000, 10),
    proven_days: whole(1, 3_650, 30),
    /** With fewer operators of volunteers in the farm these publish nothing by themselves. */
    active_operators: whole(2, 100_000, 10),
    /** `false` where all nodes call from one network, and operators are distinct machines all the same. */
    distinct_networks: z.boolean().default(true),
    /** Equal images of distinct operators after which a target is known to be reproducible. */
    agreements: whole(1, 100_000, 5),
    /** Of so many orders to a volunteer one is a canary (checks.ts); 0 for none at all. */
    canary_one_in: whole(0, 1_000_000, 20),
    /** Of so many images that volunteers published one is built again by a trusted node; 0 for none. */
    rebuild_one_in: whole(0, 1_000_000, 10),
    /** Of those that are handed out most so many more a day. */
    rebuilds_a_day: whole(0, 1_000, 10),
    /** Targets whose reproducibility the operator has seen himself, as `24.10 x86/64`; `*` for every target or branch. */
    reproducible: z
      .array(
        z
          .string()
          .regex(
            /^(?:\*|SNAPSHOT|\d{2}\.\d{2}) (?:\*|[a-z0-9_]{1,64}\/[a-z0-9_-]{1,64})$/,
            'expected e.g. "24.10 x86/64"',
          ),
      )
      .max(256)
      .default([]),
    /** Conditions under which volunteers build nothing either. */
    trusted_only: z
      .array(z.enum(['snapshot', 'release', 'foreign_feeds']))
      .max(3)
      .default([]),
  })
  .refine((policy) => policy.unproven_operators >= policy.operators, {
    path: ['unproven_operators'],
    message: 'expected at least as many as "operators"',
  });
export type TrustPolicy = z.infer<typeof trustPolicySchema>;

/** What of a request its rule depends on, beside its target. */
export type Ruled = Pick<NormalizedRequest, 'version' | 'repositories' | 'defaultsMac'>;

const HOLDS: Readonly<Record<Condition, (request: Ruled, isReproducible: boolean) => boolean>> = {
  defaults: isPrivate,
  foreign_feeds: ({ repositories }) => repositories.length > 0,
  not_reproducible: (_, isReproducible) => !isReproducible,
  snapshot: ({ version }) => isSnapshot(version),
  release: ({ version }) => !isSnapshot(version),
};

const STRICTEST: TrustRule = { condition: 'not_reproducible', builders: 'trusted' };

/** `isReproducible`: is its target known to be? */
export function ruleFor(request: Ruled, isReproducible: boolean, policy: TrustPolicy): TrustRule {
  const rules = TRUST_RULES.filter(({ condition }) => HOLDS[condition](request, isReproducible));
  const [first = STRICTEST] = rules;
  // What comes with foreign feeds is of a release or of a snapshot all the same.
  return rules.some((rule) => asSet(rule, policy).builders === 'trusted') ? { ...first, builders: 'trusted' } : first;
}

/** The rule with what the operator made stricter. */
export const asSet = (rule: TrustRule, policy: TrustPolicy): TrustRule =>
  (policy.trusted_only as readonly string[]).includes(rule.condition) ? { ...rule, builders: 'trusted' } : rule;

/** `since`: when the operator's eldest node joined; milliseconds since 1970. */
export const isProven = (
  operator: { readonly confirmedImages: number; readonly since: number },
  policy: TrustPolicy,
  now: number,
): boolean =>
  operator.confirmedImages >= policy.proven_images && now - operator.since > policy.proven_days * 24 * 3_600_000;
