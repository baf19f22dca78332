import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MirrorServer, serveMirror } from './mirror-server.ts';

let directory: string;
let server: MirrorServer;

beforeEach(async () => {
  const base = await mkdtemp(join(tmpdir(), 'demo-server-'));
  directory = join(base, 'mirror');
  await mkdir(join(directory, 'sub'), { recursive: true });
  await writeFile(join(base, 'secret'), 'outside');
  await writeFile(join(directory, 'file.bin'), '0123456789');
  await utimes(join(directory, 'file.bin'), 1_700_000_000, 1_700_000_000);
  server = await serveMirror(directory);
});
afterEach(async () => {
  await server.close();
  await rm(join(directory, '..'), { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${server.url}${path}`, { headers, method });

/** fetch tidies paths up before sending; an attacker does not. */
const getRaw = (path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(`${server.url}`, { path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end();
  });

describe('a file', () => {
  it('comes with length, validators and type; HEAD says the same without it', async () => {
    const [whole, head] = [await get('/file.bin'), await get('/file.bin', {}, 'HEAD')];
    expect(await whole.text()).toBe('0123456789');
    expect(await head.text()).toBe('');
    for (const response of [whole, head]) {
      expect(response.status).toBe(200);
      expect(response.headers.get('content-length')).toBe('10');
      expect(response.headers.get('last-modified')).toBe('Tue, 14 Nov 2023 22:13:20 GMT');
      expect(response.headers.get('etag')).toBe(whole.headers.get('etag'));
    }
  });

  it('is 304 for who has it, by ETag before date', async () => {
    const etag = (await get('/file.bin')).headers.get('etag') ?? '';
    const since = 'Tue, 14 Nov 2023 22:13:20 GMT';
    expect((await get('/file.bin', { 'If-None-Match': etag })).status).toBe(304);
    expect((await get('/file.bin', { 'If-Modified-Since': since })).status).toBe(304);
    expect((await get('/file.bin', { 'If-Modified-Since': 'Tue, 14 Nov 2023 22:13:19 GMT' })).status).toBe(200);
    expect((await get('/file.bin', { 'If-None-Match': '"other"', 'If-Modified-Since': since })).status).toBe(200);
  });

  it('has another ETag once replaced, even by one of the same size and time', async () => {
    const before = (await get('/file.bin')).headers.get('etag');
    await writeFile(join(directory, 'next'), '9876543210');
    await utimes(join(directory, 'next'), 1_700_000_000, 1_700_000_000);
    await rename(join(directory, 'next'), join(directory, 'file.bin'));
    expect((await get('/file.bin')).headers.get('etag')).not.toBe(before);
  });

  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=0-1,3-4', 200, '0123456789', null],
  ])('asked for as %s answers %i', async (range, status, body, contentRange) => {
    const response = await get('/file.bin', { Range: range });
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      body,
      contentRange,
    ]);
  });

  it('refuses a range behind its end and ignores one of a file that changed', async () => {
    expect((await get('/file.bin', { Range: 'bytes=10-' })).status).toBe(416);
    expect((await get('/file.bin', { Range: 'bytes=2-4', 'If-Range': '"old"' })).status).toBe(200);
  });
});

describe('what is not there', () => {
  it.each(['/nothing', '/sub', '/sub/', '/'])('%s is a 404 with an HTML page, as on the real mirror', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('<!DOCTYPE html>');
  });

  it.each(['/../secret', '/%2e%2e/secret', '/sub/..%2f..%2fsecret', '/%00', '/%zz'])(
    '%s does not lead out',
    async (path) => {
      expect(await getRaw(path)).toBe(404);
    },
  );

  it('is also how a POST fares, but for its status', async () => {
    expect((await get('/file.bin', {}, 'POST')).status).toBe(405);
  });
});

describe('a fault', () => {
  it('answers with a status, a body or a friendly page where it is asked for, and elsewhere not', async () => {
    server.setFault((path) =>
      path === '/a' ? { status: 503 } : path === '/b' ? { body: 'wrong' } : path === '/c' ? { html: true } : undefined,
    );
    const [a, b, c, file] = await Promise.all(['/a', '/b', '/c', '/file.bin'].map((path) => get(path)));
    expect([a?.status, b?.status, c?.status, file?.status]).toEqual([503, 200, 200, 200]);
    expect(await b?.text()).toBe('wrong');
    expect(c?.headers.get('content-type')).toContain('text/html');
    server.setFault(undefined);
    expect((await get('/a')).status).toBe(404);
  });

  it('cuts a file short of the length it announced', async () => {
    server.setFault(() => ({ truncateAt: 4 }));
    const response = await get('/file.bin');
    expect(response.headers.get('content-length')).toBe('10');
    await expect(response.text()).rejects.toThrow();
  });

  it('can leave a request unanswered, and closing ends it', async () => {
    server.setFault(() => ({ hang: true }));
    const pending = get('/file.bin');
    pending.catch(() => undefined);
    while (server.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
    await server.close();
    await expect(pending).rejects.toThrow();
    server = await serveMirror(directory);
  });
});

it('remembers what was asked, until told to forget', async () => {
  await get('/file.bin');
  await get('/none', {}, 'HEAD');
  expect(server.requests()).toEqual(['GET /file.bin', 'HEAD /none']);
  server.forgetRequests();
  expect(server.requests()).toEqual([]);
});
