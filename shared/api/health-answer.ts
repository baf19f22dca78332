/** The answer of `/healthz`: which part is up, which is down, and why. */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

const part = {
  up: z.boolean(),
  reason: z
    .string()
    .optional()
    .describe('Why it is down; of a part of ours in general words, and in the log of the server in its own.'),
};
const count = z.int().min(0);

export const healthSchema = z.strictObject({
  status: z.union([z.literal(200), z.literal(503)]),
  detail: z
    .enum(['up', 'degraded', 'down'])
    .describe('degraded: it answers, but no node builds, or upstream gives no good answer.'),
  parts: z.strictObject({
    kv: z.strictObject(part),
    object_store: z.strictObject({ ...part, kind: z.enum(['r2', 's3']) }),
    foreman: z.strictObject(part),
    upstream: z.strictObject({ ...part, url: z.string(), signatures: z.enum(['required', 'not required']) }),
    nodes: z.strictObject({ up: z.boolean(), present: count }),
  }),
  queue: z.strictObject({
    waiting: count,
    live: count.describe('Unfinished builds.'),
    running: count,
  }),
});

export type Health = AnswerOf<typeof healthSchema>;

export const liveSchema = z.strictObject({ status: z.literal(200), detail: z.literal('live') });

export type Live = AnswerOf<typeof liveSchema>;
