/** Runs one command as a process does: signals, what is written where, and the exit status. */
import process from 'node:process';
import type { Command } from './command.ts';
import { UsageError } from './flags.ts';
import { terminalOf } from './terminal.ts';

const EXIT_FAULT = 1;
const EXIT_USAGE = 2;
/** What shells give to a process that ended by the signal: 128 and its number. */
const BY_SIGNAL = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Sets the exit status instead of ending the process, so that everything written is written. */
export async function runCommand(command: Command, args: readonly string[]): Promise<void> {
  const stop = new AbortController();
  let status: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => {
      // The second time in earnest; handlers of `exit` still end and remove what was begun.
      if (stop.signal.aborted) process.exit(EXIT_FAULT);
      status = BY_SIGNAL[signal];
      stop.abort(new Error(`stopped by ${signal}`));
    });
  // `asu … | head`: whoever read has gone, which is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  const terminal = terminalOf(process.stdout, process.stderr, process.env);
  try {
    process.exitCode = await command(args, { terminal, environment: process.env, signal: stop.signal });
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      process.exitCode = EXIT_USAGE;
    } else if (stop.signal.aborted) process.exitCode = status ?? EXIT_FAULT;
    else throw error;
  }
}
