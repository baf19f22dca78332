/** Who builds: what everybody is told of the farm's nodes. Nothing of their machines, and nothing that would name anybody. */
import { z } from 'zod';
import { TIERS } from '../node/node-identity.ts';
import type { NodeStanding } from '../node/node-state.ts';
import type { AnswerOf } from './answer-of.ts';

const count = z.int().min(0);
const STANDINGS = ['active', 'draining', 'quarantined'] as const satisfies readonly NodeStanding[];

export const nodeListSchema = z.strictObject({
  nodes: z
    .array(
      z.strictObject({
        name: z.string().describe('As it chose to be called; names may repeat.'),
        tier: z.enum(TIERS),
        state: z.enum(STANDINGS).describe('draining: gets no new builds. quarantined: the same, and is not believed.'),
        present: z.boolean().describe('It was heard of within a minute.'),
        slots: count.describe('Builds that it runs at once.'),
        running: count,
        images: count.describe('Made by it, and found to be right.'),
      }),
    )
    .max(1_000)
    .describe('Heard of within a day, by name; the last thousand of them.'),
});

export type NodeList = AnswerOf<typeof nodeListSchema>;
