/**
 * The whole service on one machine: demo mirror if wanted, bucket if S3, edge, one node. Starts them in the order in which
 * they need each other, restarts what dies, and stops everything it started.
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EDGE_SETTINGS, parseEdgeSettings } from '../../shared/edge-settings.ts';
import { backoffMs, pause } from '../backoff.ts';
import { generateMirror } from '../demo/generate-mirror.ts';
import { serveMirror } from '../demo/mirror-server.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { takeState, unusable } from '../disk/take-state.ts';
import { probeFence } from '../fence/fence.ts';
import { installCommand, missingHostTools } from '../imagebuilder/host-tools.ts';
import { mustHaveEnded } from '../serve/must-be-alone.ts';
import { ensureBucket } from './bucket.ts';
import type { Child } from './child-process.ts';
import { edgeDirectory, startEdge } from './edge-process.ts';
import { freePort, isFree, notFreeSentence, whyNotFree } from './free-port.ts';
import { startNode } from './node-process.ts';
import { LOCAL_S3_KEYS, type StackOptions } from './options.ts';
import { loadAdminKey, loadServerKey, mintJoinToken } from './secrets.ts';
import { untilNodePresent } from './until-answers.ts';

export interface Stack {
  readonly url: string;
  readonly upstreamUrl: string;
  stop(): Promise<void>;
}

/** A fault of the surroundings, with a sentence that says what to do. */
export class StackError extends Error {
  override readonly name = 'StackError';
}

const NODE_PATIENCE_MS = 30_000;
const DEMO_REPORT_MS = 100;
/** What ran for so long and ends is not failing to start. */
const STEADY_MS = 60_000;

/** @throws the signal's reason where it aborts before all of it is up; nothing is left running then */
export async function startStack(
  options: StackOptions,
  log: (line: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<Stack> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup().catch((error) => log(String(error)));
  };
  try {
    const taken = await takeStateOfBoth(options.stateDirectory);
    cleanups.push(async () => taken[Symbol.dispose]());
    // Behind it: a directory that cannot be written would be told as a machine without a fence.
    await checkHost(options);
    const port = await choosePort(options.port);
    const url = `http://127.0.0.1:${port}`;
    const upstream = await openUpstream(options, cleanups);
    const serverKey = await loadServerKey(options.stateDirectory);
    const variables: Record<string, string> = {
      ...computedVariables(options, url, upstream),
      SERVER_KEY: serverKey,
      ADMIN_KEY: await loadAdminKey(options.stateDirectory),
      ...options.set,
    };
    if (options.s3 !== null)
      await ensureBucket(
        {
          endpoint: variables.S3_ENDPOINT ?? options.s3,
          bucket: EDGE_SETTINGS.S3_BUCKET.parse(variables.S3_BUCKET ?? ''),
          region: EDGE_SETTINGS.S3_REGION.parse(variables.S3_REGION ?? ''),
          accessKeyId: variables.S3_ACCESS_KEY_ID ?? '',
          secretAccessKey: variables.S3_SECRET_ACCESS_KEY ?? '',
        },
        signal,
      );
    const { stateDirectory } = options;
    cleanups.push(
      await keepRunning('edge', log, (onLine) => startEdge({ port, stateDirectory, variables, onLine, signal })),
    );
    const upstreamKeyFile = await writeUpstreamKeys(stateDirectory, variables);
    cleanups.push(
      await keepRunning('node', log, async (onLine) =>
        startNode({
          edgeUrl: url,
          stateDirectory: nodeDirectory(stateDirectory),
          joinToken: await mintJoinToken(variables.SERVER_KEY ?? serverKey),
          name: 'local',
          ...(options.slots !== null && { slots: options.slots }),
          // A demo build is over before an ordinary node would have told one of its steps.
          ...(options.upstream.kind === 'demo' && { reportMs: DEMO_REPORT_MS }),
          ...(upstreamKeyFile !== null && { upstreamKeyFile }),
          allowsUnsigned: parseEdgeSettings(variables).UPSTREAM_UNSIGNED,
          requiresSandbox: options.requiresSandbox,
          onLine,
        }),
      ),
    );
    const isPresent = await untilNodePresent(url, NODE_PATIENCE_MS, signal);
    signal.throwIfAborted();
    if (!isPresent)
      throw new StackError('The farm node did not join the edge within 30 s; its last lines above say why');
    return { url, upstreamUrl: upstream.url, stop };
  } catch (error) {
    await stop();
    signal.throwIfAborted();
    throw isDiskFull(error) ? unusable(options.stateDirectory, error) : error;
  }
}

/**
 * Two would write into the same databases, be the other one whole or the edge or the node that one left behind that was killed.
 * @throws as `takeState`; Error naming the process
 */
async function takeStateOfBoth(stateDirectory: string): Promise<Disposable> {
  const ofEdge = edgeDirectory(stateDirectory);
  const taken = await takeState(ofEdge);
  try {
    await mustHaveEnded(ofEdge);
    // Only looked at: the node itself takes it.
    (await takeState(nodeDirectory(stateDirectory)))[Symbol.dispose]();
    return taken;
  } catch (error) {
    taken[Symbol.dispose]();
    throw error;
  }
}

const nodeDirectory = (stateDirectory: string): string => path.join(stateDirectory, 'node');

/** What the stack sets by itself, for --print-config and for the edge. */
export function computedVariables(
  options: StackOptions,
  url: string,
  upstream: { readonly url: string; readonly publicKey?: string },
): Record<string, string> {
  return {
    PUBLIC_URL: url,
    UPSTREAM_URL: upstream.url,
    ...(upstream.publicKey && { UPSTREAM_KEYS: JSON.stringify([upstream.publicKey]) }),
    ...(options.s3 !== null && { S3_ENDPOINT: options.s3, ...LOCAL_S3_KEYS }),
  };
}

/** What the edge believes of upstream, its node believes too; a node elsewhere is told by whoever runs it. */
async function writeUpstreamKeys(
  stateDirectory: string,
  variables: Readonly<Record<string, string>>,
): Promise<string | null> {
  const keys = parseEdgeSettings(variables).UPSTREAM_KEYS;
  if (keys.length === 0) return null;
  const file = path.join(stateDirectory, 'upstream-keys');
  await writeFile(file, keys.map((key) => `${key}\n`).join(''));
  return file;
}

/** Named before a build is accepted: an ImageBuilder would say so only in the middle of somebody's build. */
async function checkHost(options: StackOptions): Promise<void> {
  const needed = await missingHostTools(options.upstream.kind === 'demo' ? 'demo' : 'openwrt');
  const missing = needed.filter(({ tool }) => options.requiresSandbox || tool !== 'bwrap');
  if (missing.length > 0)
    throw new StackError(
      `This machine lacks ${missing.map((tool) => tool.tool).join(', ')}. Install with: ${installCommand(missing.map((tool) => tool.package))}`,
    );
  if (!options.requiresSandbox) return;
  const { kind, told } = await probeFence(nodeDirectory(options.stateDirectory));
  if (kind === 'none') throw new StackError(`${told} With --no-require-sandbox it starts all the same`);
}

async function choosePort(wanted: number | null): Promise<number> {
  if (wanted === null) return freePort();
  const code = await whyNotFree(wanted);
  if (code === null) return wanted;
  throw new StackError(notFreeSentence(wanted, code));
}

async function openUpstream(
  options: StackOptions,
  cleanups: (() => Promise<unknown>)[],
): Promise<{ readonly url: string; readonly publicKey?: string }> {
  if (options.upstream.kind === 'mirror') return { url: options.upstream.url };
  const directory = path.join(options.stateDirectory, 'demo-mirror');
  await mkdir(options.stateDirectory, { recursive: true, mode: 0o700 });
  const { publicKey } = await generateMirror({ directory });
  const server = await serveMirror(directory, { port: await stablePort(directory) });
  cleanups.push(() => server.close());
  // The key as the edge's variable wants it: without the comment line.
  return { url: server.url, publicKey: publicKey.trim().split('\n').at(-1) ?? '' };
}

/** The same port at each start if it is free: the mirror's address is part of what the edge remembers. */
async function stablePort(directory: string): Promise<number> {
  const wanted = 20_000 + (createHash('sha256').update(directory).digest().readUInt16BE(0) % 10_000);
  return (await isFree(wanted)) ? wanted : freePort();
}

/** Starts a child and starts it again when it dies; returns how to stop it. */
async function keepRunning(
  name: string,
  log: (line: string) => void,
  start: (onLine: (line: string) => void) => Promise<Child>,
): Promise<() => Promise<void>> {
  const stopping = new AbortController();
  const onLine = (line: string) => log(`${name}: ${line}`);
  let startedAt = Date.now();
  let child = await start(onLine);
  const watching = (async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const how = await child.ended;
      if (stopping.signal.aborted) return;
      failures = Date.now() - startedAt > STEADY_MS ? 1 : failures + 1;
      log(`${name}: ended (${how}); started again`);
      await pause(backoffMs(failures, Math.random()), stopping.signal);
      if (stopping.signal.aborted) return;
      startedAt = Date.now();
      child = await start(onLine).catch((error) => {
        log(`${name}: ${error.message}`);
        return child;
      });
      // Told to stop while it started: nobody else knows of it.
      if (stopping.signal.aborted) await child.stop();
    }
  })();
  return async () => {
    stopping.abort();
    await child.stop();
    await watching;
  };
}
