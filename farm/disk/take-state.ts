/**
 * A state directory, made where it is not there, and taken. The first thing that a node, an edge or a stack does on a machine, and so the
 * place where a disk that is full, mounted read-only or somebody else's is met: told by its name and what to do, not by a trace of ours.
 */
import { mkdir } from 'node:fs/promises';
import { isDiskFull } from './disk-full.ts';
import { ForeignState, lockState, StateInUse } from './state-lock.ts';

/** It cannot be made, or not be written. */
export class StateUnusable extends Error {
  override readonly name = 'StateUnusable';
}

/** @throws StateUnusable; StateInUse and ForeignState as `lockState` */
export async function takeState(stateDirectory: string): Promise<Disposable> {
  try {
    await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
    return lockState(stateDirectory);
  } catch (error) {
    if (error instanceof StateInUse || error instanceof ForeignState) throw error;
    throw unusable(stateDirectory, error);
  }
}

/** What to throw for a fault of the file system or of SQLite there; everything else as it is. */
export function unusable(stateDirectory: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^(?:E[A-Z]+|SQLITE_\w+)$/.test(code)) return error;
  return new StateUnusable(
    `expected a state directory that can be made and written, got ${stateDirectory} (${code}): ${remedyOf(error, code)}`,
    { cause: error },
  );
}

function remedyOf(error: unknown, code: string): string {
  if (isDiskFull(error)) return 'make room on that disk, or choose another with --state';
  if (code === 'EEXIST' || code === 'ENOTDIR') return 'a file is in its way; choose another with --state';
  if (code === 'EACCES' || code === 'EPERM')
    return 'give it to the user that this runs as, or choose another with --state';
  // A recursive mkdir of Node.js says ENOENT where the system said EROFS.
  return 'is it, or what it lies in, mounted read-only or of another user? Or choose another with --state';
}
