/**
 * docs/backup.md, done: the edge as somebody hosts it, backed up while it runs, destroyed and restored; and one whose Foreman is gone for
 * good, with builds that wait. Whoever was given a hash gets his image under it.
 */
import { cp, glob, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { generateMirror } from '../farm/demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../farm/demo/mirror-server.ts';
import type { Child } from '../farm/stack/child-process.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { startNode } from '../farm/stack/node-process.ts';
import { loadServerKey, mintJoinToken } from '../farm/stack/secrets.ts';
import { copyIn, copyOut, emptyBucket } from './evidence/bucket-copy.ts';
import { s3Client, storedNames } from './evidence/stored-names.ts';
import { built, download, ended, healthOf, post, REQUEST } from './players/router.ts';
import { endAll, type ShellRun, shellRun, untilReady } from './players/shell-run.ts';
import { until } from './stack-under-test.ts';

const MAIN = path.resolve(import.meta.dirname, '../farm/serve/main.ts');
const BUCKET = `asu-${Math.random().toString(36).slice(2, 10)}`;

let directory: string;
let state: string;
let mirror: MirrorServer;
let url: string;
let environment: Record<string, string>;
const running: ShellRun[] = [];
let node: Child | undefined;
let nodes = 0;

const PUBLISHED = [100, 101].map((rootfs_size_mb) => ({ ...REQUEST, rootfs_size_mb }));
const SINCE = { ...REQUEST, rootfs_size_mb: 200 };
const WAITING = [300, 301].map((rootfs_size_mb) => ({ ...REQUEST, rootfs_size_mb }));

/** Of each request the hash, and a file with its digest. */
const images = new Map<unknown, { readonly hash: string; readonly file: string; readonly sha256: string }>();

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-backup-'));
  state = path.join(directory, 'state');
  await mkdir(state);
  const { publicKey } = await generateMirror({ directory: path.join(directory, 'mirror') });
  await writeFile(path.join(directory, 'upstream.pub'), publicKey);
  mirror = await serveMirror(path.join(directory, 'mirror'));
  const s3 = inject('s3');
  url = `http://127.0.0.1:${await freePort()}`;
  environment = {
    UPSTREAM_URL: mirror.url,
    UPSTREAM_KEYS: JSON.stringify([publicKey.trim().split('\n').at(-1)]),
    S3_ENDPOINT: s3.endpoint,
    S3_REGION: s3.region,
    S3_BUCKET: BUCKET,
    S3_ACCESS_KEY_ID: s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    PUBLIC_URL: url,
  };
});
afterAll(async () => {
  await node?.kill();
  await endAll(running);
  await mirror.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

async function serve(more: Readonly<Record<string, string>> = {}): Promise<void> {
  const env = { PATH: process.env.PATH ?? '', ...environment, ...more };
  const one = shellRun([MAIN, '--state', state, '--listen', new URL(url).host], { env });
  running.push(one);
  await untilReady(one);
}

/** One that joins anew, as on a machine that nobody knows. */
async function startOneNode(): Promise<void> {
  const name = `node-${++nodes}`;
  node = startNode({
    edgeUrl: url,
    stateDirectory: path.join(directory, name),
    joinToken: await mintJoinToken(await loadServerKey(state)),
    name,
    slots: 2,
    upstreamKeyFile: path.join(directory, 'upstream.pub'),
    onLine: () => undefined,
  });
}

async function buildIt(request: unknown): Promise<void> {
  const answer = await built(url, request);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  const [file] = answer.body.images;
  images.set(request, { hash: answer.body.request_hash, file: file.name, sha256: file.sha256 });
}

async function expectHit(request: unknown): Promise<void> {
  const known = images.get(request);
  const answer = await post(url, request);
  expect([answer.status, answer.body.request_hash]).toEqual([200, known?.hash]);
  expect((await download(url, answer.body.bin_dir, known?.file ?? '')).sha256).toBe(known?.sha256);
}

/** `sqlite3 <file> "VACUUM INTO '<copy>'"` of both Durable Objects. KV's copies are left out: they are made again. */
async function backUpState(into: string): Promise<void> {
  let copied = 0;
  for await (const file of glob('serve/objects/asu-{foreman,catalogue}/**/*.sqlite', { cwd: state })) {
    await mkdir(path.join(into, path.dirname(file)), { recursive: true });
    const db = new DatabaseSync(path.join(state, file), { readOnly: true });
    db.exec(`VACUUM INTO '${path.join(into, file)}'`);
    db.close();
    copied += 1;
  }
  expect(copied).toBeGreaterThanOrEqual(2);
  for (const key of ['server-key', 'admin-key']) await cp(path.join(state, key), path.join(into, key));
}

const storedText = async (key: string): Promise<string> => text(await s3Client(inject('s3')).getObject(BUCKET, key));

describe('an edge that is backed up while it runs, and destroyed', () => {
  const backup = () => path.join(directory, 'backup');
  let records: Map<string, string>;

  beforeAll(async () => {
    await serve();
    await startOneNode();
    for (const request of PUBLISHED) await buildIt(request);
    await node?.stop();
    // In the Foreman's backup it waits; in the bucket's, which is made behind it, it is published.
    expect((await post(url, SINCE)).status).toBe(202);
    await backUpState(path.join(backup(), 'state'));
    await startOneNode();
    await buildIt(SINCE);
    await until('the log is written', async () => (await storedNames(inject('s3'), BUCKET, 'log/of/')).length === 3);
    await node?.stop();
    await copyOut(inject('s3'), BUCKET, path.join(backup(), 'bucket'));
    await endAll(running);
    await rm(state, { recursive: true, maxRetries: 5 });
    await emptyBucket(inject('s3'), BUCKET);
    expect(await storedNames(inject('s3'), BUCKET, '')).toEqual([]);

    await copyIn(inject('s3'), BUCKET, path.join(backup(), 'bucket'));
    await cp(path.join(backup(), 'state'), state, { recursive: true });
    await serve();
    const names = await storedNames(inject('s3'), BUCKET, 'builds/');
    const logged = await storedNames(inject('s3'), BUCKET, 'log/');
    const kept = [...names, ...logged.filter((name) => !name.endsWith('head.json'))];
    records = new Map(await Promise.all(kept.map(async (name) => [name, await storedText(name)] as const)));
  });

  it('answers with every published image, byte for byte, also with those that its Foreman knows nothing of', async () => {
    for (const request of [...PUBLISHED, SINCE]) await expectHit(request);
  });

  it('goes on where it was: what its older Foreman has built once more changes nothing, and the log has no second end', async () => {
    await startOneNode();
    await buildIt({ ...REQUEST, rootfs_size_mb: 201 });
    await until('all is published', async () => (await healthOf(url)).queue.live === 0);
    await until('the log is written', async () => (await storedNames(inject('s3'), BUCKET, 'log/of/')).length === 4);
    await node?.stop();
    for (const [name, before] of records) expect(await storedText(name), name).toBe(before);
    const numbers = (await storedNames(inject('s3'), BUCKET, 'log/')).filter((name) => /^log\/\d+\.json$/.test(name));
    expect(numbers.sort()).toEqual([1, 2, 3, 4].map((n) => `log/${n}.json`));
    for (const request of [...PUBLISHED, SINCE]) await expectHit(request);
  });
});

describe('an edge whose Foreman is gone for good, with builds that wait', () => {
  let hashes: string[];
  let lost = '';

  beforeAll(async () => {
    hashes = [];
    for (const request of WAITING) {
      const answer = await post(url, request);
      expect(answer.status).toBe(202);
      hashes.push(answer.body.request_hash);
    }
    await until('what waits is in the store', async () => {
      const names = await storedNames(inject('s3'), BUCKET, 'requests/');
      return hashes.every((hash) => names.includes(`requests/${hash}.json`));
    });
    await endAll(running);
    await rm(path.join(state, 'serve'), { recursive: true, maxRetries: 5 });
    await serve();
  });

  it('serves what is published, and does not touch a bucket that may be another edge’s', async () => {
    for (const request of [...PUBLISHED, SINCE]) await expectHit(request);
    const health = await until('it says so', async () => {
      const answer = await healthOf(url);
      return answer.parts.object_store.reason && answer;
    });
    const { reason } = health.parts.object_store;
    expect(reason).toContain('belongs to another edge');
    lost = /TAKES_OVER=([0-9a-f]{13})$/.exec(reason)?.[1] ?? '';
    expect(lost).not.toBe('');
    expect((await post(url, { ...REQUEST, rootfs_size_mb: 400 })).status).toBe(503);
  });

  it('once told to take over, has its queue again, and a node that joins anew builds it under the old names', async () => {
    await endAll(running);
    await serve({ TAKES_OVER: lost });
    await until('the queue is back', async () => (await healthOf(url)).queue.waiting === WAITING.length);
    await startOneNode();
    for (const hash of hashes) {
      const answer = await ended(url, hash);
      expect([answer.status, answer.body.request_hash]).toEqual([200, hash]);
      const [file] = answer.body.images;
      expect((await download(url, answer.body.bin_dir, file.name)).sha256).toBe(file.sha256);
    }
    await until('nothing waits in the store', async () => {
      const names = await storedNames(inject('s3'), BUCKET, 'requests/');
      return names.length === 0;
    });
    for (const request of [...PUBLISHED, SINCE]) await expectHit(request);
  });
});
