/** A node's own way into the store, against a real S3 server, over lines that break. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'minio';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { seeded } from '../bench/random.ts';
import type { OutputFile } from '../farm/agent/build-event.ts';
import { openDatabase } from '../farm/db/open-database.ts';
import { ensureBucket } from '../farm/stack/bucket.ts';
import { BegunUploads } from '../farm/upload/begun-uploads.ts';
import { DirectStore, PART_BYTES } from '../farm/upload/direct-store.ts';
import { FUZZ_SEED } from '../shared/chance.fixture.ts';
import { type WatchedLine, watchedLine } from './lines/watched-line.ts';
import { until } from './stack-under-test.ts';

const BUCKET = 'asu-direct-store';
const KEY = 'incoming/node/lease-1/image.bin';

let directory: string;
let line: WatchedLine;
let lines: string[];
let database: ReturnType<typeof openDatabase>;
const opened: ReturnType<typeof openDatabase>[] = [];

beforeAll(async () => {
  await ensureBucket({ ...inject('s3'), bucket: BUCKET });
});
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-direct-'));
  line = await watchedLine(inject('s3').endpoint);
  lines = [];
  database = openDatabase(path.join(directory, 'node.sqlite'));
  opened.push(database);
});
afterEach(async () => {
  await line.close();
  for (const { close } of opened.splice(0)) close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});
afterAll(async () => {
  await client().removeObject(BUCKET, KEY);
});

class Looking extends Client {
  /** Whether the store still knows an upload in parts. Listing them all is not asked: Swift does not tell them by key. */
  async isBegun(key: string, uploadId: string): Promise<boolean> {
    return this.listParts(BUCKET, key, uploadId).then(
      () => true,
      (error) => {
        if (error.code !== 'NoSuchUpload') throw error;
        return false;
      },
    );
  }
}

function client(): Looking {
  const { endpoint, accessKeyId, secretAccessKey, region } = inject('s3');
  const { hostname, port } = new URL(endpoint);
  const place = { endPoint: hostname, port: Number(port), useSSL: false, pathStyle: true, region };
  return new Looking({ ...place, accessKey: accessKeyId, secretKey: secretAccessKey });
}

/** As a process has it that begins now. */
const store = ({ secretAccessKey = inject('s3').secretAccessKey, now = Date.now } = {}): DirectStore =>
  new DirectStore({
    place: { ...inject('s3'), endpoint: line.url, bucket: BUCKET, secretAccessKey },
    begun: new BegunUploads(database.db),
    log: (text) => lines.push(text),
    now,
  });

async function fileOf(sizeBytes: number): Promise<OutputFile> {
  const bytes = randomBytes(sizeBytes);
  const file = path.join(directory, 'image.bin');
  await writeFile(file, bytes);
  return { name: 'image.bin', path: file, sizeBytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function storedDigest(): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await client().getObject(BUCKET, KEY)) hash.update(chunk);
  return hash.digest('hex');
}

const signal = () => AbortSignal.timeout(120_000);
/** Numbers of the parts that came, whatever became of them. */
const partsSent = (): number[] =>
  line.seen.flatMap(({ method, path: at }) =>
    method === 'PUT' ? [Number(/partNumber=(\d+)/.exec(at)?.[1] ?? 0)] : [],
  );

test.each([
  ['one byte', 1, [0]],
  ['one part', PART_BYTES, [0]],
  ['a byte more than one part', PART_BYTES + 1, [1, 2]],
  ['two and a half parts', PART_BYTES * 2.5, [1, 2, 3]],
])('a file of %s is stored as it is', async (_, sizeBytes, parts) => {
  const file = await fileOf(sizeBytes);
  const progress: number[] = [];
  const onProgress = (bytes: number) => progress.push(bytes);
  expect(await store().put({ file, key: KEY, signal: signal(), onProgress })).toBe(true);
  expect(await storedDigest()).toBe(file.sha256);
  expect(partsSent()).toEqual(parts);
  expect(progress).toEqual(parts.map((_part, at) => Math.min((at + 1) * PART_BYTES, sizeBytes)));
  expect(new BegunUploads(database.db).keys()).toEqual([]);
});

test('a line that is cut in the middle of parts costs these parts and no others', async () => {
  const file = await fileOf(PART_BYTES * 4);
  const cut = new Set(['1', '3']);
  const random = seeded(FUZZ_SEED);
  line.setFate(({ path: at }) => {
    const part = /partNumber=(\d+)/.exec(at)?.[1] ?? '';
    return cut.delete(part) ? { cutAfterBytes: Math.floor(random() * PART_BYTES) } : 'through';
  });
  expect(await store().put({ file, key: KEY, signal: signal(), onProgress: () => {} })).toBe(true);
  expect(partsSent()).toEqual([1, 1, 2, 3, 3, 4]);
  expect(await storedDigest()).toBe(file.sha256);
});

test('a node that dies in the middle sends only what is missing', async () => {
  const file = await fileOf(PART_BYTES * 4);
  line.setFate(({ path: at }) => (at.includes('partNumber=3') ? 'withheld' : 'through'));
  const death = new AbortController();
  const dying = store().put({ file, key: KEY, signal: death.signal, onProgress: () => {} });
  await until('the third part is on its way', () => partsSent().includes(3));
  death.abort();
  await expect(dying).rejects.toThrow();
  line.setFate(() => 'through');
  expect(await store().put({ file, key: KEY, signal: signal(), onProgress: () => {} })).toBe(true);
  expect(partsSent()).toEqual([1, 2, 3, 3, 4]);
  expect(lines).toEqual(['image.bin: 2 parts are in the store already']);
  expect(await storedDigest()).toBe(file.sha256);
});

test('what has changed meanwhile is sent again, though a part of its number is there', async () => {
  const before = await fileOf(PART_BYTES * 3);
  line.setFate(({ path: at }) => (at.includes('partNumber=3') ? 'withheld' : 'through'));
  const death = new AbortController();
  const dying = store().put({ file: before, key: KEY, signal: death.signal, onProgress: () => {} });
  await until('the third part is on its way', () => partsSent().includes(3));
  death.abort();
  await expect(dying).rejects.toThrow();
  line.setFate(() => 'through');
  const file = await fileOf(PART_BYTES * 3);
  expect(await store().put({ file, key: KEY, signal: signal(), onProgress: () => {} })).toBe(true);
  expect(partsSent()).toEqual([1, 2, 3, 1, 2, 3]);
  expect(await storedDigest()).toBe(file.sha256);
});

test('an upload that the store has dropped meanwhile begins anew', async () => {
  const file = await fileOf(PART_BYTES * 2);
  new BegunUploads(database.db).note(KEY, 'bm90LWFuLXVwbG9hZA');
  expect(await store().put({ file, key: KEY, signal: signal(), onProgress: () => {} })).toBe(true);
  expect(partsSent()).toEqual([1, 2]);
});

test('what was begun for a lease that is over is dropped, and what is still wanted stays', async () => {
  const begun = new BegunUploads(database.db);
  const other = KEY.replace('lease-1', 'lease-2');
  const [over, wanted] = await Promise.all(
    [KEY, other].map(async (key) => begun.note(key, await client().initiateNewMultipartUpload(BUCKET, key, {}))),
  );
  const areBegun = async () => [await client().isBegun(KEY, over ?? ''), await client().isBegun(other, wanted ?? '')];
  expect(await areBegun()).toEqual([true, true]);
  await store().dropAllBut(['lease-2'], signal());
  expect(begun.keys()).toEqual([other]);
  expect(await areBegun()).toEqual([false, true]);
  await store().dropAllBut([], signal());
  expect(await areBegun()).toEqual([false, false]);
});

test('a store that refuses the key is told of once, and left alone for ten minutes', async () => {
  const file = await fileOf(100);
  let now = 0;
  const refused = store({ secretAccessKey: 'another', now: () => now });
  const put = () => refused.put({ file, key: KEY, signal: signal(), onProgress: () => {} });
  expect(await put()).toBe(false);
  expect([refused.isOpen, partsSent().length]).toEqual([false, 1]);
  now = 10 * 60_000;
  expect(refused.isOpen).toBe(true);
  expect(await put()).toBe(false);
  expect(lines).toEqual([
    expect.stringMatching(/^the store at http.* is not used: image.bin was not taken: .*; files go through the edge$/),
  ]);
  expect(lines[0]).not.toContain('another');
});

test('a store that is overloaded is asked again, and then given up', async () => {
  const file = await fileOf(PART_BYTES * 2);
  line.setFate(({ path: at }) => (at.includes('partNumber=2') ? { status: 503 } : 'through'));
  expect(await store().put({ file, key: KEY, signal: signal(), onProgress: () => {} })).toBe(false);
  expect(partsSent()).toEqual([1, 2, 2, 2, 2, 2, 2]);
  const uploadId = /uploadId=([^&]+)/.exec(line.seen.at(-1)?.path ?? '')?.[1] ?? '';
  expect([uploadId, await client().isBegun(KEY, uploadId)], 'nothing is left behind').toEqual([
    expect.stringMatching(/./),
    false,
  ]);
});
