/**
 * What a node says that it built, as an in-toto Statement v1 with SLSA provenance v1: which files came out of which inputs, for
 * which lease. Its bytes follow from the order and from what was uploaded, so the edge makes the statement that an honest node
 * would sign and compares (check-statement.ts); nothing that a node thought up can stand in one.
 */
import { z } from 'zod';
import type { Pins, StoredFile } from '../build/build-record.ts';
import { sha256Hex, utf8ToBytes } from '../crypto/digest.ts';
import { canonicalJson, type Json } from './canonical-json.ts';
import { hex64 } from './hex64.ts';
import { rebuildCommand } from './rebuild-command.ts';
import { type StatedRequest, statedRequestSchema } from './stated-request.ts';

export const IN_TOTO_TYPE = 'application/vnd.in-toto+json';
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PROVENANCE_TYPE = 'https://slsa.dev/provenance/v1';
/** URIs of ours name no place: whoever runs this server has one of their own. */
const FAILURE_TYPE = 'asu:build-failure:1';
const BUILD_TYPE = 'asu:imagebuilder:1';

/** No file of a build can be called so (OUTPUT_FILE has no colon). */
const MANIFEST_SUBJECT = 'asu:manifest';

/** One build of one node, as it was ordered. */
export interface OrderedBuild {
  readonly requestHash: string;
  readonly leaseId: string;
  readonly nodeId: string;
  readonly request: StatedRequest;
  readonly pins: Pins;
}

export interface BuiltOutput {
  readonly files: readonly Pick<StoredFile, 'name' | 'sha256'>[];
  /** ABI-free name → version. */
  readonly manifest: Readonly<Record<string, string>>;
  /** SOURCE_DATE_EPOCH, as the ImageBuilder's profiles.json says. */
  readonly sourceDateEpoch: number;
}

const digest = z.strictObject({ sha256: hex64 });
const word = z.string().max(2048);
const subjectSchema = z.strictObject({ name: z.string().min(1).max(256), digest });
/** The 128 files of a lease, and the manifest. */
export const subjectsSchema = z.array(subjectSchema).min(1).max(129);
export type Subject = z.infer<typeof subjectSchema>;

export const provenanceStatementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: subjectsSchema,
  predicateType: z.literal(PROVENANCE_TYPE),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: z.literal(BUILD_TYPE),
      externalParameters: z.strictObject({ request: statedRequestSchema }),
      internalParameters: z.strictObject({
        requestHash: hex64,
        revision: word,
        sourceDateEpoch: z.int().min(0),
        command: z.array(z.string().max(131_072)).max(16),
      }),
      resolvedDependencies: z
        .array(z.strictObject({ name: word, uri: word.optional(), digest }))
        .min(1)
        .max(65),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({ id: word }),
      metadata: z.strictObject({ invocationId: word }),
    }),
  }),
});
export type ProvenanceStatement = z.infer<typeof provenanceStatementSchema>;

export const builderId = (nodeId: string): string => `asu:node:${nodeId}`;

/** Of the packages and their versions, whatever the file is called and however an ImageBuilder writes it. */
export const manifestSha256 = (manifest: Readonly<Record<string, string>>): string =>
  sha256Hex(canonicalJson(manifest));

/** Files by name, then the manifest. */
export const subjectsOf = ({ files, manifest }: Pick<BuiltOutput, 'files' | 'manifest'>): Subject[] => [
  ...files
    .map(({ name, sha256 }) => ({ name, digest: { sha256 } }))
    .sort((one, other) => (one.name < other.name ? -1 : 1)),
  { name: MANIFEST_SUBJECT, digest: { sha256: manifestSha256(manifest) } },
];

/** The payload that a node signs when it has built. */
export const imageStatement = (build: OrderedBuild, output: BuiltOutput): Uint8Array =>
  payloadOf({
    subject: subjectsOf(output),
    predicateType: PROVENANCE_TYPE,
    predicate: {
      buildDefinition: definitionOf(build, { sourceDateEpoch: output.sourceDateEpoch }),
      runDetails: runOf(build),
    },
  });

/** The payload that a node signs when the request cannot be built: it is a vote as an image is, and may be a lie as well. */
export const failureStatement = (build: OrderedBuild, kind: string): Uint8Array =>
  payloadOf({
    subject: [{ name: 'asu:request', digest: { sha256: build.requestHash } }],
    predicateType: FAILURE_TYPE,
    predicate: { buildDefinition: definitionOf(build, {}), runDetails: runOf(build), failure: { kind } },
  });

const payloadOf = (statement: { readonly [name: string]: Json }): Uint8Array =>
  utf8ToBytes(canonicalJson({ _type: STATEMENT_TYPE, ...statement }));

const definitionOf = ({ request, requestHash, pins }: OrderedBuild, more: { readonly [name: string]: Json }): Json => ({
  buildType: BUILD_TYPE,
  externalParameters: { request: { ...request } },
  internalParameters: {
    requestHash,
    revision: pins.revision,
    command: rebuildCommand(request, requestHash),
    ...more,
  },
  resolvedDependencies: [
    { name: 'imagebuilder', uri: pins.imageBuilder.url, digest: { sha256: pins.imageBuilder.sha256 } },
    ...pins.feeds.map(({ name, sha256 }) => ({ name: `feed:${name}`, digest: { sha256 } })),
  ],
});

const runOf = ({ nodeId, leaseId }: OrderedBuild): Json => ({
  builder: { id: builderId(nodeId) },
  metadata: { invocationId: leaseId },
});
