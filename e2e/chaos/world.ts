/**
 * The whole service, as somebody runs it who hosts it himself: `workerd serve`, an S3 store, two trusted nodes and two volunteers
 * that only ever call out, each over a line of its own. And what a fault needs of each: its process, its line, its disk.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type DemoMirror, generateMirror } from '../../farm/demo/generate-mirror.ts';
import { serveMirror } from '../../farm/demo/mirror-server.ts';
import { serveDirectory, startWorkerdEdge } from '../../farm/serve/workerd-edge.ts';
import { ensureBucket } from '../../farm/stack/bucket.ts';
import type { Child } from '../../farm/stack/child-process.ts';
import { freePort } from '../../farm/stack/free-port.ts';
import { startNode } from '../../farm/stack/node-process.ts';
import { loadServerKey, mintJoinToken } from '../../farm/stack/secrets.ts';
import { pidOf } from '../evidence/processes.ts';
import { type PausingProxy, pausingProxy } from '../lines/pausing-proxy.ts';
import { ADMIN_KEY, TWO_OF_TWO } from '../players/farm-operator.ts';
import type { S3Server } from '../provided-context.ts';
import { startSwift } from '../swift.ts';
import { mountNodeDisk, type NodeDisk } from './node-disk.ts';
import { type Life, type Part, startPart } from './part.ts';
import { NODES, type NodeName, type TargetName } from './plan.ts';
import { type HeardAnswer, watchedEdge } from './watched-edge.ts';
import { openWay, type Way } from './way.ts';

export const BUCKET = 'asu-chaos';
export const LEASE_SECONDS = 15;
const SLOTS = 2;
const LINES_KEPT = 400;

export interface World {
  readonly directory: string;
  readonly mirror: DemoMirror;
  readonly mirrorUrl: string;
  readonly edgeUrl: string;
  /** Where visitors come in. */
  readonly visitorsUrl: string;
  readonly s3: S3Server;
  readonly parts: ReadonlyMap<TargetName, Part>;
  readonly ways: ReadonlyMap<TargetName, Way>;
  readonly disks: ReadonlyMap<TargetName, NodeDisk>;
  /** Between the edge and the store, where a store that is full says so. */
  readonly storeDoor: PausingProxy;
  /** The last that each has said. */
  readonly lines: ReadonlyMap<TargetName, readonly string[]>;
  readonly temporary: string;
  nodeDirectory(name: NodeName): string;
  /** All of it, whatever state it is in. */
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly onAnswer: (answer: HeardAnswer) => void;
  readonly onDeath: (told: string) => void;
}

export async function openWorld({ onAnswer, onDeath }: WorldOptions): Promise<World> {
  const endings: (() => Promise<unknown>)[] = [];
  /** In the reverse order of the beginnings; each whatever became of the others. */
  const stop = async () => {
    const failures: unknown[] = [];
    for (let end = endings.pop(); end; end = endings.pop()) await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'the world did not end cleanly');
  };
  try {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'asu-chaos-'));
    endings.push(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const temporary = path.join(directory, 'tmp');
    await mkdir(temporary);
    const { mirror, mirrorUrl, keyFile, closeMirror } = await openMirror(directory);
    endings.push(closeMirror);

    const lines = new Map<TargetName, string[]>();
    const onLine = (name: TargetName) => {
      const kept: string[] = [];
      lines.set(name, kept);
      return (line: string) => {
        kept.push(line);
        if (kept.length > LINES_KEPT) kept.shift();
      };
    };
    const parts = new Map<TargetName, Part>();
    const ways = new Map<TargetName, Way>();
    const disks = new Map<TargetName, NodeDisk>();
    const addWay = async (name: TargetName, url: string): Promise<string> => {
      const way = await openWay(url);
      endings.push(() => way.close());
      ways.set(name, way);
      return way.url;
    };
    const addPart = async (name: TargetName, begin: () => Promise<Life>): Promise<void> => {
      const part = await startPart(name, begin, (told) =>
        onDeath([told, ...(lines.get(name) ?? []).slice(-5)].join('\n    ')),
      );
      endings.push(async () => {
        part.signal('SIGCONT');
        await part.stop();
      });
      parts.set(name, part);
    };

    let swift = await startSwift();
    endings.push(() => swift.stop());
    await addPart('store', async () => {
      if (parts.has('store')) swift = await startSwift({ again: swift });
      const { pid, ended, kill, stop: stopSwift } = swift;
      return { pid, ended, kill, stop: stopSwift };
    });
    const { endpoint, accessKeyId, secretAccessKey, region } = swift;
    const s3 = { endpoint, accessKeyId, secretAccessKey, region };
    await ensureBucket({ ...s3, bucket: BUCKET });
    const storeDoor = await pausingProxy(endpoint);
    endings.push(() => storeDoor.close());
    const storeUrl = await addWay('store', storeDoor.url);

    const port = await freePort();
    const edgeUrl = `http://127.0.0.1:${port}`;
    const watched = await watchedEdge(edgeUrl, onAnswer);
    endings.push(() => watched.close());
    const visitorsUrl = await addWay('visitors', watched.url);
    const serverKey = await loadServerKey(directory);
    const variables = {
      SERVER_KEY: serverKey,
      ADMIN_KEY,
      PUBLIC_URL: visitorsUrl,
      UPSTREAM_URL: mirrorUrl,
      UPSTREAM_KEYS: JSON.stringify([mirror.publicKey.trim().split('\n').at(-1)]),
      CATALOGUE_REFRESH_SECONDS: '30',
      LEASE_SECONDS: String(LEASE_SECONDS),
      ALLOW_DEFAULTS: '1',
      // All visitors have one address.
      BUILDS_PER_MINUTE: '0',
      MISSES_PER_MINUTE: '0',
      TRUST_POLICY: JSON.stringify({ ...TWO_OF_TWO, canary_one_in: 0, rebuild_one_in: 0, rebuilds_a_day: 0 }),
      S3_ENDPOINT: storeUrl,
      S3_BUCKET: BUCKET,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    };
    const edgeLine = onLine('edge');
    await addPart('edge', async () => {
      const child = await startWorkerdEdge({
        address: `127.0.0.1:${port}`,
        stateDirectory: directory,
        variables,
        onLine: edgeLine,
      });
      return lifeOf(child, pidOf('serve', path.join(serveDirectory(directory), 'workerd.capnp')));
    });

    const nodeDirectory = (name: NodeName) => path.join(directory, `node-${name}`);
    for (const name of NODES) {
      const stateDirectory = nodeDirectory(name);
      const disk = await mountNodeDisk(stateDirectory);
      disks.set(name, disk);
      endings.push(() => disk.remove());
      const nodeUrl = await addWay(name, edgeUrl);
      const tier = name.startsWith('trusted') ? 'trusted' : 'volunteer';
      const joinToken = await mintJoinToken(serverKey, { operator: name, tier });
      const nodeLine = onLine(name);
      await addPart(name, async () => {
        const child = startNode({
          edgeUrl: nodeUrl,
          stateDirectory,
          // Of a token that was used the node makes nothing, since it has joined.
          joinToken: parts.has(name) ? '' : joinToken,
          name,
          slots: SLOTS,
          reportMs: 500,
          upstreamKeyFile: keyFile,
          variables: { TMPDIR: temporary, ASU_NODE_DISK_BUDGET: '8G', ASU_NODE_DISK_RESERVE: '16M' },
          onLine: nodeLine,
        });
        return lifeOf(child, pidOf(path.resolve(import.meta.dirname, '../../farm/main.ts'), stateDirectory));
      });
    }
    return {
      directory,
      mirror,
      mirrorUrl,
      edgeUrl,
      visitorsUrl,
      s3,
      parts,
      ways,
      disks,
      storeDoor,
      lines,
      temporary,
      nodeDirectory,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const lifeOf = (child: Child, pid: number): Life => ({
  pid,
  ended: child.ended,
  kill: () => child.kill(),
  stop: () => child.stop(),
});

async function openMirror(directory: string) {
  const mirror = await generateMirror({ directory: path.join(directory, 'mirror') });
  const keyFile = path.join(directory, 'upstream-key.pub');
  await writeFile(keyFile, mirror.publicKey);
  const server = await serveMirror(mirror.directory);
  return { mirror, mirrorUrl: server.url, keyFile, closeMirror: () => server.close() };
}
