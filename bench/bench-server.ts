/** Everything that the bench measures or needs beside it, started in order and removed in the reverse: mirror, store, workerd. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { startSwift } from '../e2e/swift.ts';
import { bundleWorker } from '../farm/serve/bundle-worker.ts';
import { ASSETS, KV_SERVICE, secret, variables, workerdConfig } from '../farm/serve/workerd-config.ts';
import { type BucketOptions, ensureBucket } from '../farm/stack/bucket.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { BenchPlace } from './bench-place.ts';
import { liveHeaps } from './inspector.ts';
import { processesOf, processorMs, residentBytes } from './process-usage.ts';

export interface BenchServer {
  readonly edgeUrl: string;
  readonly helloUrl: string;
  readonly controlUrl: string;
  /** A plain `node:http`, in a process of its own. */
  readonly nodeUrl: string;
  /** Null unless asked for: a runtime that may be inspected is a little slower, the edge and its hello alike. */
  readonly inspectorPort: number | null;
  readonly store: BucketOptions;
  readonly variables: Readonly<Record<string, string>>;
  /** For the bench's own files; removed by `stop`. */
  readonly directory: string;
  readonly mirrorDirectory: string;
  /** In which the edge reads who asks; nobody is limited who does not say. */
  readonly addressHeader: string;
  /** Processor time that it has used so far; null where the system does not tell. */
  processorMs(of?: 'workerd' | 'node'): Promise<number | null>;
  /** Memory that workerd holds; null where the system does not tell. Much of it is garbage that no heap was in need to collect. */
  residentBytes(): Promise<number | null>;
  /** Of the objects of the edge with its Foreman and its Catalogue, which are one isolate here. @throws Error without an inspector */
  liveHeapBytes(): Promise<number>;
  stop(): Promise<void>;
}

const ADDRESS_HEADER = 'x-client-address';
const BUCKET = 'asu-images';
const ASSETS_DIRECTORY = path.join(import.meta.dirname, '../edge/assets');

/** `more`: variables of the edge beside those that it needs to find the rest. */
export const startBenchServer = (
  inspector: 'inspector' | 'no inspector',
  onLine: (line: string) => void,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchServer> =>
  BenchPlace.with(onLine, async (place) => {
    const mirror = await place.startMirror();
    const swift = await startSwift();
    place.atEnd(() => swift.stop());
    const store = { ...swift, bucket: BUCKET };
    await ensureBucket(store);

    const ports = { edge: await freePort(), hello: await freePort(), control: await freePort() };
    const inspectorPort = inspector === 'inspector' ? await freePort() : null;
    const edgeUrl = `http://127.0.0.1:${ports.edge}`;
    const settings = {
      PUBLIC_URL: edgeUrl,
      CLIENT_ADDRESS_HEADER: ADDRESS_HEADER,
      ...mirror,
      S3_ENDPOINT: swift.endpoint,
      S3_BUCKET: BUCKET,
      S3_REGION: swift.region,
      S3_ACCESS_KEY_ID: swift.accessKeyId,
      ...more,
    };
    const secrets = { SERVER_KEY: randomBytes(32).toString('hex'), S3_SECRET_ACCESS_KEY: swift.secretAccessKey };
    const configFile = await place.startWorkerd({
      config: await configOf(place, ports, settings, Object.keys(secrets)),
      flags: inspectorPort === null ? [] : ['--inspector-addr', `127.0.0.1:${inspectorPort}`],
      secrets,
      url: `${edgeUrl}/healthz`,
      isUp: knowsUpstream,
    });
    const processes = await processesOf(configFile);
    const nodePort = await freePort();
    await place.startNode('bench/node-hello.ts', nodePort);
    const nodeProcesses = await processesOf(String(nodePort));
    return {
      edgeUrl,
      helloUrl: `http://127.0.0.1:${ports.hello}`,
      nodeUrl: `http://127.0.0.1:${nodePort}`,
      controlUrl: `http://127.0.0.1:${ports.control}`,
      inspectorPort,
      store,
      variables: settings,
      directory: place.directory,
      mirrorDirectory: place.mirrorDirectory,
      addressHeader: ADDRESS_HEADER,
      processorMs: (of = 'workerd') => processorMs(of === 'node' ? nodeProcesses : processes),
      residentBytes: () => residentBytes(processes),
      async liveHeapBytes() {
        if (inspectorPort === null) throw new Error('expected a runtime that may be inspected');
        return (await liveHeaps(inspectorPort, ['control', 'kv', 'edge'])).edge;
      },
      stop: () => place.stop(),
    };
  });

/**
 * The edge, the hello beside it and the bench's control in one process, because two would get different shares of a busy machine
 * and their ratio would mean nothing. The edge reads KV by way of the control, which counts.
 */
async function configOf(
  place: BenchPlace,
  ports: { readonly edge: number; readonly hello: number; readonly control: number },
  settings: Readonly<Record<string, string>>,
  secrets: readonly string[],
): Promise<string> {
  const bundle = (file: string) => bundleWorker(file, place.directory);
  return workerdConfig({ ...(await place.storage()), assets: ASSETS_DIRECTORY }, [
    {
      name: 'edge',
      address: `127.0.0.1:${ports.edge}`,
      bundle: await bundle('edge/worker.ts'),
      hasObjects: true,
      bindings: [
        '(name = "CACHE", kvNamespace = (name = "control", entrypoint = "counted"))',
        ASSETS,
        ...variables(settings),
        ...secrets.map(secret),
      ],
    },
    {
      name: 'hello',
      address: `127.0.0.1:${ports.hello}`,
      bundle: await bundle('bench/hello-worker.ts'),
      hasObjects: false,
      bindings: [],
    },
    {
      name: 'control',
      address: `127.0.0.1:${ports.control}`,
      bundle: await bundle('bench/control-worker.ts'),
      hasObjects: false,
      bindings: [`(name = "KV", kvNamespace = ${KV_SERVICE})`, `(name = "KV_SERVICE", service = ${KV_SERVICE})`],
    },
  ]);
}

/** An edge whose catalogue is not there yet would answer the first requests in another way. */
function knowsUpstream({ ok }: Response, text: string): boolean {
  const { parts } = JSON.parse(text) as { parts?: Record<string, { up: boolean }> };
  return ok && parts?.upstream?.up === true;
}
