/**
 * What a build says while it runs. The pipeline yields these; the agent turns them into reports and into a log. `succeeded`
 * or `failed` is always the last one, and there is exactly one of them.
 */

import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import type { Circumstances } from '../../shared/build/build-record.ts';
import type { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';

export type BuildEvent =
  | { readonly type: 'step'; readonly step: BuildStep; readonly bytesDone: number; readonly bytesTotal: number }
  /** Lines that were printed, as anybody may see them; none of a build with a first-boot script. */
  | { readonly type: 'log'; readonly lines: readonly string[] }
  | { readonly type: 'succeeded'; readonly result: BuildOutput }
  | { readonly type: 'failed'; readonly failure: BuildFailure };

/** A file in the build's output directory, as it is to be served (unsigned bytes). */
export interface OutputFile {
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface BuildOutput {
  readonly files: readonly OutputFile[];
  readonly images: readonly {
    readonly name: string;
    readonly type: string;
    readonly filesystem: string;
    readonly sha256: string;
    readonly sizeBytes: number;
  }[];
  /** ABI-free name → version. */
  readonly manifest: Readonly<Record<string, string>>;
  readonly profilesJson: string;
  readonly buildCommand: readonly string[];
  readonly circumstances: Circumstances;
  readonly durationMs: number;
}

export interface BuildFailure {
  readonly kind: BuildErrorKind;
  readonly detail: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly missingPackages: readonly string[];
  readonly conflictingPackages: readonly string[];
  readonly durationMs: number;
}
