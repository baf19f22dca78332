/** Fills the store, KV and the edge's memory with the finished builds, and proves that the edge answers each as it should. */
import { Client } from 'minio';
import { keyOf, upstreamKey } from '../edge/catalogue/document-id.ts';
import { resultKey } from '../edge/results/result-key.ts';
import type { ArchDocument, TargetDocument } from '../shared/upstream/catalogue-document.ts';
import type { BenchServer } from './bench-server.ts';
import { type FinishedBuild, PROFILE, storeEntries, type Upstream } from './finished-builds.ts';
import { ENTRIES, LARGE } from './large-index.ts';

const VERSION = '24.10.2';
const TARGET = 'demo/generic';
const PARALLEL = 16;
/** Swift takes some twenty milliseconds for an object: 10,000 of them would take longer than the bench. */
const STORED_EVERY = 20;
/** One commit of SQLite for all that are written together. */
const KV_BATCH = 100;

/** What the edge itself has compiled from the mirror; asking for a build makes it do so. */
export async function readUpstream(server: BenchServer, signal: AbortSignal): Promise<Upstream> {
  // A revision that never was: refused after both documents were read, and before the Foreman hears of it.
  const body = { version: VERSION, version_code: 'r0-bench', target: TARGET, profile: PROFILE };
  const answer = await (await post(server, JSON.stringify(body), signal)).text();
  if (!answer.includes('"revision_changed"'))
    throw new Error(`expected a refusal of revision r0-bench, got ${answer.slice(0, 500)}`);
  const upstream = upstreamKey(server.variables.UPSTREAM_URL ?? '');
  const read = async (key: string): Promise<unknown> => {
    const document = await fetch(`${server.controlUrl}/${encodeURIComponent(key)}`, { signal });
    if (!document.ok) throw new Error(`expected ${key} in KV, got status ${document.status}`);
    return document.json();
  };
  const target = (await read(keyOf(upstream, { kind: 'target', version: VERSION, target: TARGET }))) as TargetDocument;
  const arch = keyOf(upstream, { kind: 'arch', version: VERSION, arch: target.archPackages });
  return { target, arch: (await read(arch)) as ArchDocument };
}

/** Has the edge compile the large index, and checks that it did; see large-index.ts. */
export async function readLargeIndex(server: BenchServer, signal: AbortSignal): Promise<void> {
  const path = `/json/v1/releases/${LARGE.version}/packages/${LARGE.arch}-index.json`;
  const answer = await fetch(server.edgeUrl + path, { signal });
  const entries = Object.keys((await answer.json()) as object).length;
  if (answer.status !== 200 || entries !== ENTRIES)
    throw new Error(`expected ${ENTRIES} packages, got status ${answer.status} with ${entries}`);
}

/**
 * As the Foreman publishes, but that each build goes to one place only: one in twenty to the object store, from where the
 * edge must carry it nearer by itself, all others to KV under both names.
 */
export async function publishAll(
  server: BenchServer,
  builds: readonly FinishedBuild[],
  signal: AbortSignal,
): Promise<void> {
  const { store } = server;
  const client = storeClient(store);
  const stored = builds.filter((_, index) => index % STORED_EVERY === 0);
  const cached = builds.filter((_, index) => index % STORED_EVERY !== 0);
  await inParallel(stored, signal, async (build) => {
    for (const [key, value] of storeEntries(build)) await client.putObject(store.bucket, key, value);
  });
  for (let from = 0; from < cached.length; from += KV_BATCH) {
    const entries = cached.slice(from, from + KV_BATCH).flatMap(({ record }) => {
      const result = JSON.stringify({ kind: 'built', record });
      return [
        [resultKey.build(record.requestHash), result],
        [resultKey.intent(record.intentHash), result],
      ];
    });
    const answer = await fetch(server.controlUrl, { method: 'PUT', body: JSON.stringify(entries), signal });
    if (!answer.ok) throw new Error(`KV: expected 204, got ${answer.status}`);
  }
}

export function storeClient({ endpoint, accessKeyId, secretAccessKey, region }: BenchServer['store']): Client {
  const { hostname, port } = new URL(endpoint);
  const keys = { accessKey: accessKeyId, secretKey: secretAccessKey };
  return new Client({ endPoint: hostname, port: Number(port), useSSL: false, ...keys, region, pathStyle: true });
}

/** Every spelling of every build, and every poll, answered 200 with the right hash. Rarest first, so that the popular stay in memory. */
export async function verifyAll(
  server: BenchServer,
  builds: readonly FinishedBuild[],
  signal: AbortSignal,
): Promise<void> {
  await inParallel([...builds].reverse(), signal, async ({ record, bodies }) => {
    for (const body of bodies) await expectBuild(await post(server, body, signal), record.requestHash);
    await expectBuild(await fetch(server.edgeUrl + pollPath(record.requestHash), { signal }), record.requestHash);
  });
}

export const pollPath = (requestHash: string): string => `/api/v1/build/${requestHash}`;

const post = (server: BenchServer, body: string, signal: AbortSignal): Promise<Response> =>
  fetch(`${server.edgeUrl}/api/v1/build`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal,
  });

async function expectBuild(answer: Response, requestHash: string): Promise<void> {
  const text = await answer.text();
  if (answer.status !== 200)
    throw new Error(`expected build ${requestHash}, got ${answer.status}: ${text.slice(0, 500)}`);
  const { request_hash: got, manifest } = JSON.parse(text) as { request_hash: string; manifest: object };
  if (got !== requestHash || !manifest) throw new Error(`expected build ${requestHash}, got ${got}`);
}

async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      signal.throwIfAborted();
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
}
