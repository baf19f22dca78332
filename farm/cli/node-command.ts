/**
 * `asu node`, and all of farm/main.ts: settings are read and judged, whatever must stop the start stops it here with a
 * sentence, and then the node runs until it is told to stop.
 */
import { printable } from '../../shared/text/printable.ts';
import { pause } from '../backoff.ts';
import { parseNodeCommand } from '../config.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { ForeignState, StateInUse } from '../disk/state-lock.ts';
import { StateUnusable, takeState, unusable } from '../disk/take-state.ts';
import { type Fence, probeFence } from '../fence/fence.ts';
import { ListenError } from '../listen-on.ts';
import { JoinRefused } from '../membership/membership.ts';
import { onceFree } from '../once-free.ts';
import { runNode } from '../run-node.ts';
import { withSecret } from '../upload/node-s3.ts';
import type { Command } from './command.ts';
import { UsageError } from './flags.ts';
import { mustBeReadable, readUpstreamKeys } from './upstream-keys.ts';

/** Beside 0 and 2 (wrong words). Of these, who keeps the node starts it again after the first alone. */
const EXIT_FAULT = 1;
const EXIT_REFUSED = 3;
const EXIT_NO_SANDBOX = 4;
const FENCE_TRIES = 3;
const FENCE_AGAIN_MS = 3_000;

export const nodeCommand: Command = async (args, { terminal, environment, signal }) => {
  const command = parseNodeCommand(args, environment);
  if (command.command === 'print') {
    terminal.out.write(`${command.text}\n`);
    return 0;
  }
  const { config } = command;
  const upstreamKeys = await readUpstreamKeys(config.upstreamKeyFiles);
  if (config.upstreamGpgKeyFile !== null) await mustBeReadable('--upstream-gpg-keys', config.upstreamGpgKeyFile);
  const s3 = config.s3 && (await withSecret(config.s3));
  try {
    // Before the fence is tried in there: a directory that cannot be written would be told as a machine without one.
    using _lock = await onceFree(() => takeState(config.stateDirectory), {
      isTaken: (error) => error instanceof StateInUse,
      signal,
      tell: (line) => terminal.err.write(`${line}\n`),
    });
    const fence = await fenceIn(config.stateDirectory, signal);
    signal.throwIfAborted();
    if (fence.kind === 'none' && config.requiresSandbox) {
      terminal.err.write(
        `${fence.told} They run foreign code, so the node does not start like that: asu doctor says what to do; --no-require-sandbox starts it all the same\n`,
      );
      return EXIT_NO_SANDBOX;
    }
    await runNode({ ...config, s3, upstreamKeys, fence }, signal);
  } catch (fault) {
    // Told to stop while it waited for what was taken.
    if (signal.aborted && fault === signal.reason) return 0;
    if (fault instanceof ListenError && !fault.passes) throw new UsageError(fault.message);
    const error = isDiskFull(fault) ? unusable(config.stateDirectory, fault) : fault;
    const status = statusOf(error);
    if (status === null) throw error;
    // What an edge wrote may be in it.
    terminal.err.write(`${printable((error as Error).message, 500)}\n`);
    return status;
  }
  return 0;
};

/** What it finds holds for as long as the node runs, so a moment's trouble is waited out. */
async function fenceIn(stateDirectory: string, signal: AbortSignal): Promise<Fence> {
  for (let tries = 1; ; tries += 1) {
    const fence = await probeFence(stateDirectory);
    if (fence.kind !== 'none' || !fence.mayPass || tries === FENCE_TRIES || signal.aborted) return fence;
    await pause(FENCE_AGAIN_MS, signal);
  }
}

/** Null for what nobody expected. */
function statusOf(error: unknown): number | null {
  if (error instanceof JoinRefused || error instanceof ForeignState) return EXIT_REFUSED;
  // Whoever has it may be gone when it is tried again, or there may be room.
  return PASSING.some((passing) => error instanceof passing) ? EXIT_FAULT : null;
}

const PASSING = [ListenError, StateInUse, StateUnusable];
