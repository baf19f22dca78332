/** Every shape that the API's document names, and the schema behind it: the one that checks, or that types what we make. */
import type { z } from 'zod';
import { buildRequestSchema } from '../build-request.ts';
import {
  adminNodeSchema,
  adminNodesSchema,
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
  latestSchema,
  overviewSchema,
  packageVersionsSchema,
  profileSchema,
  revisionSchema,
  targetIndexSchema,
} from './catalogue-answers.ts';
import { healthSchema } from './health-answer.ts';
import { nodeListSchema } from './nodes-answers.ts';
import { errorKindSchema, problemSchema } from './problem.ts';
import { chartSchema, queueLengthSchema, summarySchema, topPackagesSchema } from './statistics-answers.ts';

export const COMPONENTS = {
  BuildRequest: buildRequestSchema,
  RequestEcho: requestEchoSchema,
  QueuedBuild: queuedBuildSchema,
  StartedBuild: startedBuildSchema,
  FinishedBuild: finishedBuildSchema,
  FailedBuild: failedBuildSchema,
  Problem: problemSchema,
  ErrorKind: errorKindSchema,
  Overview: overviewSchema,
  Branch: branchSchema,
  Branches: branchesSchema,
  Latest: latestSchema,
  TargetIndex: targetIndexSchema,
  PackageVersions: packageVersionsSchema,
  Profile: profileSchema,
  Revision: revisionSchema,
  QueueLength: queueLengthSchema,
  Summary: summarySchema,
  Chart: chartSchema,
  TopPackages: topPackagesSchema,
  NodeList: nodeListSchema,
  Health: healthSchema,
  JoinTokenRequest: tokenRequestSchema,
  JoinToken: joinTokenSchema,
  NodeAction: nodeActionSchema,
  AdminNode: adminNodeSchema,
  AdminNodes: adminNodesSchema,
} as const satisfies Record<string, z.ZodType>;

export type ComponentName = keyof typeof COMPONENTS;
