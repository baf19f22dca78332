/**
 * Runs one command of a build: no shell, nothing inherited from the node's environment, and when it must end, everything
 * that it started ends with it. make spawns deep trees; a signal to make alone would leave them working in a directory
 * that is about to be removed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { OverrunError, type Peaks } from '../fence/bounds.ts';
import { CHANNEL, onListener } from '../fence/inner-listener.ts';
import { Sandbox, type SandboxWatch } from '../fence/sandbox.ts';
import { strayDescriptors } from '../fence/stray-descriptors.ts';
import { OutputPipe } from './output-pipe.ts';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** For the pipes. */
  readonly temporaryDirectory: string;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
  /** Beginning and end that are kept of each stream. */
  readonly capBytes?: number;
  /** All of it, while it is printed; a chunk is the callee's for the time of the call. */
  readonly onOutput?: ((stream: 'stdout' | 'stderr', chunk: Buffer) => void) | undefined;
  /**
   * Set where the command is one of fencedCommand's: it is watched, ends at once when it must (there is no grace: the
   * sandbox's first process takes everything with it), and a fence that does not come up is not taken for its answer.
   */
  readonly sandbox?: SandboxWishes | undefined;
}

export interface SandboxWishes extends SandboxWatch {
  /**
   * Where the command is one with a listener: answers at it until the function that it gives is called, which is when the
   * sandbox is gone.
   */
  readonly serve?: ((listener: Server) => () => void) | undefined;
}

export interface Ended {
  readonly ended:
    | { readonly state: 'exited'; readonly exitCode: number }
    | { readonly state: 'signalled'; readonly signal: string };
  readonly stdout: string;
  readonly stderr: string;
  /** Of a sandbox alone. */
  readonly peaks?: Peaks;
}

const GRACE_MS = 5000;
const CAP_BYTES = 64 * 1024;
/** After the group is gone; only a process that left the group could still hold a pipe open. */
const DRAIN_MS = 1000;
const REAP_MS = 1000;

/**
 * @throws the signal's reason, once nothing of the process group or sandbox is left; OverrunError when it used more than its
 *   bounds; Error when the command cannot be started, or the fence around it
 */
export async function runProcess(command: Command): Promise<Ended> {
  command.signal.throwIfAborted();
  const capBytes = command.capBytes ?? CAP_BYTES;
  const open = (stream: 'stdout' | 'stderr'): Promise<OutputPipe> =>
    OutputPipe.open(command.temporaryDirectory, capBytes, (chunk) => command.onOutput?.(stream, chunk));
  const stdout = await open('stdout');
  const stderr = await open('stderr').catch((error) => {
    stdout.close();
    throw error;
  });
  let group: Group;
  try {
    group = startGroup(command, stdout.writeEnd, stderr.writeEnd);
  } catch (error) {
    stdout.close();
    stderr.close();
    throw error;
  }
  stdout.closeWriteEnd();
  stderr.closeWriteEnd();
  const sandbox = sandboxOf(command, group);
  const served = serveListener(command, group);
  const killNow = () => signalGroup(group.pid, 'SIGKILL');
  // A node that exits must not leave a build behind; it runs in a session of its own and would not notice. A sandbox does.
  if (sandbox === null) process.once('exit', killNow);
  const stop = sandbox === null ? stopWhenAborted(command, group.pid) : killWhenAborted(command, sandbox, group.pid);
  try {
    let result: Result = await group.ended;
    // Whatever the command left in the background has nobody to work for.
    killNow();
    await stop.finished();
    if (sandbox !== null && result.state !== 'failed') result = await sandbox.ended(result);
    await Promise.all([stdout.drained(DRAIN_MS), stderr.drained(DRAIN_MS)]);
    const output = { stdout: stdout.text(), stderr: stderr.text() };
    if (sandbox?.overrun) throw new OverrunError(sandbox.overrun, sandbox.peaks, output);
    command.signal.throwIfAborted();
    if (result.state === 'failed') throw result.error;
    if (result.state === 'never ran')
      throw new Error(`expected the fence to come up, got ${output.stderr.slice(-1000)}`);
    return { ended: result, ...output, ...(sandbox === null ? {} : { peaks: sandbox.peaks }) };
  } finally {
    process.removeListener('exit', killNow);
    stop.dispose();
    served.end();
    stdout.close();
    stderr.close();
  }
}

type Result = Ended['ended'] | { readonly state: 'failed'; readonly error: unknown } | { readonly state: 'never ran' };

interface Group {
  readonly pid: number | undefined;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended['ended'] | { readonly state: 'failed'; readonly error: unknown }>;
}

function startGroup(command: Command, stdout: number, stderr: number): Group {
  const nowhere = openSync('/dev/null', constants.O_RDWR);
  // Up to 23.05 "image is too big" is printed to fd 8 alone; without it the reason of the failure is lost.
  const stdio: ('ignore' | 'pipe' | 'ipc' | number)[] = [
    nowhere,
    stdout,
    stderr,
    ...Array(5).fill('ignore'),
    stderr,
    stderr,
  ];
  for (const stray of strayDescriptors()) {
    while (stdio.length <= stray) stdio.push('ignore');
    if (stdio[stray] === 'ignore') stdio[stray] = nowhere;
  }
  if (command.sandbox !== undefined) stdio[3] = 'pipe';
  if (command.sandbox?.serve !== undefined) stdio[CHANNEL] = 'ipc';
  // An ImageBuilder refuses to work under a umask other than 022. Spawning is synchronous, so this touches nobody else.
  const previousUmask = process.umask(0o022);
  try {
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: command.environment,
      detached: true,
      stdio,
    });
    const ended: Group['ended'] = new Promise((resolve) => {
      child.once('error', (error) => resolve({ state: 'failed', error }));
      child.once('exit', (exitCode, signal) =>
        resolve(exitCode === null ? { state: 'signalled', signal: `${signal}` } : { state: 'exited', exitCode }),
      );
    });
    return { pid: child.pid, child, ended };
  } finally {
    process.umask(previousUmask);
    closeSync(nowhere);
  }
}

function sandboxOf(command: Command, { pid, child }: Group): Sandbox | null {
  if (command.sandbox === undefined || pid === undefined) return null;
  const { serve: _, ...watch } = command.sandbox;
  return new Sandbox(pid, child.stdio[3] as Duplex, watch);
}

/** A listener holds the sandbox's network in existence, and may still come when the sandbox is gone. */
function serveListener(command: Command, { child }: Group): { readonly end: () => void } {
  const serve = command.sandbox?.serve;
  let isOver = false;
  let end: (() => void) | undefined;
  if (serve !== undefined)
    onListener(child, (listener) => {
      if (isOver) listener.close();
      else end = serve(listener);
    });
  return {
    end: () => {
      isOver = true;
      end?.();
    },
  };
}

function killWhenAborted(command: Command, sandbox: Sandbox, pid: number | undefined) {
  const onAbort = () => sandbox.kill();
  command.signal.addEventListener('abort', onAbort, { once: true });
  if (command.signal.aborted) onAbort();
  return {
    // Where the fence was still being made, its tools are told to end like the rest, and take a moment.
    finished: async () => {
      if (command.signal.aborted) await untilGroupIsGone(pid);
    },
    dispose: () => command.signal.removeEventListener('abort', onAbort),
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
      await untilGroupIsGone(pid);
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

/** Bounded: where init reaps no orphans, a zombie keeps its group in existence for ever. */
async function untilGroupIsGone(pid: number | undefined): Promise<void> {
  for (let waitedMs = 0; waitedMs < REAP_MS && groupExists(pid); waitedMs += 20) await sleep(20);
}

const groupExists = (pid: number | undefined): boolean => signalGroup(pid, 0);
