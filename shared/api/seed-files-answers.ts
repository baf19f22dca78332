/** How the old API lists the files of a build. */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

export const seedFilesSchema = z
  .array(
    z.strictObject({
      name: z.string(),
      type: z.literal('file'),
      mtime: z
        .string()
        .describe('As in HTTP.')
        .meta({ examples: ['Tue, 24 Nov 2026 03:19:45 GMT'] }),
      size: z.int().min(0).describe('Bytes.'),
    }),
  )
  .describe('By name.');

export type SeedFiles = AnswerOf<typeof seedFilesSchema>;
