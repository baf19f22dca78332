/** `npm run chaos`: does everything end well, whatever befalls the parts? See docs/chaos.md. */
import { HELP, parseOptions } from './options.ts';
import { wrongsOf } from './report.ts';
import { runChaos } from './run.ts';
import { tableOf } from './table.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => stop.abort(new Error(`stopped by ${name}`)));

let status = 0;
try {
  const command = parseOptions(process.argv.slice(2));
  if (command.command === 'help') console.log(HELP);
  else {
    console.log(`seed ${command.options.seed}`);
    const report = await runChaos(command.options, (line) => console.log(line), stop.signal);
    console.log(`\n${tableOf(report)}`);
    status = wrongsOf(report).length > 0 || !report.isWhole ? 1 : 0;
  }
} catch (error) {
  console.error(error);
  status = 1;
}
// Clients that were stopped in the middle of their patience are not waited for.
process.exit(status);
