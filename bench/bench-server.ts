/** Everything that the bench measures or needs beside it, started in order and removed in the reverse: mirror, store, workerd. */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startSwift } from '../e2e/swift.ts';
import { generateMirror } from '../farm/demo/generate-mirror.ts';
import { serveMirror } from '../farm/demo/mirror-server.ts';
import { type BucketOptions, ensureBucket } from '../farm/stack/bucket.ts';
import { Child } from '../farm/stack/child-process.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { bundleWorker } from './bundle-worker.ts';
import { processesOf, processorMs, residentBytes } from './process-usage.ts';
import { workerdConfig } from './workerd-config.ts';

export interface BenchServer {
  readonly edgeUrl: string;
  readonly helloUrl: string;
  readonly controlUrl: string;
  /** Null unless asked for: a runtime that may be inspected is a little slower. */
  readonly inspectorPort: number | null;
  readonly store: BucketOptions;
  readonly variables: Readonly<Record<string, string>>;
  /** For the bench's own files; removed by `stop`. */
  readonly directory: string;
  readonly mirrorDirectory: string;
  /** In which the edge reads who asks; nobody is limited who does not say. */
  readonly addressHeader: string;
  /** Processor time that workerd has used so far; null where the system does not tell. */
  processorMs(): Promise<number | null>;
  /** Memory that workerd holds; null where the system does not tell. */
  residentBytes(): Promise<number | null>;
  stop(): Promise<void>;
}

const PROJECT = path.join(import.meta.dirname, '..');
const ADDRESS_HEADER = 'x-client-address';
const BUCKET = 'asu-images';
const START_PATIENCE_MS = 60_000;

/** `more`: variables of the edge beside those that it needs to find the rest. */
export async function startBenchServer(
  inspector: 'inspector' | 'no inspector',
  onLine: (line: string) => void,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchServer> {
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
    const swift = await startSwift();
    cleanups.push(() => swift.stop());
    const store = { ...swift, bucket: BUCKET };
    await ensureBucket(store);

    const ports = { edge: await freePort(), hello: await freePort(), control: await freePort() };
    const inspectorPort = inspector === 'inspector' ? await freePort() : null;
    const edgeUrl = `http://127.0.0.1:${ports.edge}`;
    const variables = {
      PUBLIC_URL: edgeUrl,
      CLIENT_ADDRESS_HEADER: ADDRESS_HEADER,
      UPSTREAM_URL: mirror.url,
      UPSTREAM_KEYS: JSON.stringify([publicKey.trim().split('\n').at(-1) ?? '']),
      S3_ENDPOINT: swift.endpoint,
      S3_BUCKET: BUCKET,
      S3_REGION: swift.region,
      S3_ACCESS_KEY_ID: swift.accessKeyId,
      ...more,
    };
    const secrets = { SERVER_KEY: randomBytes(32).toString('hex'), S3_SECRET_ACCESS_KEY: swift.secretAccessKey };
    const configFile = await writeConfig(directory, ports, variables, Object.keys(secrets));
    const workerd = new Child({
      command: [
        path.join(PROJECT, 'node_modules/.bin/workerd'),
        ...['serve', '--experimental'],
        ...(inspectorPort === null ? [] : ['--inspector-addr', `127.0.0.1:${inspectorPort}`]),
        configFile,
      ],
      cwd: directory,
      env: { ...process.env, ...secrets },
      onLine,
    });
    cleanups.push(() => workerd.stop());
    await untilUp(`${edgeUrl}/healthz`, workerd);
    const processes = await processesOf(configFile);
    return {
      edgeUrl,
      helloUrl: `http://127.0.0.1:${ports.hello}`,
      controlUrl: `http://127.0.0.1:${ports.control}`,
      inspectorPort,
      store,
      variables,
      directory,
      mirrorDirectory,
      addressHeader: ADDRESS_HEADER,
      processorMs: () => processorMs(processes),
      residentBytes: () => residentBytes(processes),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function writeConfig(
  directory: string,
  ports: { readonly edge: number; readonly hello: number; readonly control: number },
  variables: Readonly<Record<string, string>>,
  secrets: readonly string[],
): Promise<string> {
  const directories = { objects: path.join(directory, 'objects'), blobs: path.join(directory, 'blobs') };
  for (const each of Object.values(directories)) await mkdir(each);
  const bundles = {
    edge: await bundleWorker('edge/worker.ts', directory),
    hello: await bundleWorker('bench/hello-worker.ts', directory),
    control: await bundleWorker('bench/control-worker.ts', directory),
  };
  const file = path.join(directory, 'workerd.capnp');
  await writeFile(file, workerdConfig({ bundles, directories, ports, variables, secrets }));
  return file;
}

async function untilUp(url: string, workerd: Child): Promise<void> {
  const until = Date.now() + START_PATIENCE_MS;
  let last = 'no answer';
  while (Date.now() < until) {
    if (workerd.hasEnded) throw new Error(`workerd ended while starting (${await workerd.ended})`);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
      last = await response.text();
      const { parts } = JSON.parse(last) as { parts?: Record<string, { up: boolean }> };
      if (response.ok && parts?.upstream?.up) return;
    } catch (error) {
      last = String(error);
    }
    await sleep(200);
  }
  throw new Error(`the edge was not up within ${START_PATIENCE_MS / 1000} s; its last word: ${last.slice(0, 1000)}`);
}
