/** The bench's Foreman in workerd, with the demo mirror as upstream: neither store nor edge, which it is not about. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { generateMirror } from '../../farm/demo/generate-mirror.ts';
import { serveMirror } from '../../farm/demo/mirror-server.ts';
import { Child } from '../../farm/stack/child-process.ts';
import { freePort } from '../../farm/stack/free-port.ts';
import { bundleWorker } from '../bundle-worker.ts';
import { foremanConfig } from './foreman-config.ts';

export interface ForemanServer {
  readonly url: string;
  stop(): Promise<void>;
}

const PROJECT = path.join(import.meta.dirname, '../..');
const START_PATIENCE_MS = 60_000;

export async function startForemanServer(onLine: (line: string) => void): Promise<ForemanServer> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup().catch((error) => onLine(String(error)));
  };
  try {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'asu-bench-'));
    cleanups.push(() => rm(directory, { recursive: true, force: true }));
    const mirrorDirectory = path.join(directory, 'mirror');
    const { publicKey } = await generateMirror({ directory: mirrorDirectory });
    const mirror = await serveMirror(mirrorDirectory);
    cleanups.push(() => mirror.close());

    const directories = { objects: path.join(directory, 'objects'), blobs: path.join(directory, 'blobs') };
    for (const each of Object.values(directories)) await mkdir(each);
    const port = await freePort();
    const bundle = await bundleWorker('bench/foreman/worker/worker.ts', directory);
    const configFile = path.join(directory, 'workerd.capnp');
    const variables = {
      SERVER_KEY: '0'.repeat(64),
      UPSTREAM_URL: mirror.url,
      UPSTREAM_KEYS: JSON.stringify([publicKey.trim().split('\n').at(-1) ?? '']),
      MAX_QUEUE: '1000000',
      // As long as they can be: nothing is over unless an operation says so.
      LEASE_SECONDS: '600',
      BUILD_SECONDS: '7200',
      ABANDONED_MINUTES: '1440',
      CATALOGUE_REFRESH_SECONDS: '3600',
    };
    await writeFile(configFile, foremanConfig({ bundle, directories, port, variables }));
    const workerd = new Child({
      command: [path.join(PROJECT, 'node_modules/.bin/workerd'), 'serve', '--experimental', configFile],
      cwd: directory,
      env: process.env,
      onLine,
    });
    cleanups.push(() => workerd.stop());
    const url = `http://127.0.0.1:${port}`;
    await untilUp(url, workerd);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function untilUp(url: string, workerd: Child): Promise<void> {
  const until = Date.now() + START_PATIENCE_MS;
  let last: unknown = 'no answer';
  while (Date.now() < until) {
    if (workerd.hasEnded) throw new Error(`workerd ended while starting (${await workerd.ended})`);
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(10_000) })).ok) return;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`workerd was not up within ${START_PATIENCE_MS / 1000} s`, { cause: last });
}
