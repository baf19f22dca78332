import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { BuildError } from '../../shared/build/build-error.ts';
import { type Download, download } from './download.ts';

const content = Buffer.alloc(300_000, 'ImageBuilder ');
const sha256 = createHash('sha256').update(content).digest('hex');

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let directory: string;
let server: Server;
let url: string;
/** What the server does with the first, second … request; the last one stays. */
let answers: Answer[];
let requests: IncomingMessage[];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'download-'));
  answers = [];
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    (answers.length > 1 ? answers.shift() : answers[0])?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ib.tar.xz`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, maxRetries: 5 });
});

const whole: Answer = (_, response) => void response.setHeader('etag', '"v1"').end(content);

const ranged: Answer = (request, response) => {
  const start = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start === 0) return whole(request, response);
  response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
  response.writeHead(206).end(content.subarray(start));
};

/** Cuts the connection once the other side has something of it on its disk. */
const cutAfter =
  (bytes: number): Answer =>
  async (_, response) => {
    response.setHeader('etag', '"v1"').setHeader('content-length', content.length);
    response.write(content.subarray(0, bytes));
    while ((await stat(`${target()}.part`)).size === 0) await sleep(5);
    response.destroy();
  };

const status =
  (code: number): Answer =>
  (_, response) =>
    void response.writeHead(code).end('no');

const target = () => path.join(directory, 'ib');

const fetchIt = (more: Partial<Download> = {}) =>
  download({
    url,
    sha256,
    path: target(),
    signal: new AbortController().signal,
    ...more,
    limits: { backoffMs: 1, ...more.limits },
  });

const isWhole = async () => expect(await readFile(target())).toEqual(content);

test('a whole file gets its name, and progress ends at its size', async () => {
  answers = [whole];
  const heard: [number, number][] = [];
  await fetchIt({ onProgress: (done, total) => heard.push([done, total]) });
  await isWhole();
  expect(heard.at(-1)).toEqual([content.length, content.length]);
  expect(await readdir(directory)).toEqual(['ib']);
});

test('a connection that is cut is continued where it ended, and only if the file is still the same', async () => {
  answers = [cutAfter(100_000), ranged];
  await fetchIt();
  await isWhole();
  const start = Number(/[0-9]+/.exec(requests[1]?.headers.range ?? '')?.[0]);
  expect(start).toBeGreaterThan(0);
  expect(start).toBeLessThanOrEqual(100_000);
  expect(requests[1]?.headers['if-range']).toBe('"v1"');
});

test('what an earlier run left is continued', async () => {
  await writeFile(`${target()}.part`, content.subarray(0, 1000));
  answers = [ranged];
  await fetchIt();
  await isWhole();
  expect(requests.map(({ headers }) => headers.range)).toEqual(['bytes=1000-']);
});

test('what an earlier run had whole and did not come to name is not asked for', async () => {
  await writeFile(`${target()}.part`, content);
  await fetchIt();
  await isWhole();
  expect(requests).toEqual([]);
});

test('a server without ranges starts again from the beginning', async () => {
  await writeFile(`${target()}.part`, 'rubbish of another day');
  answers = [whole];
  await fetchIt();
  await isWhole();
});

test('a beginning of other bytes is dropped, and the file fetched as a whole', async () => {
  await writeFile(`${target()}.part`, 'rubbish of another day');
  answers = [ranged];
  await fetchIt();
  await isWhole();
  expect(requests.map(({ headers }) => headers.range)).toEqual(['bytes=22-', undefined]);
});

test('a beginning longer than the file is dropped', async () => {
  await writeFile(`${target()}.part`, Buffer.alloc(content.length + 1));
  answers = [status(416), ranged];
  await fetchIt();
  await isWhole();
});

test('a server that answers other bytes than it was asked for is not believed', async () => {
  await writeFile(`${target()}.part`, content.subarray(0, 1000));
  answers = [
    (_, response) => void response.setHeader('content-range', 'bytes 5-9/10').writeHead(206).end('wrong'),
    ranged,
  ];
  await fetchIt();
  await isWhole();
});

test('wrong bytes are deleted, and both digests told', async () => {
  answers = [(_, response) => void response.end('something else')];
  const got = createHash('sha256').update('something else').digest('hex');
  await expect(fetchIt()).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringContaining(`expected sha256 ${sha256}, got ${got}`),
  });
  expect(requests).toHaveLength(1);
  expect(await readdir(directory)).toEqual([]);
});

test('a captive portal’s page with status 200 is told to be one', async () => {
  answers = [(_, response) => void response.setHeader('content-type', 'text/html').end('<html>Welcome')];
  await expect(fetchIt()).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringContaining('(an HTML page)'),
  });
  expect(await readdir(directory)).toEqual([]);
});

test('a 404 is told at once', async () => {
  answers = [status(404)];
  await expect(fetchIt()).rejects.toMatchObject({ detail: expect.stringContaining('it answered 404') });
  expect(requests).toHaveLength(1);
});

test('a 503 is tried three times', async () => {
  answers = [status(503)];
  await expect(fetchIt()).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringContaining('it answered 503'),
  });
  expect(requests).toHaveLength(3);
});

test('a 503 that passes is nobody’s failure', async () => {
  answers = [status(503), whole];
  await fetchIt();
  await isWhole();
});

test('a server that takes the request and never answers is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  // Not before it is here: to a machine that is busy a request takes its time as well.
  answers = [() => void vi.advanceTimersByTime(30_000)];
  await expect(fetchIt({ limits: { connectTimeoutMs: 30_000, attempts: 2 } })).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringContaining('an answer did not come within 30 s'),
  });
  expect(requests).toHaveLength(2);
});

test('a server that stops in the middle is given up', async () => {
  answers = [(_, response) => void response.setHeader('content-length', content.length).write(content.subarray(0, 9))];
  await expect(fetchIt({ limits: { idleTimeoutMs: 50, attempts: 1 } })).rejects.toMatchObject({
    detail: expect.stringContaining('more bytes did not come'),
  });
});

test('a server that sends a byte now and then is never idle, and is given up for its pace', async () => {
  answers = [
    async (_, response) => {
      response.setHeader('content-length', content.length);
      while (!response.destroyed) {
        response.write('x');
        await sleep(10);
      }
    },
  ];
  const limits = { idleTimeoutMs: 60_000, paceBytes: 1000, paceMs: 200, attempts: 2 };
  await expect(fetchIt({ limits })).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringMatching(/expected at least 1000 bytes in 0\.2 s, got \d+: it is too slow/),
  });
  expect(requests).toHaveLength(2);
});

test('whoever has no room for a file of that size is asked before anything is written', async () => {
  answers = [whole];
  const sizes: number[] = [];
  const refuse = async (totalBytes: number) => {
    sizes.push(totalBytes);
    throw new BuildError('disk_full');
  };
  await expect(fetchIt({ onSize: refuse })).rejects.toMatchObject({ kind: 'disk_full' });
  expect(sizes).toEqual([content.length]);
  expect((await stat(`${target()}.part`)).size).toBe(0);
  expect(requests).toHaveLength(1);
});

test('nobody there: the reason is told', async () => {
  await expect(fetchIt({ url: 'http://127.0.0.1:1/ib.tar.xz' })).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringMatching(/the connection failed/),
  });
});

test('a file larger than the limit is refused, announced or not', async () => {
  answers = [whole];
  const limits = { maxBytes: 1000 };
  await expect(fetchIt({ limits })).rejects.toMatchObject({ detail: expect.stringContaining('at most 1000 bytes') });
  answers = [(_, response) => void response.setHeader('transfer-encoding', 'chunked').end(content)];
  await expect(fetchIt({ limits })).rejects.toMatchObject({ detail: expect.stringContaining('at most 1000 bytes') });
});

test.each<[string, Partial<Download>]>([
  ['it is too large', { limits: { maxBytes: 1000 } }],
  ['there is no room for it', { onSize: () => Promise.reject(new BuildError('disk_full')) }],
])('a server is not kept sending what is not taken, since %s', async (_, more) => {
  // Keeps its answer from the garbage collector, which would close it some day.
  const fetched = vi.spyOn(globalThis, 'fetch');
  onTestFinished(() => fetched.mockRestore());
  const { promise: isClosed, resolve } = Promise.withResolvers<void>();
  answers = [
    (_, response) => {
      response.once('close', resolve).setHeader('content-length', 1e9).write(content);
    },
  ];
  await expect(fetchIt(more)).rejects.toThrow(BuildError);
  await isClosed;
});

test('redirects are followed three times, within http', async () => {
  const redirect =
    (location: string): Answer =>
    (_, response) =>
      void response.writeHead(302, { location }).end();
  answers = [redirect('/1'), redirect('/2'), redirect('/3'), whole];
  await fetchIt();
  await isWhole();
  answers = [redirect('/again')];
  await expect(fetchIt()).rejects.toMatchObject({ detail: expect.stringContaining('more than 3 times') });
  answers = [redirect('file:///etc/passwd')];
  await expect(fetchIt()).rejects.toMatchObject({ detail: expect.stringContaining('redirects to file:') });
});

test('an abort ends it with the caller’s reason and keeps what there is for the next time', async () => {
  const controller = new AbortController();
  answers = [
    (_, response) => {
      response.setHeader('content-length', content.length).write(content.subarray(0, 1000));
    },
  ];
  const running = fetchIt({
    signal: controller.signal,
    onProgress: () => setTimeout(() => controller.abort(new Error('enough')), 20),
  });
  await expect(running).rejects.toThrow('enough');
  expect(await readdir(directory)).toEqual(['ib.part']);
});
