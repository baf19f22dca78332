/** The edge on this machine: `wrangler dev` with its state on disk, so that a restart remembers every image. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { unlessAborted } from '../unless-aborted.ts';
import { Child } from './child-process.ts';
import { envFile } from './env-file.ts';
import { freePort } from './free-port.ts';
import { untilAnswers } from './until-answers.ts';

export const PROJECT = path.resolve(import.meta.dirname, '../..');

export interface EdgeOptions {
  readonly port: number;
  readonly stateDirectory: string;
  /** Edge variables; they may hold secrets and go through a file that only we can read, never through argv. */
  readonly variables: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  /** Told to stop while it starts, it is stopped. */
  readonly signal?: AbortSignal;
}

/** Where wrangler keeps KV, images and both Durable Objects. */
export const edgeDirectory = (stateDirectory: string): string => path.join(stateDirectory, 'edge');

/** @throws Error as `untilAnswers`; the signal's reason. It is not left running then. */
export async function startEdge(options: EdgeOptions): Promise<Child> {
  const { port, stateDirectory, signal = new AbortController().signal } = options;
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  const variablesFile = path.join(stateDirectory, 'edge.env');
  await writeFile(variablesFile, envFile(options.variables), { mode: 0o600 });
  signal.throwIfAborted();
  const child = new Child({
    command: [
      process.execPath,
      path.join(PROJECT, 'node_modules/wrangler/bin/wrangler.js'),
      'dev',
      ...['-c', path.join(PROJECT, 'wrangler.toml')],
      ...['--ip', '127.0.0.1'],
      ...['--port', String(port)],
      ...['--inspector-port', String(await freePort())],
      ...['--persist-to', edgeDirectory(stateDirectory)],
      ...['--env-file', variablesFile],
      '--show-interactive-dev-session=false',
      ...['--log-level', 'error'],
    ],
    cwd: PROJECT,
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
      CI: '1',
      NO_COLOR: '1',
    },
    onLine: options.onLine,
  });
  try {
    await unlessAborted(() => untilAnswers(`http://127.0.0.1:${port}`, child), signal);
  } catch (error) {
    await child.stop();
    throw error;
  }
  return child;
}
