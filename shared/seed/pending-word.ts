/** The three words of the old API for a build that is not done: auc stops on any other. */
import type { BuildStatus } from '../build/build-state.ts';
import { BuildStep } from '../gen/asu/farm/v1/build_pb.js';

export type PendingWord = 'queue' | 'initialize' | 'building';

const WORDS: Readonly<Record<BuildStep, PendingWord>> = {
  [BuildStep.UNSPECIFIED]: 'initialize',
  [BuildStep.INIT]: 'initialize',
  [BuildStep.DOWNLOAD_IMAGEBUILDER]: 'initialize',
  [BuildStep.UNPACK_IMAGEBUILDER]: 'initialize',
  [BuildStep.CONTAINER_SETUP]: 'initialize',
  [BuildStep.VALIDATE_REVISION]: 'building',
  [BuildStep.VALIDATE_MANIFEST]: 'building',
  [BuildStep.CALCULATE_PACKAGES_HASH]: 'building',
  [BuildStep.BUILDING_IMAGE]: 'building',
  [BuildStep.SIGNING_IMAGES]: 'building',
};

/** A node newer than we are may be at a step that we do not know. */
export const pendingWord = (status: Extract<BuildStatus, { state: 'queued' | 'running' }>): PendingWord =>
  status.state === 'queued' ? 'queue' : (WORDS[status.step] ?? 'initialize');
