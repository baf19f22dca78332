/**
 * The answers about a build: it waits, it runs, it is done, it failed. Field names and words are those that owut, auc, LuCI
 * and the firmware selector read; a word that LuCI does not know freezes its dialog.
 */
import { z } from 'zod';
import type { RequestEcho } from '../build/build-record.ts';
import { STEP_WORDS } from '../build/build-state.ts';
import { FILESYSTEMS } from '../request/grammar.ts';
import type { AnswerOf } from './answer-of.ts';
import { errorKindSchema } from './problem.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const requestHash = sha256.describe(
  'Names the build: the last part of the URL to poll, and `bin_dir` once it is done.',
);
const timestamp = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  .meta({ format: 'date-time', examples: ['2026-11-24T03:19:45.000000Z'] });
const enqueuedAt = timestamp.describe('When the build was accepted.');
const versions = z.record(z.string(), z.string());

export const requestEchoSchema = z
  .strictObject({
    distro: z.string(),
    version: z.string(),
    version_code: z.string(),
    target: z.string(),
    profile: z.string(),
    packages: z.array(z.string()),
    packages_versions: versions,
    diff_packages: z.boolean(),
    defaults: z.null().describe('Never told, for it may hold passwords.'),
    rootfs_size_mb: z.int().nullable(),
    filesystem: z.enum(FILESYSTEMS).nullable(),
    repositories: z.record(z.string(), z.string()),
    repositories_mode: z.enum(['append', 'replace']),
    repository_keys: z.array(z.string()),
    client: z.string().nullable(),
  } satisfies Record<keyof RequestEcho, z.ZodType>)
  .describe('What was asked, with its defaults filled in. A POST shows its own; a GET, that which started the build.');

const pending = {
  status: z.literal(202),
  request_hash: requestHash,
  enqueued_at: enqueuedAt,
  eta_seconds: z.int().min(0).describe('An estimate, made from what recent builds took.'),
  request: requestEchoSchema,
};

export const queuedBuildSchema = z.strictObject({
  ...pending,
  detail: z
    .string()
    .describe(
      '`queued`; or, in a sentence, what it waits for beside a free machine: others to verify it, or a trusted one.',
    ),
  imagebuilder_status: z.literal('queued'),
  queue_position: z.int().min(0).describe('Unfinished builds that were accepted earlier. It never grows.'),
});

export const startedBuildSchema = z
  .strictObject({
    ...pending,
    detail: z.literal('started'),
    imagebuilder_status: z.enum([...new Set(Object.values(STEP_WORDS))]).describe('What the node is doing.'),
    progress: z
      .strictObject({ bytes: z.int().min(0), total: z.int().min(1) })
      .optional()
      .describe('Of a download.'),
  })
  .describe('It has no `queue_position`: clients read its presence as "still waiting".');

const ofBuild = {
  images: z.array(
    z.strictObject({
      name: z.string().describe('The file is at `/store/{bin_dir}/{name}`.'),
      type: z.string(),
      filesystem: z.string(),
      sha256,
      sha256_unsigned: sha256.describe('Of the file without a signature at its end; it has none, so both are equal.'),
      size: z.int().min(1).describe('Bytes.'),
    }),
  ),
  bin_dir: sha256,
  manifest: versions.describe('Every package in the image and its version; names without ABI versions.'),
  build_cmd: z.array(z.string()),
  build_cmd_packages: z.string(),
  request_hash: requestHash,
  enqueued_at: enqueuedAt,
};

const ofDevice = {
  version_number: z.string(),
  version_code: z.string().describe('Revision of the ImageBuilder.'),
  build_at: timestamp.describe('`source_date_epoch` as a date.'),
  id: z.string().describe('The profile.'),
  target: z.string(),
  arch_packages: z.string(),
  titles: z.array(z.record(z.string(), z.string())),
  supported_devices: z.array(z.string()),
  image_prefix: z.string(),
  source_date_epoch: z.int(),
  default_packages: z.array(z.string()),
  device_packages: z.array(z.string()),
  linux_kernel: z.record(z.string(), z.string()).optional(),
  metadata_version: z.literal(1),
  detail: z.literal('done'),
  imagebuilder_status: z.literal('done'),
  status: z.literal(200),
};

export const finishedBuildSchema = z.strictObject({ request: requestEchoSchema, ...ofBuild, ...ofDevice });

const log = z.string().min(1).optional();

export const failedBuildSchema = z.strictObject({
  request: requestEchoSchema,
  detail: z.string().meta({ examples: ['Error: Impossible package selection: missing (nosuch)'] }),
  status: z.literal(500),
  imagebuilder_status: z.literal('failed'),
  request_hash: requestHash,
  enqueued_at: enqueuedAt,
  error_kind: errorKindSchema,
  stdout: log.describe('The end of what the ImageBuilder wrote; absent when there is nothing.'),
  stderr: log,
});

export type PendingBuild = AnswerOf<typeof queuedBuildSchema> | AnswerOf<typeof startedBuildSchema>;
export type FinishedBuild = AnswerOf<typeof finishedBuildSchema>;
export type FailedBuild = AnswerOf<typeof failedBuildSchema>;
/** The two parts of a finished build that are kept apart as text. */
export type OfBuild = Pick<FinishedBuild, keyof typeof ofBuild>;
export type OfDevice = Pick<FinishedBuild, keyof typeof ofDevice>;
