/**
 * What the edge says of an image when it publishes it, as a SLSA verification summary (VSA) v1: whose statements it checked, and
 * by which rule they were enough. Who believes the edge's key need not know any node; who does not has the statements.
 */
import { z } from 'zod';
import { sha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import { type Attester, attesterSchema, type PublishingRule, publishingRuleSchema } from './attester.ts';
import { canonicalJson } from './canonical-json.ts';
import type { DsseEnvelope } from './dsse.ts';
import { hex64 } from './hex64.ts';
import { STATEMENT_TYPE, type Subject, subjectsSchema } from './statement.ts';

const SUMMARY_TYPE = 'https://slsa.dev/verification_summary/v1';
export const MAX_ATTESTERS = 64;

/** `asu_…`: members that SLSA leaves to whoever verifies. */
export const summarySchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: subjectsSchema,
  predicateType: z.literal(SUMMARY_TYPE),
  predicate: z.strictObject({
    verifier: z.strictObject({ id: z.string().max(128) }),
    timeVerified: z.iso.datetime(),
    resourceUri: z.string().max(128),
    policy: z.strictObject({ uri: z.string().max(128) }),
    inputAttestations: z.array(z.strictObject({ digest: z.strictObject({ sha256: hex64 }) })).max(MAX_ATTESTERS),
    verificationResult: z.literal('PASSED'),
    verifiedLevels: z.array(z.string().max(64)).max(8),
    slsaVersion: z.string().max(16),
    asu_attesters: z.array(attesterSchema).min(1).max(MAX_ATTESTERS),
    asu_rule: publishingRuleSchema,
  }),
});
export type Summary = z.infer<typeof summarySchema>;

export const imageUri = (requestHash: string): string => `asu:image:${requestHash}`;

/** By which a summary names a statement: of the envelope, however it is spelled. */
export const envelopeSha256 = ({ payloadType, payload, signatures }: DsseEnvelope): string =>
  sha256Hex(canonicalJson({ payloadType, payload, signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })) }));

/** The payload that the edge signs. */
export function summaryPayload(about: {
  readonly requestHash: string;
  /** The images and the manifest: what nodes have to agree about. Of the files beside them each states its own. */
  readonly subjects: readonly Subject[];
  readonly attesters: readonly Attester[];
  readonly rule: PublishingRule;
  readonly statements: readonly DsseEnvelope[];
  /** Of the edge's key. */
  readonly verifier: string;
  /** Milliseconds since 1970. */
  readonly verifiedAt: number;
}): Uint8Array {
  const { rule, statements, attesters } = about;
  // Level 1 is provenance by whoever built; a machine of somebody's is no hosted platform, whose word would be worth more.
  const isStated = statements.length === attesters.length;
  const summary: Summary = {
    _type: STATEMENT_TYPE,
    subject: [...about.subjects],
    predicateType: SUMMARY_TYPE,
    predicate: {
      verifier: { id: `asu:edge:${about.verifier}` },
      timeVerified: new Date(about.verifiedAt).toISOString(),
      resourceUri: imageUri(about.requestHash),
      policy: { uri: `asu:policy:${rule.rule}:${rule.operators}` },
      inputAttestations: statements.map((envelope) => ({ digest: { sha256: envelopeSha256(envelope) } })),
      verificationResult: 'PASSED',
      verifiedLevels: [isStated ? 'SLSA_BUILD_LEVEL_1' : 'SLSA_BUILD_LEVEL_UNEVALUATED'],
      slsaVersion: '1.0',
      asu_attesters: [...attesters],
      asu_rule: rule,
    },
  };
  return utf8ToBytes(canonicalJson(summary));
}
