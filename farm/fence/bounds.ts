/**
 * What one build may use, and how it is said that it used more. A build runs strangers' code: without bounds one of them
 * takes the memory, the processes or the disk of every other build and of the node itself.
 */
import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import { GIB, MIB } from '../../shared/text/byte-size.ts';

export interface Bounds {
  /** Of all its processes together; what several of them share is counted for each. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** Of its workspace. */
  readonly diskBytes: number;
  /** Must stay free in the file system of the workspace, for whoever uses it. */
  readonly freeBytes: number;
  /** Must stay free there too: files without content take these and no bytes. */
  readonly freeFiles: number;
  /** Must stay available in the machine: memory that no process shows (an unmapped memfd, a pipe's content) is seen only there. */
  readonly availableMemoryBytes: number;
}

export const defaultBounds = (machineMemoryBytes: number): Bounds => ({
  memoryBytes: Math.min(4 * GIB, Math.floor((machineMemoryBytes * 3) / 4)),
  processes: 2000,
  diskBytes: 16 * GIB,
  freeBytes: GIB,
  freeFiles: 10_000,
  availableMemoryBytes: Math.min(256 * MIB, Math.floor(machineMemoryBytes / 16)),
});

export type Bound = 'memory' | 'processes' | 'disk' | 'free space' | 'free files' | 'machine memory';

/** `got` is what was seen, `limit` the bound that it is beyond. */
export interface Overrun {
  readonly bound: Bound;
  readonly limit: number;
  readonly got: number;
}

/** The largest that were seen; a build shorter than a sample has used nothing. */
export interface Peaks {
  readonly memoryBytes: number;
  readonly processes: number;
  readonly diskBytes: number;
}

interface Row {
  readonly kind: BuildErrorKind;
  readonly expected: (limit: number) => string;
}

/** All of them our fault as far as a user is told: another machine may have room for the same build. */
const ROWS: Readonly<Record<Bound, Row>> = {
  memory: { kind: 'internal', expected: (limit) => `a build that uses at most ${limit} bytes of memory` },
  processes: { kind: 'internal', expected: (limit) => `a build of at most ${limit} processes` },
  disk: { kind: 'internal', expected: (limit) => `a build that writes at most ${limit} bytes` },
  'free space': { kind: 'disk_full', expected: (limit) => `at least ${limit} bytes to stay free on the disk` },
  'free files': { kind: 'disk_full', expected: (limit) => `room for at least ${limit} more files on the disk` },
  'machine memory': { kind: 'internal', expected: (limit) => `at least ${limit} bytes of memory to stay available` },
};

/** A build that was ended because it used more than it may. */
export class OverrunError extends Error {
  override readonly name = 'OverrunError';
  readonly overrun: Overrun;
  /** As what the user is to be told it. */
  readonly kind: BuildErrorKind;
  readonly peaks: Peaks;
  readonly stdout: string;
  readonly stderr: string;

  constructor(overrun: Overrun, peaks: Peaks, output: { readonly stdout: string; readonly stderr: string }) {
    const { kind, expected } = ROWS[overrun.bound];
    super(`expected ${expected(overrun.limit)}, got ${overrun.got}`);
    this.overrun = overrun;
    this.kind = kind;
    this.peaks = peaks;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
  }
}
