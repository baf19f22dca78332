/**
 * Runs one command of a build: no shell, nothing inherited from the node's environment, and when it must end, everything
 * that it started ends with it. make spawns deep trees; a signal to make alone would leave them working in a directory
 * that is about to be removed.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { OutputEnds } from './output-ends.ts';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** For the pipes; private to this build. */
  readonly temporaryDirectory: string;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  /** Beginning and end that are kept of each stream. */
  readonly capBytes?: number;
  /** All of it, while it is printed; a chunk is the callee's for the time of the call. */
  readonly onOutput?: ((stream: 'stdout' | 'stderr', chunk: Buffer) => void) | undefined;
}

export interface Ended {
  readonly ended:
    | { readonly state: 'exited'; readonly exitCode: number }
    | { readonly state: 'signalled'; readonly signal: string };
  readonly stdout: string;
  readonly stderr: string;
}

const GRACE_MS = 5000;
const CAP_BYTES = 64 * 1024;
/** After the group is gone; only a process that left the group could still hold a pipe open. */
const DRAIN_MS = 1000;
const REAP_MS = 1000;

/**
 * @throws the signal's reason, once nothing of the process group is left; Error when the command cannot be started
 */
export async function runProcess(command: Command): Promise<Ended> {
  command.signal.throwIfAborted();
  const capBytes = command.capBytes ?? CAP_BYTES;
  const open = (stream: 'stdout' | 'stderr'): Promise<OutputPipe> =>
    OutputPipe.open(path.join(command.temporaryDirectory, stream), capBytes, (chunk) =>
      command.onOutput?.(stream, chunk),
    );
  const stdout = await open('stdout');
  const stderr = await open('stderr');
  const group = startGroup(command, stdout.writeEnd, stderr.writeEnd);
  stdout.closeWriteEnd();
  stderr.closeWriteEnd();
  const killNow = () => signalGroup(group.pid, 'SIGKILL');
  // A node that exits must not leave a build behind; it runs in a session of its own and would not notice.
  process.once('exit', killNow);
  const stop = stopWhenAborted(command, group.pid);
  try {
    const result = await group.ended;
    // Whatever the command left in the background has nobody to work for.
    killNow();
    await stop.finished();
    await Promise.all([stdout.drained(DRAIN_MS), stderr.drained(DRAIN_MS)]);
    command.signal.throwIfAborted();
    if (result.state === 'failed') throw result.error;
    return { ended: result, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    process.removeListener('exit', killNow);
    stop.dispose();
    stdout.close();
    stderr.close();
  }
}

type Result = Ended['ended'] | { readonly state: 'failed'; readonly error: unknown };

function startGroup(
  command: Command,
  stdout: number,
  stderr: number,
): { readonly pid: number | undefined; readonly ended: Promise<Result> } {
  // execa's types know descriptors up to 9 only; it takes any.
  const [out, err] = [stdout as 3, stderr as 3];
  // An ImageBuilder refuses to work under a umask other than 022. Spawning is synchronous, so this touches nobody else.
  const previousUmask = process.umask(0o022);
  const child = execa(command.file, [...command.args], {
    cwd: command.cwd,
    env: command.environment,
    extendEnv: false,
    shell: false,
    reject: false,
    detached: true,
    cleanup: false,
    buffer: false,
    // Up to 23.05 "image is too big" is printed to fd 8 alone; without it the reason of the failure is lost.
    stdio: ['ignore', out, err, 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', err, err],
  });
  process.umask(previousUmask);
  return {
    pid: child.pid,
    ended: child.then((result): Result => {
      if (result.exitCode !== undefined) return { state: 'exited', exitCode: result.exitCode };
      if (result.signal !== undefined) return { state: 'signalled', signal: result.signal };
      return { state: 'failed', error: result };
    }),
  };
}

function stopWhenAborted(command: Command, pid: number | undefined) {
  const graceMs = command.graceMs ?? GRACE_MS;
  let stopping: Promise<void> | undefined;
  const onAbort = () => {
    stopping ??= (async () => {
      signalGroup(pid, 'SIGTERM');
      for (let waitedMs = 0; waitedMs < graceMs && groupExists(pid); waitedMs += 50) await sleep(50);
      signalGroup(pid, 'SIGKILL');
      // Bounded: where init reaps no orphans, a zombie keeps its group in existence for ever.
      for (let waitedMs = 0; waitedMs < REAP_MS && groupExists(pid); waitedMs += 20) await sleep(20);
    })();
  };
  command.signal.addEventListener('abort', onAbort, { once: true });
  // Aborted while the pipes were made: no event will come any more.
  if (command.signal.aborted) onAbort();
  return {
    finished: async () => await stopping,
    dispose: () => command.signal.removeEventListener('abort', onAbort),
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    // ESRCH: nobody left.
    return false;
  }
}

const groupExists = (pid: number | undefined): boolean => signalGroup(pid, 0);

/**
 * A named pipe for one stream. Node's own pipes to a child are sockets: a script that opens /dev/stderr fails on one, and one
 * pipe cannot be given to a child under several numbers.
 */
class OutputPipe {
  readonly #output: OutputEnds;
  readonly #reader: Socket;
  readonly #ended: Promise<void>;
  #writeEnd: number | undefined;

  private constructor(readEnd: number, writeEnd: number, capBytes: number, onChunk: (chunk: Buffer) => void) {
    this.#output = new OutputEnds(capBytes);
    this.#writeEnd = writeEnd;
    this.#reader = new Socket({ fd: readEnd, readable: true, writable: false });
    this.#reader.on('data', (chunk: Buffer) => {
      this.#output.push(chunk);
      onChunk(chunk);
    });
    this.#ended = new Promise((resolve) => {
      this.#reader.once('close', () => resolve());
      this.#reader.once('end', () => resolve());
      this.#reader.once('error', () => resolve());
    });
  }

  static async open(file: string, capBytes: number, onChunk: (chunk: Buffer) => void): Promise<OutputPipe> {
    await rm(file, { force: true });
    await execa('mkfifo', ['-m', '600', file]);
    // Without a writer yet: only a non-blocking open for reading succeeds at once.
    const readEnd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = openSync(file, constants.O_WRONLY);
    await rm(file, { force: true });
    return new OutputPipe(readEnd, writeEnd, capBytes, onChunk);
  }

  get writeEnd(): number {
    if (this.#writeEnd === undefined) throw new Error('expected an open pipe, got a closed one');
    return this.#writeEnd;
  }

  closeWriteEnd(): void {
    if (this.#writeEnd !== undefined) closeSync(this.#writeEnd);
    this.#writeEnd = undefined;
  }

  async drained(withinMs: number): Promise<void> {
    const giveUp = new AbortController();
    await Promise.race([this.#ended, sleep(withinMs, undefined, { signal: giveUp.signal }).catch(() => {})]);
    giveUp.abort();
  }

  text(): string {
    return this.#output.toString();
  }

  close(): void {
    this.closeWriteEnd();
    this.#reader.destroy();
  }
}
