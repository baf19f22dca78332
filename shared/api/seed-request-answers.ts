/** What the old API tells of a build: it is not done, or it is. */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

const requestHash = z
  .string()
  .regex(/^(?:[0-9a-f]{12}|[0-9a-f]{64})$/)
  .describe('What to poll for: 12 digits, or 64 where another request has the name that this one would have.')
  .meta({ examples: ['359a2afe0281'] });

export const seedPendingBuildSchema = z.strictObject({ request_hash: requestHash });

export const seedFinishedBuildSchema = z.strictObject({
  sysupgrade: z
    .string()
    .optional()
    .describe(
      'The image to flash: its name below `files`, or its URL where the request had a `subtarget`. Absent where the device has none.',
    ),
  files: z.string().describe('Where the files are listed.'),
  log: z.string(),
  request_hash: requestHash,
  image_hash: z.string().regex(/^[0-9a-f]{15}$/),
});

export type SeedPendingBuild = AnswerOf<typeof seedPendingBuildSchema>;
export type SeedFinishedBuild = AnswerOf<typeof seedFinishedBuildSchema>;
