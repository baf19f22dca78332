/** The answers with numbers: how long the queue is, what was built, what is asked for. Approximate by design. */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

const count = z.int().min(0);

export const queueLengthSchema = z.strictObject({ queue_length: count });

export const summarySchema = z.strictObject({ queue_length: count, builds_24h: count });

/** As a chart wants it: one label and one number in each set per day or version. */
export const chartSchema = z.strictObject({
  labels: z.array(z.string()),
  datasets: z.array(z.strictObject({ label: z.string(), data: z.array(count), color: z.string().optional() })),
});

export const topPackagesSchema = z.strictObject({
  packages: z.array(z.strictObject({ name: z.string(), count })).describe('Most asked for first.'),
  branch: z.string().nullable(),
  days: z.int().min(1),
});

export type QueueLength = AnswerOf<typeof queueLengthSchema>;
export type Summary = AnswerOf<typeof summarySchema>;
export type Chart = AnswerOf<typeof chartSchema>;
export type TopPackages = AnswerOf<typeof topPackagesSchema>;
