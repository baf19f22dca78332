/**
 * The answers about what there is: versions, branches, package lists, profiles. Clients decide by them what to offer, and
 * carry a router's packages from one version to the next by `package_changes`.
 */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

export const packageVersionsSchema = z
  .record(z.string(), z.string())
  .describe('Package name, without its ABI version, to version.');

const packageChangeSchema = z.strictObject({
  source: z.string(),
  target: z.string().optional().describe('Absent: the package is gone.'),
  revision: z.int().describe('Revision of the main branch in which it happened.'),
  mandatory: z.literal(true).optional().describe('Applied by the server to every request.'),
});

export const branchSchema = z.strictObject({
  name: z.string().meta({ examples: ['24.10'] }),
  enabled: z.boolean(),
  snapshot: z.boolean().describe('Whether the branch itself can be asked for, as `24.10-SNAPSHOT`.'),
  path: z
    .string()
    .describe('Where its versions lie, upstream and below `/json/v1`.')
    .meta({ examples: ['releases/{version}'] }),
  path_packages: z.literal('DEPRECATED'),
  branch_off_rev: z.int().nullable().describe('Revision of the main branch where it was cut; null for main itself.'),
  package_changes: z.array(packageChangeSchema),
  versions: z.array(z.string()),
  targets: z.record(z.string(), z.string()).describe('Target to package architecture.'),
});

export const overviewSchema = z.strictObject({
  latest: z.array(z.string()).describe('Newest first.'),
  branches: z.record(z.string(), branchSchema),
  upstream_url: z.string(),
  server: z.strictObject({
    version: z.string(),
    contact: z.string(),
    allow_defaults: z.boolean().describe('Whether a request may have `defaults`.'),
    repository_allow_list: z.array(z.string()).describe('URL prefixes that `repositories` may have.'),
    max_custom_rootfs_size_mb: z.int().min(1),
    max_defaults_length: z.int().min(1).describe('Bytes.'),
  }),
});

export const branchesSchema = z.array(branchSchema);

export const latestSchema = z.strictObject({ latest: overviewSchema.shape.latest });

export const targetIndexSchema = z.strictObject({
  architecture: z.string(),
  packages: packageVersionsSchema.describe("The target's packages and the modules of its kernel."),
});

export const devicesSchema = z.strictObject({
  devices: z
    .record(z.string(), z.record(z.string(), z.array(z.string()).min(1)))
    .describe("Target to profile to the device's names, in the order of names.")
    .meta({ examples: [{ 'ath79/generic': { 'tplink_archer-c7-v2': ['TP-Link Archer C7 v2'] } }] }),
});

const words = z.array(z.string()).optional();

/** What upstream says of a device is passed on as it is; these are the fields that clients read. */
export const profileSchema = z.looseObject({
  id: z.string().optional().describe('The profile. Absent, as all else, where the target has no such device.'),
  build_at: z.string().optional(),
  version_number: z.string().optional(),
  version_code: z.string().optional(),
  target: z.string().optional(),
  arch_packages: z.string().optional(),
  default_packages: words,
  device_packages: words,
  supported_devices: words,
  titles: z.array(z.record(z.string(), z.string())).optional(),
  images: z.array(z.looseObject({ name: z.string(), type: z.string() })).optional(),
});

export const revisionSchema = z.strictObject({
  revision: z.string().meta({ examples: ['r28427-6df0e3d02a'] }),
});

export type OverviewBranch = AnswerOf<typeof branchSchema>;
export type Devices = AnswerOf<typeof devicesSchema>;
export type DeviceProfile = AnswerOf<typeof profileSchema>;
export type TargetIndex = AnswerOf<typeof targetIndexSchema>;
export type PackageVersions = AnswerOf<typeof packageVersionsSchema>;
export type Overview = AnswerOf<typeof overviewSchema>;
