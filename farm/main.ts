/** The command line of a farm node. */
import { parseNodeCommand, UsageError } from './config.ts';
import { JoinRefused } from './membership.ts';
import { runNode } from './run-node.ts';

try {
  const command = parseNodeCommand(process.argv.slice(2), process.env);
  if (command.command === 'print') console.log(command.text);
  else {
    const stop = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
    await runNode(command.config, stop.signal);
  }
} catch (error) {
  if (!(error instanceof UsageError || error instanceof JoinRefused)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof UsageError ? 2 : 3;
}
