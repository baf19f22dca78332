/** The server that is fuzzed: the bench's, with one build that is done and one that waits, so that there is something to hit. */
import { type BenchServer, startBenchServer } from '../../bench/bench-server.ts';
import { finishedBuilds, PROFILE } from '../../bench/finished-builds.ts';
import { publishAll, readUpstream, storeClient } from '../../bench/seed.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { parseEdgeSettings } from '../../shared/edge-settings.ts';
import type { Known } from './arbitrary-request.ts';

export interface FuzzServer {
  readonly server: BenchServer;
  readonly port: number;
  readonly known: Known;
  memory(): Promise<Memory>;
}

/** After garbage was collected; without that, a number says how long ago it was. */
export interface Memory {
  /** Of the edge's own objects. */
  readonly heapBytes: number;
  /** Of the whole process. */
  readonly residentBytes: number;
}

/** What is off or empty by default is on, since what is off cannot go wrong; limits that are met. */
const VARIABLES = {
  ADMIN_KEY: 'ad'.repeat(32),
  ALLOW_DEFAULTS: '1',
  REPOSITORY_ALLOW_LIST: '["https://feeds.example/ok/"]',
  MAX_QUEUE: '300',
  BUILDS_PER_MINUTE: '2',
  MISSES_PER_MINUTE: '30',
};

export async function startFuzzServer(onLine: (line: string) => void): Promise<FuzzServer> {
  const server = await startBenchServer('inspector', onLine, VARIABLES);
  try {
    const port = Number(new URL(server.edgeUrl).port);
    return { server, port, known: await furnish(server), memory: () => memoryOf(server) };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

const memoryOf = async (server: BenchServer): Promise<Memory> => ({
  heapBytes: await server.liveHeapBytes(),
  residentBytes: (await server.residentBytes()) ?? Number.NaN,
});

async function furnish(server: BenchServer): Promise<Known> {
  const { signal } = new AbortController();
  const upstream = await readUpstream(server, signal);
  const settings = parseEdgeSettings({ ...server.variables, SERVER_KEY: '0'.repeat(64) });
  const [build] = finishedBuilds(1, upstream, settings);
  if (!build) throw new Error('expected a build');
  await publishAll(server, [build], signal);
  const { record } = build;
  const small = record.files.filter(({ sizeBytes }) => sizeBytes < 10_000);
  for (const { name, sizeBytes } of small)
    await storeClient(server.store).putObject(
      server.store.bucket,
      storeKey.object(record.leaseId, name),
      Buffer.alloc(sizeBytes, 'x'),
    );
  const waiting = { version: '25.12.1', target: 'demo/generic', profile: PROFILE };
  const queued = await fetch(`${server.edgeUrl}/api/v1/build`, { method: 'POST', body: JSON.stringify(waiting) });
  const { request_hash } = (await queued.json()) as { request_hash?: string };
  if (request_hash === undefined) throw new Error(`expected a build that waits, got status ${queued.status}`);
  return {
    built: JSON.parse(build.bodies[0] ?? '') as Known['built'],
    hashes: [record.requestHash, request_hash],
    files: small.map(({ name }) => name),
    versions: ['24.10.2', '25.12.1', 'SNAPSHOT'],
    targets: ['demo/generic', 'demo64/generic'],
    profiles: [...Object.keys(upstream.target.profiles), 'generic', 'acme,ax3000-v1'],
    architectures: [upstream.target.archPackages, 'demo64'],
    packages: Object.keys(upstream.arch.packages),
  };
}
