/**
 * Who a node is: a one-time join token says on whose behalf a machine may join; a node certificate says, for a day, which
 * key speaks for which node. The Worker checks both without asking anybody, so a stranger never reaches the Foreman.
 */
import { z } from 'zod';
import { sha256Hex } from '../crypto/digest.ts';
import type { SigningKey } from '../crypto/ed25519.ts';
import { signText, verifyText } from '../crypto/signed-text.ts';

export const CERTIFICATE_LIFE_MS = 24 * 60 * 60 * 1000;

/** A token is given out by hand, so it may lie in somebody's mail for a while; who finds it there later finds nothing. */
export const MAX_TOKEN_LIFE_MS = 30 * 24 * 60 * 60 * 1000;

export const TIERS = ['trusted', 'volunteer'] as const;

/** On whose behalf a node works; as it stands in tables. */
export const OPERATOR_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

const tier = z.enum(TIERS);

const tokenSchema = z.object({
  /** Random; what makes the token one-time. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  operator: z.string().regex(OPERATOR_NAME),
  tier,
  expiresAt: z.int(),
});
export type JoinToken = z.infer<typeof tokenSchema>;

const certificateSchema = z.object({
  nodeId: z.string().regex(/^[0-9a-f]{64}$/),
  /** Raw Ed25519 key as 64 hex digits. */
  publicKey: z.string().regex(/^[0-9a-f]{64}$/),
  operator: z.string(),
  tier,
  expiresAt: z.int(),
});
export type NodeCertificate = z.infer<typeof certificateSchema>;

export type Verdict<Claim> =
  | { readonly ok: true; readonly claim: Claim }
  | { readonly ok: false; readonly reason: string };

export const nodeIdOf = (publicKey: Uint8Array): string => sha256Hex(publicKey);

export const signJoinToken = (edgeKey: SigningKey, token: JoinToken): Promise<string> =>
  signText(edgeKey, 'join-token', token);

export const signNodeCertificate = (edgeKey: SigningKey, certificate: NodeCertificate): Promise<string> =>
  signText(edgeKey, 'node-certificate', certificate);

export const verifyJoinToken = (edgeKey: Uint8Array, text: string, now: number): Promise<Verdict<JoinToken>> =>
  verifyClaim(edgeKey, 'join-token', text, now, tokenSchema);

export const verifyNodeCertificate = (
  edgeKey: Uint8Array,
  text: string,
  now: number,
): Promise<Verdict<NodeCertificate>> => verifyClaim(edgeKey, 'node-certificate', text, now, certificateSchema);

async function verifyClaim<Claim extends { expiresAt: number }>(
  edgeKey: Uint8Array,
  purpose: string,
  text: string,
  now: number,
  schema: z.ZodType<Claim>,
): Promise<Verdict<Claim>> {
  const called = purpose.replace('-', ' ');
  const claim = schema.safeParse(await verifyText(edgeKey, purpose, text));
  if (!claim.success) return { ok: false, reason: `the ${called} was not issued by this edge` };
  if (claim.data.expiresAt <= now) return { ok: false, reason: `the ${called} has expired` };
  return { ok: true, claim: claim.data };
}
