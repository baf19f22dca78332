/** What operators of the farm ask and are told. Checked by these schemas on arrival, as everybody else's requests are. */
import { z } from 'zod';
import { judgeNodeAddress, MAX_NODE_ADDRESS } from '../node/node-address.ts';
import { MAX_TOKEN_LIFE_MS, OPERATOR_NAME, TIERS } from '../node/node-identity.ts';
import type { NodeState } from '../node/node-state.ts';
import type { AnswerOf } from './answer-of.ts';

const count = z.int().min(0);
const time = z.iso.datetime();
const STATES = ['active', 'draining', 'quarantined', 'revoked'] as const satisfies readonly NodeState[];

export const MAX_REASON = 200;

export const tokenRequestSchema = z.strictObject({
  operator: z
    .string()
    .regex(OPERATOR_NAME, 'expected letters, digits, "_", "." or "-", at most 64')
    .describe('On whose behalf the machine will work: one operator has one voice, however many machines.'),
  tier: z.enum(TIERS).describe('trusted: what it builds is published on its word alone.'),
  expires_seconds: z
    .int()
    .min(60)
    .max(MAX_TOKEN_LIFE_MS / 1000),
});

export const joinTokenSchema = z.strictObject({
  token: z.string().describe('For one machine, once. It is kept nowhere: who loses it asks for another one.'),
  operator: z.string(),
  tier: z.enum(TIERS),
  expires_at: time,
});

export const nodeActionSchema = z.strictObject({
  reason: z
    .string()
    .max(MAX_REASON)
    .regex(/^\P{C}*$/u, 'expected one line of text')
    .default('')
    .describe('Told to whoever runs the node.'),
});

export const callableNodeSchema = z.strictObject({
  url: z
    .string()
    .max(MAX_NODE_ADDRESS)
    .transform((text, context) => {
      const judged = judgeNodeAddress(text);
      if (judged.ok) return judged.address;
      context.addIssue({ code: 'custom', message: judged.reason });
      return z.NEVER;
    })
    .describe('https://host or https://host:port, where the node listens. http for loopback only.'),
});

export const adminNodeSchema = z.strictObject({
  id: z.string().describe('Sha256 of its public key.'),
  name: z.string(),
  operator: z.string(),
  tier: z.enum(TIERS),
  state: z.enum(STATES),
  reason: z.string(),
  since: time,
  by: z.enum(['operator', 'foreman']).describe('foreman: drained for faults of its own.'),
  software_version: z.string(),
  slots: count,
  running: count,
  image_builders: count.describe('That it has on disk, as far as it tells: the last used 64.'),
  right: count.describe('Of its results, those that were decided.'),
  images: count.describe('Of these, images.'),
  wrong: count.describe('Of its results, those against which another was decided.'),
  lost: count.describe('Leases of its own that ended without a word about the request.'),
  faults_in_a_row: count,
  address: z.string().describe('Where orders are brought to it; empty: it is not called, and asks for all of them.'),
  call_fault: z.string().describe('Why calling it failed the last time; empty: it did not.'),
  joined_at: time,
  last_seen_at: time,
});

export const adminNodesSchema = z.strictObject({
  nodes: z.array(adminNodeSchema).max(1_000).describe('By id.'),
  next: z.string().nullable().describe('For `after`, where there are more.'),
});

export const cancelledBuildSchema = z.strictObject({
  request_hash: z.string(),
  state: z.literal('cancelled').describe('Whoever polls for it is told so, and begins anew by asking again.'),
});

export type JoinTokenAnswer = AnswerOf<typeof joinTokenSchema>;
export type AdminNode = AnswerOf<typeof adminNodeSchema>;
export type CancelledBuild = AnswerOf<typeof cancelledBuildSchema>;
export type AdminNodes = AnswerOf<typeof adminNodesSchema>;
