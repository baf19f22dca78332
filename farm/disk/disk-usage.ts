/**
 * The bytes that a file or a tree takes on the disk, as `du` counts them: blocks, since a sparse file takes less than it is
 * long, and a file with several names once. Walking it here would be led astray: a hostile build nests directories deeper than
 * a path can be long, and closes them to their own owner. It costs a process, so nobody asks it before each build.
 */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { findTool } from '../imagebuilder/host-tools.ts';

/** For a walk over more files than this takes there are the bounds of what must stay free. */
const TIMEOUT_MS = 60_000;

/** Null when it could not be counted, which is not the same as nothing. */
export async function diskUsage(place: string, signal?: AbortSignal): Promise<number | null> {
  const [du, unshare] = await Promise.all([findTool('du'), findTool('unshare')]);
  if (du === null) return null;
  const count = [du, '--summarize', '--one-file-system', '--block-size=1', '--', place];
  // Root of a user namespace may read what belongs to its user, whatever the mode says.
  const asRoot = process.getuid?.() === 0 || unshare === null ? [] : [unshare, '--user', '--map-root-user', '--'];
  const [file = du, ...args] = [...asRoot, ...count];
  const child = spawn(file, args, {
    signal,
    timeout: TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { LC_ALL: 'C' },
  });
  // Aborted, or not startable: what it has said until then is no sum.
  child.on('error', () => {});
  // It fails too when a file went away while it looked; the sum is then still that of the rest.
  const bytes = /^(\d+)\t/.exec(await text(child.stdout).catch(() => ''))?.[1];
  return bytes === undefined ? null : Number(bytes);
}

/** What is not there, or cannot be counted, is nothing. */
export const bytesOnDisk = async (place: string): Promise<number> => (await diskUsage(place)) ?? 0;
