/**
 * The numbered rules of the v1 API that are about HTTP: what today's clients send and what they can read. Each was learnt from
 * a client that hung, looped or gave up. The other rules are in v1-rules-answers.test.ts and v1-rules-requests.test.ts.
 */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { app } from '../app.ts';
import { ask, env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { built, type FarmNode, IMAGE_NAME, joinNode, lease, report } from '../nodes/farm-node.fixture.ts';

/** Builds in each of their states. */
const hash = { done: '', failed: '', queued: '', started: '', unknown: 'f'.repeat(64) };
let node: FarmNode;
let image = '';

beforeAll(async () => {
  const mirror = await openUpstream();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'x86/generic': 'i386' } });
  mirror.weather.set('releases/24.10.2/targets/x86/generic/sha256sums', () => new Response('', { status: 503 }));
  node = await joinNode(1);
  hash.done = await built(node, GOOD_REQUEST);
  image = `/store/${hash.done}/${IMAGE_NAME}`;
  hash.failed = await begun('failing');
  await report(node, await leaseOf(hash.failed), 1, {
    case: 'failed',
    value: { kind: 'conflict', detail: 'Error: x' },
  });
  hash.started = await begun('starting');
  await leaseOf(hash.started);
  hash.queued = await begun('waiting');
  await vi.waitFor(async () => expect((await poll(hash.failed)).status).toBe(500), { timeout: 30_000 });
  await vi.waitFor(async () => expect((await poll(hash.started)).headers.get('x-imagebuilder-status')).toBe('init'), {
    timeout: 30_000,
  });
});

const begun = async (name: string): Promise<string> =>
  String((await jsonOf(await post({ ...GOOD_REQUEST, packages: [name] }))).request_hash);

async function leaseOf(requestHash: string): Promise<string> {
  const order = await lease(node);
  if (order?.requestHash !== requestHash) throw new Error('expected an order for the build that was asked for last');
  return order.leaseId;
}

const poll = (requestHash: string, init?: RequestInit): Promise<Response> => ask(`/api/v1/build/${requestHash}`, init);

/** As the two command line clients send it: in chunks, without a length. */
function inChunks(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 16_384) controller.enqueue(bytes.subarray(at, at + 16_384));
      controller.close();
    },
  });
}

describe('rule 1: a POST in chunks, without a length and without wishes as to the answer', () => {
  const postInChunks = (text: string) => ask('/api/v1/build', { method: 'POST', body: inChunks(text) });

  it('is taken, and answered uncompressed', async () => {
    const response = await postInChunks(JSON.stringify(GOOD_REQUEST));
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, null]);
    expect(await jsonOf(response)).toMatchObject({ request_hash: hash.done });
  });

  it.each([
    ['JSON', 'application/json'],
    ['JSON of other letters', 'application/json; charset=utf-16'],
    ['text', 'text/json'],
    ['what curl calls it', 'application/x-www-form-urlencoded'],
    ['nothing', ''],
  ])('is JSON in UTF-8 where it is called %s, in chunks and with a length', async (_, type) => {
    const text = JSON.stringify(GOOD_REQUEST);
    const headers = { 'content-type': type };
    const sent = [
      { body: inChunks(text), headers },
      { body: text, headers: { ...headers, 'content-length': String(text.length) } },
    ];
    for (const init of sent)
      expect(await jsonOf(await ask('/api/v1/build', { method: 'POST', ...init }))).toMatchObject({
        request_hash: hash.done,
      });
  });

  it('may begin with the mark that some editors write before it', async () => {
    const text = `\uFEFF${JSON.stringify(GOOD_REQUEST)}`;
    const headers = { 'content-length': String(new TextEncoder().encode(text).length) };
    const withLength = await ask('/api/v1/build', { method: 'POST', body: text, headers });
    for (const response of [withLength, await postInChunks(text)])
      expect(await jsonOf(response)).toMatchObject({ request_hash: hash.done });
  });

  it('may have 256 KiB and not a byte more', async () => {
    const request = JSON.stringify(GOOD_REQUEST);
    const full = request + ' '.repeat(256 * 1024 - request.length);
    expect((await postInChunks(full)).status).toBe(200);
    expect((await jsonOf(await postInChunks(`${full} `))).status).toBe(413);
  });
});

describe('rule 2: an image', () => {
  it.each(['GET', 'HEAD'])('has by %s all the headers that clients and proxies read', async (method) => {
    const response = await ask(image, { method });
    const body = new TextDecoder().decode(await response.arrayBuffer());
    expect(response.status).toBe(200);
    const text = `image of ${hash.done}`;
    expect(body).toBe(method === 'GET' ? text : '');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': String(text.length),
      etag: `"${sha256Hex(text)}"`,
      'accept-ranges': 'bytes',
      'content-disposition': `attachment; filename="${IMAGE_NAME}"`,
      'x-content-type-options': 'nosniff',
    });
  });
});

describe('rule 3: no redirect', () => {
  const RELEASE = '/json/v1/releases/24.10.2';
  it.each([
    '/store',
    '/store/',
    '/store/{done}',
    '/store/{done}/',
    `/store/{done}/${IMAGE_NAME}`,
    `/store/{done}/${IMAGE_NAME}/`,
    `//store//{done}//${IMAGE_NAME}`,
    '/store/{unknown}/x.bin',
    '/store/{done}/../x',
    '/json',
    '/json/v1/overview.json',
    '/json/v1/overview.json/',
    '//json//v1/overview.json',
    '/json/v1/branches.json',
    '/json/v1/latest.json',
    `${RELEASE}/targets/x86/64/index.json`,
    `${RELEASE}/targets/x86/64/`,
    `${RELEASE}/targets/x86/64/generic.json`,
    `${RELEASE}/packages/x86_64-index.json`,
    '/json/v1/snapshots/targets/x86/64/index.json',
    '/api/v1/overview',
    '/overview',
  ])('%s', async (path) => {
    const url = path.replace('{done}', hash.done).replace('{unknown}', hash.unknown);
    for (const method of ['GET', 'HEAD', 'POST']) {
      const response = await ask(url, { method, redirect: 'manual' });
      await response.arrayBuffer();
      // 403: what would tell which builds there are.
      expect([200, 403, 404, 405]).toContain(response.status);
      expect(response.headers.has('location')).toBe(false);
    }
  });
});

describe('rule 4: an error is a JSON object with CORS, its `detail` a string, its `status` the one of HTTP', () => {
  const withOneMiss = { ...env, MISSES_PER_MINUTE: '1' };
  async function flood(): Promise<Response> {
    const from = { headers: { 'cf-connecting-ip': '192.0.2.1' } };
    let last = new Response();
    for (const digit of ['a', 'b', 'c'])
      last = await app.request(`/api/v1/build/${digit.repeat(64)}`, from, withOneMiss);
    return last;
  }

  it.each<[number, string, () => Promise<Response>]>([
    [400, 'nothing that there is', () => post({ ...GOOD_REQUEST, version: '1' })],
    [401, 'a node that nobody knows', () => ask('/farm/v1/objects/x/y', { method: 'PUT' })],
    [404, 'no page', () => ask('/nosuch')],
    [404, 'no build', () => poll(hash.unknown)],
    [404, 'no file', () => ask('/store/x/y')],
    [404, 'no list', () => ask('/json/v1/releases/1/targets/a/b/index.json')],
    [405, 'the wrong method', () => ask('/api/v1/build', { method: 'DELETE' })],
    [413, 'a body that is too large', () => post(' '.repeat(300_000))],
    [416, 'a range beyond the file', () => ask(image, { headers: { range: 'bytes=9999-' } })],
    [422, 'no JSON', () => post('{')],
    [422, 'values outside the grammar', () => post({ ...GOOD_REQUEST, profile: 7 })],
    [429, 'a flood', flood],
    [500, 'a build that failed', () => poll(hash.failed)],
    [500, 'conditions that do not hold', () => post({ ...GOOD_REQUEST, version_code: 'r1-a' })],
    [503, 'what upstream does not give now', () => post({ ...GOOD_REQUEST, target: 'x86/generic' })],
  ])('%i, for %s', async (status, _, act) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await act();
    log.mockRestore();
    expect(response.status).toBe(status);
    const body = await jsonOf(response);
    expect(Array.isArray(body)).toBe(false);
    expect(body).toMatchObject({ status, detail: expect.stringMatching(/./) });
  });

  it('names each field of a request that is wrong, beside the string', async () => {
    expect(await jsonOf(await post({ ...GOOD_REQUEST, profile: 7, filesystem: 'ntfs' }))).toMatchObject({
      detail: expect.stringMatching(/^profile: /),
      errors: [
        { path: 'profile', message: expect.any(String) },
        { path: 'filesystem', message: expect.any(String) },
      ],
    });
  });
});

describe('rule 5: browsers of every origin', () => {
  it.each(['/api/v1/build', '/api/v1/build/{done}', '/json/v1/overview.json', '/nosuch', image])(
    'are told by OPTIONS %s that they may',
    async (path) => {
      const headers = {
        origin: 'http://192.168.1.1',
        'access-control-request-headers': 'x-requested-with, content-type',
      };
      const response = await ask(path.replace('{done}', hash.done), { method: 'OPTIONS', headers });
      expect([response.status, await response.text()]).toEqual([204, '']);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'content-type, x-requested-with',
        'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
        'access-control-max-age': expect.stringMatching(/^\d+$/),
      });
    },
  );

  it('may read every answer', async () => {
    const imageAs = (headers: Record<string, string>) => ask(image, { headers });
    const answers = [
      imageAs({ range: 'bytes=0-1' }),
      imageAs({ range: 'bytes=9999-' }),
      imageAs({ 'if-none-match': '*' }),
      poll(`${hash.done}/events`, { headers: { 'last-event-id': 'end' } }),
      post(GOOD_REQUEST),
      post('{'),
      ...Object.values(hash).map((each) => poll(each)),
      ...[image, '/json/v1/overview.json', '/api/v1/stats', '/healthz', '/metrics', '/openapi.json', '/docs'].map(
        (path) => ask(path),
      ),
      ask('/nosuch', { method: 'PATCH' }),
    ];
    for (const [at, response] of (await Promise.all(answers)).entries()) {
      expect([at, response.headers.get('access-control-allow-origin')]).toEqual([at, '*']);
      // Of those that are not said, a page in a browser sees none.
      expect([at, response.headers.get('access-control-expose-headers')]).toEqual([
        at,
        expect.stringMatching(/x-imagebuilder-status, x-queue-position.*retry-after, content-length.*etag/),
      ]);
      await response.arrayBuffer();
    }
  });
});

describe('rule 6: a query that nobody knows', () => {
  it('changes no answer', async () => {
    for (const path of [
      `/api/v1/build/${hash.done}`,
      '/json/v1/overview.json',
      image,
      '/json/v1/releases/24.10.2/targets/x86/64/index.json',
    ]) {
      const [plain, queried] = [await ask(path), await ask(`${path}?1763000000`)];
      expect([queried.status, await queried.bytes()]).toEqual([200, await plain.bytes()]);
    }
    const response = await ask('/api/v1/build?1763000000', { method: 'POST', body: JSON.stringify(GOOD_REQUEST) });
    expect(await jsonOf(response)).toMatchObject({ status: 200, request_hash: hash.done });
  });

  it('is in no key of a cache: what was asked once is not asked for again', async () => {
    const calls = async () => JSON.stringify((await foremanStats()).calls);
    const read = vi.spyOn(env.CACHE, 'get');
    const before = await calls();
    for (let n = 0; n < 20; n++)
      for (const path of [`/api/v1/build/${hash.done}`, '/json/v1/overview.json', image])
        await (await ask(`${path}?${n}`)).arrayBuffer();
    expect(read).not.toHaveBeenCalled();
    read.mockRestore();
    expect(await calls()).toBe(before);
    for (const { name } of (await env.CACHE.list()).keys) expect(name).not.toMatch(/[?]/);
  });
});

describe('rule 8: HEAD of a build', () => {
  it.each(Object.keys(hash) as (keyof typeof hash)[])(
    'that is %s has status and headers of GET, and no body',
    async (state) => {
      const [get, head] = [await poll(hash[state]), await poll(hash[state], { method: 'HEAD' })];
      expect([head.status, await head.text()]).toEqual([get.status, '']);
      expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
      expect(get.status).toBe({ done: 200, failed: 500, queued: 202, started: 202, unknown: 404 }[state]);
    },
  );
});

describe('rule 15: `//` in a path is `/`', () => {
  it.each(['//api/v1/build', '/api//v1/build', '/api/v1//build', '////api//v1///build'])(
    'for POST %s',
    async (path) => {
      const response = await ask(path, { method: 'POST', body: JSON.stringify(GOOD_REQUEST) });
      expect(await jsonOf(response)).toMatchObject({ status: 200, request_hash: hash.done });
    },
  );

  it.each(['GET', 'HEAD'])('for %s', async (method) => {
    for (const path of [
      `//api//v1/build//${hash.done}`,
      `/${image}`,
      '//json//v1//branches.json',
      '//json/v1/releases//24.10.2//targets/x86//64//generic.json',
    ]) {
      const response = await ask(path, { method });
      await response.arrayBuffer();
      expect([path, response.status]).toEqual([path, 200]);
    }
  });

  it('for OPTIONS and for what is refused', async () => {
    expect((await ask(`//api//v1/build//${hash.done}`, { method: 'OPTIONS' })).status).toBe(204);
    expect((await ask('//api//v1//build', { method: 'PUT' })).status).toBe(405);
  });
});

describe('rule 18: a client', () => {
  it.each([
    ['without a name', {}],
    ['with an empty name', { 'user-agent': '' }],
    ['with a name of any length', { 'user-agent': 'x'.repeat(4_000) }],
  ])('%s is answered as any other', async (_, headers) => {
    const response = await ask('/api/v1/build', { method: 'POST', headers, body: JSON.stringify(GOOD_REQUEST) });
    expect(await jsonOf(response)).toMatchObject({ status: 200, request_hash: hash.done });
    expect((await poll(hash.queued, { headers })).status).toBe(202);
  });
});
