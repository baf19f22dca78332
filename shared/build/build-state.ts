/** Where a build is, as the Foreman tells it, and how that is spelled in the v1 API. */
import type { PendingBuild } from '../api/build-answers.ts';
import { BuildStep } from '../gen/asu/farm/v1/build_pb.js';
import { type WaitsFor, waitingDetail } from '../trust/waits-for.ts';
import type { FailureRecord, RequestEcho } from './build-record.ts';

interface Live {
  readonly requestHash: string;
  readonly echo: RequestEcho;
  /** Milliseconds since 1970. */
  readonly enqueuedAt: number;
  readonly etaSeconds: number;
}

export type BuildStatus =
  /** `position` counts unfinished builds accepted earlier; it never grows. */
  /** `ahead`: those of them that still wait, as far as their turn is before this one's. */
  /** `waitsFor`: what it takes beside a free node; absent where that is all. */
  | (Live & {
      readonly state: 'queued';
      readonly position: number;
      readonly ahead: number;
      readonly waitsFor?: WaitsFor;
    })
  | (Live & {
      readonly state: 'running';
      readonly step: BuildStep;
      /** Of the step's transfer; a total of 0 means there is none. */
      readonly bytesDone: number;
      readonly bytesTotal: number;
      /** Whose try it is, and under which name its log lies. Not for clients: files lie under it too. */
      readonly leaseId: string | null;
      /** What a private build prints is kept nowhere. */
      readonly isPrivate: boolean;
    })
  | { readonly state: 'done'; readonly requestHash: string; readonly generation: number }
  | { readonly state: 'failed'; readonly failure: FailureRecord };

/** A closed vocabulary: a word that LuCI does not know freezes its dialog. */
export const STEP_WORDS: Readonly<Record<BuildStep, string>> = {
  [BuildStep.UNSPECIFIED]: 'init',
  [BuildStep.INIT]: 'init',
  [BuildStep.DOWNLOAD_IMAGEBUILDER]: 'download_imagebuilder',
  [BuildStep.UNPACK_IMAGEBUILDER]: 'unpack_imagebuilder',
  [BuildStep.CONTAINER_SETUP]: 'container_setup',
  [BuildStep.VALIDATE_REVISION]: 'validate_revision',
  [BuildStep.VALIDATE_MANIFEST]: 'validate_manifest',
  [BuildStep.CALCULATE_PACKAGES_HASH]: 'calculate_packages_hash',
  [BuildStep.BUILDING_IMAGE]: 'building_image',
  [BuildStep.SIGNING_IMAGES]: 'signing_images',
};

export const stepWord = (step: BuildStep): string => STEP_WORDS[step] ?? 'init';

/** `2026-11-24T03:19:45.000000Z`: the peer's clients parse microseconds. */
export const timestamp = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** Body of a 202. A started build has no `queue_position` at all: clients read its presence as "still waiting". */
export function pendingBody(status: Extract<BuildStatus, { state: 'queued' | 'running' }>): PendingBuild {
  const common = {
    status: 202 as const,
    request_hash: status.requestHash,
    enqueued_at: timestamp(status.enqueuedAt),
    eta_seconds: status.etaSeconds,
    request: status.echo,
  };
  if (status.state === 'queued')
    return {
      ...common,
      detail: waitingDetail(status.waitsFor),
      imagebuilder_status: 'queued',
      queue_position: status.position,
    };
  return {
    ...common,
    detail: 'started',
    imagebuilder_status: stepWord(status.step),
    ...(status.bytesTotal > 0 && { progress: { bytes: status.bytesDone, total: status.bytesTotal } }),
  };
}
