/**
 * The whole service for a test: a demo mirror, the edge run by wrangler, and nodes, each a real process that can be killed
 * and started again on the same state. Unlike `npm start` nothing is restarted by itself.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inject } from 'vitest';
import { LIFETIMES } from '../edge/lifetimes.ts';
import { type DemoMirror, generateMirror } from '../farm/demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../farm/demo/mirror-server.ts';
import { startWorkerdEdge } from '../farm/serve/workerd-edge.ts';
import { ensureBucket } from '../farm/stack/bucket.ts';
import type { Child } from '../farm/stack/child-process.ts';
import { startEdge } from '../farm/stack/edge-process.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { startNode } from '../farm/stack/node-process.ts';
import { loadServerKey, mintJoinToken } from '../farm/stack/secrets.ts';
import type { JoinToken } from '../shared/node/node-identity.ts';
import type { LieName } from './lies/lies.ts';
import type { S3Server } from './provided-context.ts';

/** Where the edge runs: in wrangler, or without Cloudflare in `workerd serve`, which has no R2. */
export type EdgeRuntime = 'wrangler' | 'workerd';

/** On what all of the suite runs, where a test does not say it: `r2` (absent), `s3`, or `workerd` with S3. */
const RUN_ON = process.env.ASU_E2E_ON ?? 'r2';
if (!['r2', 's3', 'workerd'].includes(RUN_ON))
  throw new Error(`ASU_E2E_ON: expected r2, s3 or workerd, got ${JSON.stringify(RUN_ON)}`);

export interface UnderTestOptions {
  readonly runtime?: EdgeRuntime;
  /** Absent: wrangler's R2. */
  readonly s3?: S3Server;
  /** Reached by the edge instead of the S3 server itself. */
  readonly s3Url?: string;
  readonly bucket?: string;
  /** Of each image stage, so that there is time to kill something in it. */
  readonly delaySeconds?: number;
  readonly variables?: Readonly<Record<string, string>>;
  /** The mirror has a target of which no two images are equal. */
  readonly irreproducible?: boolean;
  /** Factory images are so much larger. */
  readonly largeMib?: number;
  /** Told where the mirror is before the edge starts. */
  readonly onMirror?: (url: string) => void;
}

export interface NodeUnderTestOptions {
  readonly edgeUrl?: string;
  readonly slots?: number;
  /** Absent: one of its own. */
  readonly operator?: string;
  readonly tier?: JoinToken['tier'];
  /** `host:port` where it may be called; absent: nowhere. */
  readonly listen?: string;
  /** Absent: it is honest. */
  readonly lie?: LieName;
  /** A file with the id of the lease that it lies about. */
  readonly lieAbout?: string;
  /** Absent: `nodeDirectory`. */
  readonly stateDirectory?: string;
  /** Of the process: what its machine is like. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Absent: as this process has it. */
  readonly umask?: number;
  /** By so much its clock is ahead of everybody's. */
  readonly clockAheadMs?: number;
}

export interface NodeUnderTest {
  /** `building <hash> …`, `built <hash> …` and whatever else it says. */
  readonly lines: string[];
  kill(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const TELL_LIES = path.join(import.meta.dirname, 'lies/tell.ts');
const UPSTREAM_KEY = 'upstream-key.pub';

export class StackUnderTest {
  readonly directory: string;
  readonly mirror: DemoMirror;
  readonly mirrorServer: MirrorServer;
  readonly url: string;
  readonly edgeLines: string[] = [];
  readonly #variables: Record<string, string>;
  readonly #port: number;
  readonly #runtime: EdgeRuntime;
  #edge: Child | null = null;
  readonly #nodes: Child[] = [];

  private constructor(
    directory: string,
    mirror: DemoMirror,
    mirrorServer: MirrorServer,
    port: number,
    variables: Record<string, string>,
    runtime: EdgeRuntime,
  ) {
    this.directory = directory;
    this.mirror = mirror;
    this.mirrorServer = mirrorServer;
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#variables = variables;
    this.#runtime = runtime;
  }

  static async start(options: UnderTestOptions = {}): Promise<StackUnderTest> {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'asu-e2e-'));
    const mirrorDirectory = path.join(directory, 'mirror');
    const mirror = await generateMirror({
      directory: mirrorDirectory,
      ...(options.delaySeconds !== undefined && { delaySeconds: options.delaySeconds }),
      irreproducible: options.irreproducible ?? false,
      largeMib: options.largeMib ?? 0,
    });
    await writeFile(path.join(directory, UPSTREAM_KEY), mirror.publicKey);
    const mirrorServer = await serveMirror(mirrorDirectory);
    options.onMirror?.(mirrorServer.url);
    const port = await freePort();
    const runtime = options.runtime ?? (RUN_ON === 'workerd' ? 'workerd' : 'wrangler');
    const s3 = options.s3 ?? (RUN_ON === 'r2' && runtime === 'wrangler' ? undefined : inject('s3'));
    const variables: Record<string, string> = {
      SERVER_KEY: await loadServerKey(directory),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      UPSTREAM_URL: mirrorServer.url,
      UPSTREAM_KEYS: JSON.stringify([mirror.publicKey.trim().split('\n').at(-1)]),
      CATALOGUE_REFRESH_SECONDS: '1',
      LEASE_SECONDS: '15',
      ...(s3 && (await s3Variables(s3, options))),
      ...options.variables,
    };
    const stack = new StackUnderTest(directory, mirror, mirrorServer, port, variables, runtime);
    await stack.startEdge();
    return stack;
  }

  async startEdge(): Promise<void> {
    const ofBoth = {
      stateDirectory: this.directory,
      variables: this.#variables,
      onLine: (line: string) => this.edgeLines.push(line),
    };
    this.#edge =
      this.#runtime === 'workerd'
        ? await startWorkerdEdge({ ...ofBoth, address: `127.0.0.1:${this.#port}` })
        : await startEdge({ ...ofBoth, port: this.#port });
  }

  async killEdge(): Promise<void> {
    await this.#edge?.kill();
  }

  async startNode(
    name: string,
    {
      edgeUrl = this.url,
      slots = 2,
      operator = name,
      tier = 'trusted',
      listen,
      lie,
      lieAbout = '',
      stateDirectory = this.nodeDirectory(name),
      environment,
      umask,
      clockAheadMs,
    }: NodeUnderTestOptions = {},
  ): Promise<NodeUnderTest> {
    const lines: string[] = [];
    // A real operator's node has its token only for its first start.
    let joinToken = await this.joinToken(operator, tier);
    const start = () => {
      const child = startNode({
        edgeUrl,
        stateDirectory,
        joinToken,
        name,
        slots,
        reportMs: 300,
        upstreamKeyFile: path.join(this.directory, UPSTREAM_KEY),
        ...(environment !== undefined && { variables: environment }),
        ...(umask !== undefined && { preload: `data:text/javascript,process.umask(${umask})` }),
        ...(clockAheadMs !== undefined && { preload: wrongClock(clockAheadMs) }),
        ...(lie !== undefined && { preload: TELL_LIES, variables: { ASU_LIE: lie, ASU_LIE_ABOUT: lieAbout } }),
        ...(listen !== undefined && { listen }),
        onLine: (line) => lines.push(line),
      });
      joinToken = '';
      this.#nodes.push(child);
      return child;
    };
    let child = start();
    await until(`node ${name} is ready`, () => lines.some((line) => line.startsWith('ready')));
    return {
      lines,
      kill: () => child.kill(),
      stop: () => child.stop(),
      restart: async () => {
        child = start();
      },
    };
  }

  /** Where a node of this name has its state. */
  nodeDirectory(name: string): string {
    return path.join(this.directory, `node-${name}`);
  }

  /** As the operator of this edge would give one out. */
  joinToken(operator: string, tier?: JoinToken['tier']): Promise<string> {
    return mintJoinToken(this.#variables.SERVER_KEY ?? '', { operator, tier });
  }

  /** Calls that the Foreman has had since it woke. Asking does not count. */
  async foremanCalls(): Promise<Record<string, number>> {
    // Metrics are kept for a moment: those of before would hide what a test has just caused.
    await sleep(LIFETIMES.healthMs);
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Object.fromEntries(
      [...text.matchAll(/^asu_foreman_calls_total\{call="(\w+)"\} (\d+)$/gm)].map(([, name, n]) => [name, Number(n)]),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill()));
    await this.#edge?.stop();
    await this.mirrorServer.close();
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** For a process of Node.js, before anything else of it runs. */
function wrongClock(aheadMs: number): string {
  const program = `const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...given) { given.length === 0 ? super(Right.now() + ${aheadMs}) : super(...given); }
      static now() { return Right.now() + ${aheadMs}; }
    };`;
  return `data:text/javascript,${encodeURIComponent(program)}`;
}

async function s3Variables(s3: S3Server, options: UnderTestOptions): Promise<Record<string, string>> {
  const bucket = options.bucket ?? `asu-${Math.random().toString(36).slice(2, 10)}`;
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  await ensureBucket({ endpoint, bucket, region, accessKeyId, secretAccessKey });
  return {
    S3_ENDPOINT: options.s3Url ?? endpoint,
    S3_BUCKET: bucket,
    S3_REGION: region,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

/** Waits for something that other processes bring about; the limit is for a hang, not a measurement. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  patienceMs = 120_000,
): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`gave up waiting: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
