/**
 * Pipes of the kernel, for a child's streams. Node.js has no word for pipe(2): its own pipes to a child are sockets, and a
 * script that opens /dev/stderr fails on one. So they are made by mkfifo, some at once, since to start a program costs a node
 * more than all else that it does around a build; they lose their names at once, and wait here for who needs them.
 */
import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { BuildError } from '../../shared/build/build-error.ts';

/** Both ends are the taker's to close. */
export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** For eight commands. */
const AT_ONCE = 16;

const spares: Pipe[] = [];

/**
 * @param directory where they may be made; nothing of them is there afterwards, but whoever has one sees its path
 * @throws BuildError `disk_full`; Error where they cannot be made
 */
export async function takePipe(directory: string): Promise<Pipe> {
  for (;;) {
    const spare = spares.pop();
    if (spare !== undefined) return spare;
    spares.push(...(await makePipes(directory)));
  }
}

async function makePipes(directory: string): Promise<Pipe[]> {
  // No name of a lease: nobody who looks for workspaces takes it for one.
  const place = await mkdtemp(path.join(directory, '.pipes-'));
  const made: Pipe[] = [];
  try {
    const files = Array.from({ length: AT_ONCE }, (_, at) => path.join(place, String(at)));
    await makeFifos(files);
    for (const file of files) made.push(openBoth(file));
    return made;
  } catch (error) {
    for (const { readEnd, writeEnd } of made) for (const end of [readEnd, writeEnd]) closeSync(end);
    throw error;
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function makeFifos(files: readonly string[]): Promise<void> {
  const child = spawn('mkfifo', ['-m', '600', ...files], {
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<boolean>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code === 0));
  });
  const [isMade, complaint] = await Promise.all([ended, text(child.stderr)]);
  if (isMade) return;
  throw complaint.includes('No space left') ? new BuildError('disk_full') : new Error(complaint.trim());
}

function openBoth(file: string): Pipe {
  // Without a writer yet: only a non-blocking open for reading succeeds at once.
  const readEnd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { readEnd, writeEnd: openSync(file, constants.O_WRONLY) };
  } catch (error) {
    closeSync(readEnd);
    throw error;
  }
}
