/** The command line of a farm node. */
import { parseNodeCommand, UsageError } from './config.ts';
import { JoinRefused } from './membership.ts';
import { runNode } from './run-node.ts';

try {
  const command = parseNodeCommand(process.argv.slice(2), process.env);
  if (command.command === 'print') console.log(command.text);
  else {
    const stop = new AbortController();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(signal, () => {
        // The second time in earnest; handlers of `exit` still end what was started.
        if (stop.signal.aborted) process.exit(1);
        stop.abort();
      });
    await runNode(command.config, stop.signal);
  }
} catch (error) {
  if (!(error instanceof UsageError || error instanceof JoinRefused)) throw error;
  console.error(error.message);
  process.exitCode = error instanceof UsageError ? 2 : 3;
}
