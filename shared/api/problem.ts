/** Every error, of every route: an object whose `detail` is a string. LuCI and firmware-selector hang on anything else. */
import { z } from 'zod';
import { BUILD_ERRORS, type BuildErrorKind } from '../build/build-error.ts';
import type { AnswerOf } from './answer-of.ts';

export const errorKindSchema = z
  .enum(Object.keys(BUILD_ERRORS) as BuildErrorKind[])
  .describe('What went wrong, from a closed list; absent where the status says it all.');

export const problemSchema = z.strictObject({
  status: z.int().min(400).max(599).describe('Equal to the HTTP status.'),
  title: z.string().describe('The HTTP status in words.'),
  detail: z.string().describe('A sentence for people.'),
  error_kind: errorKindSchema.optional(),
  imagebuilder_status: z
    .literal('failed')
    .optional()
    .describe('With status 500: the build would fail, which was certain before it was made.'),
  reason: z.string().optional().describe('What is wrong upstream, for whoever can mend it.'),
  errors: z
    .array(
      z.strictObject({
        path: z.string().max(128).describe('The field, in dotted form; empty for the whole body.'),
        message: z.string(),
      }),
    )
    .min(1)
    .max(20)
    .optional()
    .describe('Every field that is outside its grammar.')
    .meta({ examples: [[{ path: 'packages.3', message: 'expected a package name, not a package file' }]] }),
});

export type Problem = AnswerOf<typeof problemSchema>;
