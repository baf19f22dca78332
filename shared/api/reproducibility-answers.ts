/** Which targets come out the same wherever they are built: measured by what was built more than once. */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

const count = z.int().min(0);

export const reproducibilitySchema = z.strictObject({
  targets: z
    .array(
      z.strictObject({
        branch: z.string().describe('Such as `24.10`, or `SNAPSHOT`.'),
        target: z.string(),
        reproducible: z
          .boolean()
          .describe('It is known to be. While it is not, only trusted machines build for this target.'),
        agreed: count.describe('Images that distinct operators made equal, byte for byte, of the same inputs.'),
        unexplained: count.describe('Images that differed, and it is not known whose fault that is.'),
        explained: count.describe('Images of machines that were put out for them.'),
        measured_at: z.string().describe('When two were compared last.'),
      }),
    )
    .max(2_000)
    .describe('Targets of which something was built more than once, by branch and name.'),
});

export type ReproducibilityAnswer = AnswerOf<typeof reproducibilitySchema>;
