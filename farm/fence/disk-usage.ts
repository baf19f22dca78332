/**
 * The bytes that a directory takes on the disk, as `du` counts them. Walking it here would be led astray: a hostile build
 * nests directories deeper than a path can be long, and closes them to their own owner.
 */
import { execa } from 'execa';
import { findTool } from '../imagebuilder/host-tools.ts';

/** For a walk over more files than this takes there are the bounds of what must stay free. */
const TIMEOUT_MS = 60_000;

/** Null when it could not be counted, which is not the same as nothing. */
export async function diskUsage(directory: string, signal: AbortSignal): Promise<number | null> {
  const [du, unshare] = await Promise.all([findTool('du'), findTool('unshare')]);
  if (du === null) return null;
  const count = [du, '--summarize', '--one-file-system', '--block-size=1', '--', directory];
  // Root of a user namespace may read what belongs to its user, whatever the mode says.
  const asRoot = process.getuid?.() === 0 || unshare === null ? [] : [unshare, '--user', '--map-root-user', '--'];
  const [file = du, ...args] = [...asRoot, ...count];
  const counted = await execa(file, args, {
    reject: false,
    cancelSignal: signal,
    timeout: TIMEOUT_MS,
    stderr: 'ignore',
    env: { LC_ALL: 'C' },
  });
  // It fails too when a file went away while it looked; the sum is then still that of the rest.
  const bytes = /^(\d+)\t/.exec(counted.stdout ?? '')?.[1];
  return bytes === undefined ? null : Number(bytes);
}
