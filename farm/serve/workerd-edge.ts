/**
 * The edge without Cloudflare: the very same Worker in `workerd serve`. KV and both Durable Objects are SQLite files below the state
 * directory, images are in S3, and every variable reaches it by the environment, so that no secret lies in a file of ours. The Worker is
 * bundled anew at each start: what runs is what was pulled.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EDGE_SETTINGS } from '../../shared/edge-settings.ts';
import { Child } from '../stack/child-process.ts';
import { PROJECT } from '../stack/edge-process.ts';
import { untilAnswers } from '../stack/until-answers.ts';
import { bundleWorker } from './bundle-worker.ts';
import { mustBeFree, mustHaveEnded } from './must-be-alone.ts';
import { ASSETS, KV_SERVICE, secret, workerdConfig } from './workerd-config.ts';

export interface WorkerdEdgeOptions {
  /** `host:port` on which it listens. */
  readonly address: string;
  readonly stateDirectory: string;
  /** Edge variables as text; those that are not there have their defaults. */
  readonly variables: Readonly<Record<string, string>>;
  readonly onLine: (line: string) => void;
  /** Told to stop while it starts, it is stopped. */
  readonly signal?: AbortSignal;
}

/** Where all that it keeps lies. */
export const serveDirectory = (stateDirectory: string): string => path.join(stateDirectory, 'serve');

/** Returns once it answers. @throws Error where it does not, or where another one still runs on this state */
export async function startWorkerdEdge({
  address,
  stateDirectory,
  variables,
  onLine,
  signal,
}: WorkerdEdgeOptions): Promise<Child> {
  const directory = serveDirectory(stateDirectory);
  const configFile = path.join(directory, 'workerd.capnp');
  // Whoever keeps it may have been killed without it; and whatever else listens there would answer in its place.
  await mustHaveEnded(configFile);
  await mustBeFree(address);
  const directories = { objects: path.join(directory, 'objects'), blobs: path.join(directory, 'blobs') };
  for (const each of Object.values(directories)) await mkdir(each, { recursive: true, mode: 0o700 });
  const edge = {
    name: 'edge',
    address,
    bundle: await bundleWorker('edge/worker.ts', directory),
    hasObjects: true,
    bindings: [`(name = "CACHE", kvNamespace = ${KV_SERVICE})`, ASSETS, ...Object.keys(variables).map(secret)],
  };
  await writeFile(configFile, workerdConfig({ ...directories, assets: path.join(PROJECT, 'edge/assets') }, [edge]));
  const child = new Child({
    command: [path.join(PROJECT, 'node_modules/.bin/workerd'), 'serve', '--experimental', configFile],
    cwd: directory,
    env: { ...withoutSettings(process.env), ...variables },
    onLine,
  });
  signal?.addEventListener('abort', () => void child.stop(), { once: true });
  await untilAnswers(`http://${address}`, child);
  return child;
}

/** What is not in the configuration would not be read; a secret that nobody reads need not be there. */
const withoutSettings = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !Object.hasOwn(EDGE_SETTINGS, name)));
