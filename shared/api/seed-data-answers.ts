/** What the old API tells beside its builds: what there is, what an image is, and numbers. */
import { z } from 'zod';
import type { AnswerOf } from './answer-of.ts';

const count = z.int().min(0);
const date = z.string().describe('ISO 8601.');
const target = z.string().meta({ examples: ['ath79/generic'] });
const subtarget = z.string().meta({ examples: ['generic'] });

export const seedDistrosSchema = z.array(
  z.strictObject({ name: z.string(), alias: z.string(), latest: z.string(), description: z.string() }),
);

export const seedDistributionsSchema = z.record(
  z.string(),
  z.strictObject({
    distro_alias: z.string(),
    latest: z.string(),
    distro_description: z.string(),
    versions: z.record(z.string(), z.strictObject({ version_description: z.string() })),
  }),
);

export const seedVersionsSchema = z
  .array(
    z.strictObject({
      distro: z.string(),
      version: z.string(),
      alias: z.string(),
      description: z.string(),
      snapshots: z.boolean().describe('Whether it changes every day.'),
    }),
  )
  .describe('Newest first.');

export const seedModelsSchema = z.array(
  z.strictObject({
    model: z.string(),
    target: target.describe('Whole, but without its subtarget where the query has a `subtarget`.'),
    subtarget,
    profile: z.string(),
    distro: z.string(),
    version: z.string(),
  }),
);

export const seedPackageNamesSchema = z.array(z.string()).describe('Sorted.');

export const seedPackagesSchema = z
  .strictObject({ packages: seedPackageNamesSchema })
  .describe('Where the query has a `subtarget`.');

export const seedImageSchema = z.strictObject({
  image_hash: z.string(),
  distro: z.string(),
  version: z.string(),
  target,
  subtarget,
  profile: z.string(),
  model: z.string(),
  manifest_hash: z.string(),
  defaults_hash: z.null().describe('Images with `defaults` are never told of.'),
  worker: z.string().describe('The name of the node that built it.'),
  build_date: date,
  build_seconds: count,
  sysupgrade: z.string().nullable().describe('Null where the device has no image to upgrade with.'),
  snapshots: z.boolean().describe('Whether its version changes every day.'),
  cache_hits: count.nullable().describe('Of 90 days; null while they cannot be told.'),
  files: z.string().describe('Where its files are listed.'),
  request_hash: z.string(),
});

export const seedManifestSchema = z.record(z.string(), z.string()).describe('Package name to version.');

export const seedPopularPackagesSchema = z
  .array(z.strictObject({ name: z.string(), count }))
  .describe('Most asked for first.');

export const seedPopularTargetsSchema = z
  .array(
    z.strictObject({
      target,
      count,
      build_seconds: count.nullable().describe('What its builds take on average; null where there were none lately.'),
    }),
  )
  .describe('Most asked for first.');

/** For which device, as lists of what was built and of what failed name it. */
const listedDevice = {
  distro: z.string(),
  distro_alias: z.string(),
  version: z.string(),
  version_alias: z.string(),
  target,
  subtarget,
  profile: z.string(),
  model: z.string(),
};

const listedImage = z.strictObject({
  image_id: count,
  image_hash: z.string(),
  ...listedDevice,
  manifest_hash: z.string(),
  build_date: date,
  build_seconds: count,
  snapshots: z.boolean(),
});

export const seedLatestImagesSchema = z.array(listedImage).describe('Newest first.');

const imageNumbers = {
  total: count.describe('Images ever built.'),
  stored: count.describe('The same: those that were removed since are counted as well.'),
  queued: count.describe('Builds that wait.'),
  last: listedImage.nullable().describe('The newest one.'),
};

export const seedImageNumbersSchema = z.strictObject(imageNumbers);

export const seedImageStatsSchema = z.strictObject({
  ...imageNumbers,
  requested: count.describe('`queued` under its older name.'),
});

export const seedLatestFailuresSchema = z
  .array(
    z.strictObject({
      ...listedDevice,
      request_status: z.string().describe('What went wrong, in a word.'),
      error: z.string(),
      request_date: date,
    }),
  )
  .describe('Newest first. Nothing in it tells who asked.');

export const seedPackageCountSchema = z.strictObject({ count });

export type SeedImage = AnswerOf<typeof seedImageSchema>;
export type SeedModels = AnswerOf<typeof seedModelsSchema>;
export type SeedPackages = AnswerOf<typeof seedPackagesSchema>;
export type SeedPopularPackages = AnswerOf<typeof seedPopularPackagesSchema>;
export type SeedPopularTargets = AnswerOf<typeof seedPopularTargetsSchema>;
export type SeedLatestImages = AnswerOf<typeof seedLatestImagesSchema>;
export type SeedImageNumbers = AnswerOf<typeof seedImageNumbersSchema>;
export type SeedImageStats = AnswerOf<typeof seedImageStatsSchema>;
export type SeedLatestFailures = AnswerOf<typeof seedLatestFailuresSchema>;
export type SeedPackageCount = AnswerOf<typeof seedPackageCountSchema>;
