/** From what happened on the node to what the Foreman is told, field by field. */
import { create } from '@bufbuild/protobuf';
import {
  BuildFailedSchema,
  type BuildStep,
  BuildSucceededSchema,
  ProgressSchema,
} from '../../shared/gen/asu/farm/v1/build_pb.js';
import { HandedBackSchema, type LeaseReport } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import type { BuildFailure, BuildOutput } from './build-event.ts';

type ReportEvent = LeaseReport['event'];

export const progressReport = (now: { step: BuildStep; bytesDone: number; bytesTotal: number }): ReportEvent => ({
  case: 'progress',
  value: create(ProgressSchema, {
    step: now.step,
    bytesDone: BigInt(now.bytesDone),
    bytesTotal: BigInt(now.bytesTotal),
  }),
});

export const handedBackReport = (reason: string): ReportEvent => ({
  case: 'handedBack',
  value: create(HandedBackSchema, { reason }),
});

/** `statement`: signed (sign-statement.ts); none where the failure is no word about the request. */
export const failedReport = (failure: BuildFailure, statement: Uint8Array = new Uint8Array()): ReportEvent => ({
  case: 'failed',
  value: create(BuildFailedSchema, {
    kind: failure.kind,
    detail: failure.detail,
    stdout: failure.stdout,
    stderr: failure.stderr,
    missingPackages: [...failure.missingPackages],
    conflictingPackages: [...failure.conflictingPackages],
    durationMs: BigInt(Math.round(failure.durationMs)),
    statement,
  }),
});

export const succeededReport = (result: BuildOutput, statement: Uint8Array): ReportEvent => ({
  case: 'succeeded',
  value: create(BuildSucceededSchema, {
    files: result.files.map((file) => ({ name: file.name, sizeBytes: BigInt(file.sizeBytes), sha256: file.sha256 })),
    images: result.images.map((image) => ({
      name: image.name,
      type: image.type,
      filesystem: image.filesystem,
      sha256: image.sha256,
      sizeBytes: BigInt(image.sizeBytes),
    })),
    manifest: Object.entries(result.manifest)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, version]) => ({ name, version })),
    profilesJson: result.profilesJson,
    buildCommand: [...result.buildCommand],
    circumstances: result.circumstances,
    durationMs: BigInt(Math.round(result.durationMs)),
    statement,
  }),
});
