/** Every shape that the API's document names, and the schema behind it: the one that checks, or that types what we make. */
import type { z } from 'zod';
import { buildRequestSchema } from '../request/build-request.ts';
import { seedRequestSchema } from '../seed/build-request-fields.ts';
import { dsseSchema } from '../trust/dsse.ts';
import { provenanceSchema } from '../trust/provenance.ts';
import {
  adminNodeSchema,
  adminNodesSchema,
  callableNodeSchema,
  cancelledBuildSchema,
  joinTokenSchema,
  nodeActionSchema,
  tokenRequestSchema,
} from './admin-answers.ts';
import {
  failedBuildSchema,
  finishedBuildSchema,
  queuedBuildSchema,
  requestEchoSchema,
  startedBuildSchema,
} from './build-answers.ts';
import {
  branchesSchema,
  branchSchema,
  devicesSchema,
  latestSchema,
  overviewSchema,
  packageVersionsSchema,
  profileSchema,
  revisionSchema,
  targetIndexSchema,
} from './catalogue-answers.ts';
import { healthSchema, liveSchema } from './health-answer.ts';
import { nodeListSchema } from './nodes-answers.ts';
import { errorKindSchema, problemSchema } from './problem.ts';
import { reproducibilitySchema } from './reproducibility-answers.ts';
import { seedUpgradeCheckSchema, seedUpgradeSchema } from './seed-check-answers.ts';
import {
  seedDistributionsSchema,
  seedDistrosSchema,
  seedImageNumbersSchema,
  seedImageSchema,
  seedImageStatsSchema,
  seedLatestFailuresSchema,
  seedLatestImagesSchema,
  seedManifestSchema,
  seedModelsSchema,
  seedPackageCountSchema,
  seedPackageNamesSchema,
  seedPackagesSchema,
  seedPopularPackagesSchema,
  seedPopularTargetsSchema,
  seedVersionsSchema,
} from './seed-data-answers.ts';
import { seedFilesSchema } from './seed-files-answers.ts';
import { seedProblemSchema } from './seed-problem.ts';
import { seedFinishedBuildSchema, seedPendingBuildSchema } from './seed-request-answers.ts';
import { chartSchema, queueLengthSchema, summarySchema, topPackagesSchema } from './statistics-answers.ts';

export const COMPONENTS = {
  BuildRequest: buildRequestSchema,
  RequestEcho: requestEchoSchema,
  QueuedBuild: queuedBuildSchema,
  StartedBuild: startedBuildSchema,
  FinishedBuild: finishedBuildSchema,
  FailedBuild: failedBuildSchema,
  Provenance: provenanceSchema,
  SignedEnvelope: dsseSchema,
  Problem: problemSchema,
  ErrorKind: errorKindSchema,
  Overview: overviewSchema,
  Branch: branchSchema,
  Branches: branchesSchema,
  Latest: latestSchema,
  Devices: devicesSchema,
  TargetIndex: targetIndexSchema,
  PackageVersions: packageVersionsSchema,
  Profile: profileSchema,
  Revision: revisionSchema,
  QueueLength: queueLengthSchema,
  Summary: summarySchema,
  Chart: chartSchema,
  TopPackages: topPackagesSchema,
  NodeList: nodeListSchema,
  Reproducibility: reproducibilitySchema,
  Health: healthSchema,
  Live: liveSchema,
  JoinTokenRequest: tokenRequestSchema,
  JoinToken: joinTokenSchema,
  NodeAction: nodeActionSchema,
  CallableNode: callableNodeSchema,
  AdminNode: adminNodeSchema,
  AdminNodes: adminNodesSchema,
  CancelledBuild: cancelledBuildSchema,
  SeedProblem: seedProblemSchema,
  SeedUpgradeCheck: seedUpgradeCheckSchema,
  SeedUpgrade: seedUpgradeSchema,
  SeedBuildRequest: seedRequestSchema,
  SeedPendingBuild: seedPendingBuildSchema,
  SeedFinishedBuild: seedFinishedBuildSchema,
  SeedFiles: seedFilesSchema,
  SeedImage: seedImageSchema,
  SeedManifest: seedManifestSchema,
  SeedDistros: seedDistrosSchema,
  SeedDistributions: seedDistributionsSchema,
  SeedVersions: seedVersionsSchema,
  SeedModels: seedModelsSchema,
  SeedPackageNames: seedPackageNamesSchema,
  SeedPackages: seedPackagesSchema,
  SeedPopularPackages: seedPopularPackagesSchema,
  SeedPopularTargets: seedPopularTargetsSchema,
  SeedImageNumbers: seedImageNumbersSchema,
  SeedImageStats: seedImageStatsSchema,
  SeedLatestImages: seedLatestImagesSchema,
  SeedLatestFailures: seedLatestFailuresSchema,
  SeedPackageCount: seedPackageCountSchema,
} as const satisfies Record<string, z.ZodType>;

export type ComponentName = keyof typeof COMPONENTS;
