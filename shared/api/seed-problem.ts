/** Every error of the old API: an object with the `error` that clients of then read, and what today's errors have. */
import { z } from 'zod';
import { errorKindSchema } from './problem.ts';

export const seedProblemSchema = z.strictObject({
  error: z.string().describe('A sentence for people.'),
  detail: z.string().describe('The same.'),
  status: z.int().min(400).max(599).describe('Equal to the HTTP status.'),
  error_kind: errorKindSchema.optional(),
  request_hash: z.string().optional().describe('Where the request has a name.'),
  log: z.string().optional().describe('Where the log of a build that failed can be read.'),
  files: z.string().optional().describe('Where the files of a build are listed that has no image to upgrade with.'),
});
