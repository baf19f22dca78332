/** A farm node as a process of its own: what `npm start` starts, and what `asu node` is. */
import { nodeCommand } from './cli/node-command.ts';
import { runCommand } from './cli/run-command.ts';

await runCommand(nodeCommand, process.argv.slice(2));
