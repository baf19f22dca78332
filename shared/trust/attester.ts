/**
 * Whose word an image was published on, as anybody may read it, and whether that is enough. Said again by whoever checks an image
 * years later: of those who vouched for it some may have been found out since.
 */
import { z } from 'zod';
import { TIERS } from '../node/node-identity.ts';
import { hex64 } from './hex64.ts';

export const attesterSchema = z.strictObject({
  /** Of the node: sha256 of its public key. */
  id: hex64,
  /** Raw Ed25519 key. */
  publicKey: hex64,
  tier: z.enum(TIERS),
  /** The same for two nodes of one operator; says nothing of who that is. */
  operator: z.string().regex(/^[0-9a-f]{16}$/),
});
export type Attester = z.infer<typeof attesterSchema>;

/** `trusted`: one trusted node suffices. `operators`: so many distinct ones have agreed. */
export const publishingRuleSchema = z.strictObject({
  rule: z.enum(['trusted', 'operators']),
  operators: z.int().min(1).max(64),
});
export type PublishingRule = z.infer<typeof publishingRuleSchema>;

/** By which of the two rules those who agreed decided. */
export function ruleOf(attesters: readonly Pick<Attester, 'tier' | 'operator'>[]): PublishingRule {
  return attesters.some(({ tier }) => tier === 'trusted')
    ? { rule: 'trusted', operators: 1 }
    : { rule: 'operators', operators: Math.max(1, operatorsOf(attesters)) };
}

/** Would they decide by it? A trusted node's word is enough under either. */
export const suffice = (
  attesters: readonly Pick<Attester, 'tier' | 'operator'>[],
  { rule, operators }: PublishingRule,
): boolean =>
  attesters.some(({ tier }) => tier === 'trusted') || (rule === 'operators' && operatorsOf(attesters) >= operators);

const operatorsOf = (attesters: readonly Pick<Attester, 'operator'>[]): number =>
  new Set(attesters.map(({ operator }) => operator)).size;
