/**
 * All that can be checked about one image, in one document: what `GET /api/v1/build/<hash>/provenance` answers and `asu verify`
 * reads. Signed by nobody itself; each part of it is.
 */
import { z } from 'zod';
import { dsseSchema } from './dsse.ts';
import { hex64 } from './hex64.ts';
import { MAX_ATTESTERS } from './summary.ts';

const envelope = dsseSchema.strict();

/** What is stored before the image can be fetched. */
const storedStatementsSchema = z.strictObject({
  request_hash: hex64,
  statements: z
    .array(envelope)
    .max(MAX_ATTESTERS)
    .describe(
      'What each node that vouches for the image signed: in-toto statements with SLSA provenance, in DSSE envelopes.',
    ),
  summary: envelope.describe('What the server signed: a SLSA verification summary.'),
  salt: hex64.optional().describe('Of an image with `defaults`: by it its record in the log can be told.'),
});
export type StoredStatements = z.infer<typeof storedStatementsSchema>;

/** Where in the log the image is. */
const loggedSchema = z.strictObject({
  sequence: z.int().min(1),
  record: envelope,
});
export type Logged = z.infer<typeof loggedSchema>;

export const provenanceSchema = z.strictObject({
  ...storedStatementsSchema.shape,
  log: loggedSchema.nullable().describe('Its record in the log; null for a moment after it was published.'),
});
export type Provenance = z.infer<typeof provenanceSchema>;
