/**
 * `asu node`, and all of farm/main.ts: settings are read and judged, whatever must stop the start stops it here with a
 * sentence, and then the node runs until it is told to stop.
 */
import { printable } from '../../shared/text/printable.ts';
import { parseNodeCommand } from '../config.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { ForeignState, StateInUse } from '../disk/state-lock.ts';
import { StateUnusable, takeState, unusable } from '../disk/take-state.ts';
import { probeFence } from '../fence/fence.ts';
import { JoinRefused } from '../membership/membership.ts';
import { MetricsError } from '../metrics/metrics-server.ts';
import { runNode } from '../run-node.ts';
import { ListenError } from '../server/serve-node.ts';
import { withSecret } from '../upload/node-s3.ts';
import type { Command } from './command.ts';
import { UsageError } from './flags.ts';
import { mustBeReadable, readUpstreamKeys } from './upstream-keys.ts';

/** Beside 0 and 2 (wrong words). */
const EXIT_FAULT = 1;
const EXIT_REFUSED = 3;
const EXIT_NO_SANDBOX = 4;

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
    using _lock = await takeState(config.stateDirectory);
    const fence = await probeFence(config.stateDirectory);
    if (fence.kind === 'none' && config.requiresSandbox) {
      terminal.err.write(
        `${fence.told} They run foreign code, so the node does not start like that: asu doctor says what to do; --no-require-sandbox starts it all the same\n`,
      );
      return EXIT_NO_SANDBOX;
    }
    await runNode({ ...config, s3, upstreamKeys, fence }, signal);
  } catch (fault) {
    const error = isDiskFull(fault) ? unusable(config.stateDirectory, fault) : fault;
    if (error instanceof StateUnusable) {
      terminal.err.write(`${error.message}\n`);
      return EXIT_FAULT;
    }
    if (error instanceof MetricsError || error instanceof ListenError) throw new UsageError(error.message);
    if (!REFUSALS.some((refusal) => error instanceof refusal)) throw error;
    // What an edge wrote may be in it.
    terminal.err.write(`${printable((error as Error).message, 500)}\n`);
    return EXIT_REFUSED;
  }
  return 0;
};

const REFUSALS = [JoinRefused, StateInUse, ForeignState];
