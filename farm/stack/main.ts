/** The command line of `npm start` and `npm run demo`. Every failure ends with a sentence that says what to do. */

import type { EdgeSettingName } from '../../shared/edge-settings.ts';
import { UsageError } from '../cli/flags.ts';
import { RequestRefused } from '../client/faults.ts';
import { configTable, type Given } from './config-table.ts';
import { runDemo } from './demo.ts';
import { HELP, parseStackCommand, type StackOptions } from './options.ts';
import { adminKeyFile } from './secrets.ts';
import { computedVariables, StackError, startStack } from './stack.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stop.abort(new StackError(`Stopped by ${signal}`)));

try {
  await main();
} catch (error) {
  process.exitCode = 1;
  if (error instanceof UsageError) {
    process.exitCode = 2;
    console.error(error.message);
  } else if (error instanceof RequestRefused)
    console.error(`The server refused the request (status ${error.status}): ${error.message}`);
  else if (isMistake(error))
    console.error(`${error.message}\nThis was not expected. The lines above say more; please report them.`, error);
  else console.error((error as Error).message);
}

/** Of this program. All else is a sentence about what it was given and where it runs: a directory, a port, a store, a key. */
function isMistake(error: unknown): error is Error {
  return !(error instanceof Error) || [TypeError, RangeError, ReferenceError].some((kind) => error instanceof kind);
}

async function main(): Promise<void> {
  const command = parseStackCommand(process.argv.slice(2));
  if (command.command === 'help') return console.log(HELP);
  const { options } = command;
  if (command.command === 'print-config') return console.log(configOf(options));
  if (command.command === 'demo') return runDemo(options, stop.signal);
  await serve(options);
}

async function serve(options: StackOptions): Promise<void> {
  const stack = await startStack(options, (line) => console.log(line), stop.signal).catch((error) => {
    if (stop.signal.aborted) return null;
    throw error;
  });
  if (!stack) return;
  console.log(
    `ready: ${stack.url} serves ${stack.upstreamUrl}; state in ${options.stateDirectory}; GET ${stack.url}/healthz says what is up; Ctrl-C stops`,
  );
  if (options.set.ADMIN_KEY === undefined)
    console.log(
      `operators: asu nodes --edge ${stack.url} --admin-key-file ${adminKeyFile(options.stateDirectory)} lists the nodes`,
    );
  if (!stop.signal.aborted)
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
  await stack.stop();
}

function configOf(options: StackOptions): string {
  const upstream = options.upstream.kind === 'demo' ? { url: '(the demo mirror)' } : { url: options.upstream.url };
  const url = options.port === null ? '(a free port of 127.0.0.1)' : `http://127.0.0.1:${options.port}`;
  const keys = { SERVER_KEY: `(in ${options.stateDirectory})`, ADMIN_KEY: `(in ${options.stateDirectory})` };
  const from = (values: Readonly<Record<string, string>>, where: string) =>
    Object.entries(values).map(([name, value]) => [name as EdgeSettingName, { value, from: where }] as const);
  return configTable(
    new Map<EdgeSettingName, Given>([
      ...from({ ...computedVariables(options, url, upstream), ...keys }, 'this command'),
      ...from(options.set, '--set'),
    ]),
  );
}
