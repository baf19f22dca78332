/** Section 3 of the seed API, "Files": directories of builds, under both of their names. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { verifyUsign } from '../../shared/crypto/usign.ts';
import { parseSha256Sums } from '../../shared/upstream/sha256sums.ts';
import { ask, env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { type FarmNode, IMAGE_NAME, joinNode } from '../nodes/farm-node.fixture.ts';
import { prefixKey } from '../seed/known-prefixes.ts';
import { buildNext, openSeedIsolate, seedJson, untilStatus } from '../seed/request.fixture.ts';
import { R2ObjectStore } from '../storage/r2.ts';
import { endBuild, FILES, IMAGE, LISTED } from './seed-files.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
const LOG = ['make: entering\n', 'make: \u001b[31mdone\u001b[0m\n'];
const UNKNOWN = 'f'.repeat(32);
let node: FarmNode;
let hash = '';
let path = '';

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  hash = await endBuild(node, { log: LOG });
  path = hash.slice(0, 32);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Listed {
  readonly name: string;
  readonly type: string;
  readonly mtime: string;
  readonly size: number;
}

const listed = async (url: string): Promise<Listed[]> => {
  const response = await ask(url);
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return response.json();
};
/** Images of these tests are text, whatever is said of them. */
const bodyOf = async (response: Response): Promise<string> => new TextDecoder().decode(await response.arrayBuffer());
const textOf = async (url: string): Promise<string> => {
  const response = await ask(url);
  expect(response.status).toBe(200);
  return bodyOf(response);
};

describe('GET <files>', () => {
  it('lists what was built, and what the server makes of it, with type, time and size', async () => {
    const files = await listed(`/json/${path}/`);
    expect(files.map(({ name }) => name)).toEqual(['build.log', ...LISTED].sort());
    for (const { type, mtime } of files) {
      expect(type).toBe('file');
      expect(mtime).toMatch(/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/);
    }
  });

  it.each(['json', 'download'])('tells of each file the size that it has below /%s/', async (root) => {
    for (const { name, size } of await listed(`/${root}/${path}/`)) {
      const response = await ask(`/${root}/${path}/${name}`);
      expect([name, response.headers.get('content-length')]).toEqual([name, String(size)]);
      expect((await response.arrayBuffer()).byteLength).toBe(size);
    }
  });

  it.each([
    ['the other name', (p: string) => `/download/${p}/`],
    ['no slash at the end', (p: string) => `/json/${p}`],
    ['doubled slashes', (p: string) => `//json//${p}//`],
    ["chef's way to write it", (p: string) => `/json/json/${p}/`],
    ['the whole hash', () => `/json/${hash}/`],
    ['a query', (p: string) => `/json/${p}/?1763000000`],
  ])('is the same by %s', async (_, url) => {
    expect(await listed(url(path))).toEqual(await listed(`/json/${path}/`));
  });

  it('lists no log where none is kept', async () => {
    const silent = await endBuild(node);
    expect((await listed(`/json/${silent.slice(0, 32)}/`)).map(({ name }) => name)).toEqual(LISTED);
  });

  it('lists each name once, and as the server has it, whatever a node stored', async () => {
    const rogue = await endBuild(node, { files: { ...FILES, 'build.log': 'forged', 'sha256sums.sig': 'forged' } });
    const files = await listed(`/json/${rogue.slice(0, 32)}/`);
    expect(files.map(({ name }) => name)).toEqual(LISTED);
    for (const name of ['sha256sums', 'sha256sums.sig', 'build.log'])
      expect(await textOf(`/json/${rogue.slice(0, 32)}/${name}`)).not.toMatch(/forged|^0{64} /);
  });
});

describe('a listing of what lies above', () => {
  it.each([
    '/json',
    '/json/',
    '/json//',
    '//json',
    '/download',
    '/download/',
    '/json/?a=b',
    '/json/%2e/',
    '/json/x/..',
  ])('%s is 403 in JSON', async (url) => {
    for (const method of ['GET', 'HEAD']) expect((await ask(url, { method })).status).toBe(403);
    expect(await seedJson(await ask(url))).toMatchObject({ status: 403 });
  });
});

describe('GET /json/<path>/<file> and GET /download/<path>/<file>', () => {
  const urls = [
    (p: string, name: string) => `/json/${p}/${name}`,
    (p: string, name: string) => `/download/${p}/${name}`,
    (p: string, name: string) => `//json/${p}//${name}`,
    (p: string, name: string) => `/download//json/${p}//${name}`,
  ];

  it.each(urls.map((url) => [url('<path>', '<file>'), url] as const))('%s is the file', async (_, url) => {
    const response = await ask(url(path, IMAGE_NAME));
    expect([response.status, await bodyOf(response)]).toEqual([200, IMAGE]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'content-length': String(IMAGE.length),
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${IMAGE_NAME}"`,
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      etag: `"${sha256Hex(IMAGE)}"`,
    });
  });

  it('may be written with escapes that say the same', async () => {
    expect(await textOf(`/json/${path}/${IMAGE_NAME.replace('-', '%2D').replace('.', '%2e')}`)).toBe(IMAGE);
  });

  it('serves the very bytes of /store', async () => {
    for (const name of ['profiles.json', 'openwrt-x86-64-generic.manifest', 'openwrt-x86-64-generic.bom.cdx.json'])
      expect(await textOf(`/json/${path}/${name}`)).toBe(await textOf(`/store/${hash}/${name}`));
  });

  it('asks the store nothing for HEAD, nor for what is made here', async () => {
    const get = vi.spyOn(bucket, 'get');
    const list = vi.spyOn(bucket, 'list');
    for (const name of [IMAGE_NAME, 'sha256sums', 'sha256sums.sig'])
      expect((await ask(`/json/${path}/${name}`, { method: 'HEAD' })).headers.get('content-length')).toMatch(/^\d+$/);
    expect([get.mock.calls, list.mock.calls]).toEqual([[], []]);
  });

  const DIRECTORY = '';
  describe.each([IMAGE_NAME, 'sha256sums', 'sha256sums.sig', 'build.log', DIRECTORY])('of "%s"', (name) => {
    const url = () => `/json/${path}/${name}`;
    let whole = '';
    let etag = '';
    beforeEach(async () => {
      const response = await ask(url());
      etag = response.headers.get('etag') ?? '';
      whole = await bodyOf(response);
    });

    it('the tag is the digest of the bytes', () => {
      expect(etag).toBe(`"${sha256Hex(whole)}"`);
    });

    it('text has an encoding, so that nobody on the way compresses it and takes its length away', async () => {
      const response = await ask(url());
      expect(response.headers.get('content-encoding')).toBe(name === IMAGE_NAME ? null : 'identity');
      expect(await bodyOf(response)).toBe(whole);
    });

    it.each([
      ['bytes=0-4', 0, 5],
      ['bytes=3-', 3, undefined],
      ['bytes=-4', -4, undefined],
      ['bytes=3-99999', 3, undefined],
    ])('Range %s is that part', async (range, from, to) => {
      const part = whole.slice(from, to);
      const first = from < 0 ? whole.length + from : from;
      const response = await ask(url(), { headers: { range } });
      expect([response.status, await bodyOf(response)]).toEqual([206, part]);
      expect(response.headers.get('content-length')).toBe(String(part.length));
      expect(response.headers.get('content-range')).toBe(`bytes ${first}-${first + part.length - 1}/${whole.length}`);
    });

    it.each(['bytes=99999-', 'bytes=-0'])('Range %s is refused, with the size', async (range) => {
      const response = await ask(url(), { headers: { range } });
      expect(response.headers.get('content-range')).toBe(`bytes */${whole.length}`);
      expect(await seedJson(response)).toMatchObject({ status: 416 });
    });

    it.each(['bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b'])('Range %s means the whole', async (range) => {
      const response = await ask(url(), { headers: { range } });
      expect([response.status, await bodyOf(response)]).toEqual([200, whole]);
    });

    it('what was begun is gone on with where it is the same', async () => {
      for (const [ifRange, status] of [[etag, 206] as const, ['"other"', 200] as const]) {
        const response = await ask(url(), { headers: { range: 'bytes=1-2', 'if-range': ifRange } });
        expect([response.status, (await bodyOf(response)).length]).toEqual([status, status === 206 ? 2 : whole.length]);
      }
    });

    it('who has it already gets no body', async () => {
      for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const response = await ask(url(), { headers: { 'if-none-match': tag } });
        expect([response.status, response.headers.get('etag'), await bodyOf(response)]).toEqual([304, etag, '']);
      }
      const other = await ask(url(), { headers: { 'if-none-match': '"other"' } });
      expect([other.status, await bodyOf(other)]).toEqual([200, whole]);
    });

    it('HEAD has the headers of GET, and no ranges', async () => {
      const [get, head] = [await ask(url()), await ask(url(), { method: 'HEAD', headers: { range: 'bytes=3-' } })];
      expect([head.status, await bodyOf(head)]).toEqual([200, '']);
      expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
    });
  });
});

describe('sha256sums', () => {
  it('has exactly one line for each image, the manifest and profiles.json, and they are right', async () => {
    const sums = await textOf(`/json/${path}/sha256sums`);
    expect(
      sums
        .split('\n')
        .filter(Boolean)
        .map((line) => line.slice(64)),
    ).toEqual([` *${IMAGE_NAME}`, ' *openwrt-x86-64-generic.manifest', ' *profiles.json']);
    for (const [name, digest] of parseSha256Sums(sums))
      expect(sha256Hex(await textOf(`/json/${path}/${name}`))).toBe(digest);
  });
});

describe('sha256sums.sig', () => {
  const claim = async () => ({
    message: new TextEncoder().encode(await textOf(`/json/${path}/sha256sums`)),
    signature: await textOf(`/json/${path}/sha256sums.sig`),
    publicKeys: [await textOf('/keys/usign.pub')],
  });

  it("is usign's, by the key at /keys/usign.pub", async () => {
    expect(await verifyUsign(await claim())).toMatchObject({ ok: true });
  });

  it('is of these sums and of no others', async () => {
    const message = new TextEncoder().encode(`${await textOf(`/json/${path}/sha256sums`)}\n`);
    expect(await verifyUsign({ ...(await claim()), message })).toMatchObject({ ok: false, reason: 'bad_signature' });
  });

  it('is two lines, as usign reads them', async () => {
    expect(await textOf(`/download/${path}/sha256sums.sig`)).toMatch(
      /^untrusted comment: signed by key [0-9a-f]{16}\nRW[A-Za-z0-9+/]{97}=\n$/,
    );
  });
});

describe('/keys/usign.pub', () => {
  it('is text with CORS', async () => {
    const response = await ask('/keys/usign.pub');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '104',
    });
    expect(await bodyOf(response)).toMatch(/^untrusted comment: public key [0-9a-f]{16}\nRW[A-Za-z0-9+/]{54}\n$/);
  });

  it.each([
    ['POST', '/keys/usign.pub', 405],
    ['GET', '/keys/', 404],
    ['GET', '/keys/server.pub', 404],
  ])('%s %s: %i', async (method, url, status) => {
    expect(await jsonOf(await ask(url, { method }))).toMatchObject({ status });
  });
});

describe('build.log', () => {
  const PRIVATE = 'The log of an image with defaults is not shown.\n';
  const failed = (more: object = {}) =>
    endBuild(node, { failure: { kind: 'build_failed', detail: 'Error: x' }, ...more });
  const logOf = (requestHash: string) => textOf(`/json/${requestHash}/build.log`);

  it('is what the build printed, without what a terminal would obey', async () => {
    const response = await ask(`/json/${path}/build.log`);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await bodyOf(response)).toBe('make: entering\nmake: done\n');
    expect(await logOf(hash)).toBe('make: entering\nmake: done\n');
  });

  it('of a build that failed lies under its whole hash, and alone', async () => {
    const requestHash = await failed({ log: ['make: it cannot be done\n'] });
    expect(await logOf(requestHash)).toBe('make: it cannot be done\n');
    for (const url of [`/json/${requestHash}/`, `/json/${requestHash.slice(0, 32)}/build.log`])
      expect(await seedJson(await ask(url))).toMatchObject({ status: 404 });
  });

  it('of which no piece is kept is what the failure holds', async () => {
    const failure = { kind: 'build_failed', detail: 'Error: x', stdout: 'out\u001b[1m\r\n', stderr: 'err' };
    expect(await logOf(await failed({ failure }))).toBe('out\nerr\n');
  });

  it('of which nothing is kept says so', async () => {
    expect(await logOf(await failed())).toBe('The log of this build is not kept.\n');
    expect(await logOf((await endBuild(node)).slice(0, 32))).toBe('The log of this build is not kept.\n');
  });

  it('of an image with defaults is never shown, nor is what its failure holds', async () => {
    const request = { defaults: 'echo hunter2' };
    const log = ['hunter2\n'];
    const built = await endBuild(node, { request: { ...request, packages: ['a1'] } });
    const failure = { kind: 'build_failed', detail: 'Error: x', stdout: 'hunter2', stderr: 'hunter2' };
    const broken = await endBuild(node, { request: { ...request, packages: ['a2'] }, failure });
    // A node that sends one all the same is refused.
    await expect(endBuild(node, { request: { ...request, packages: ['a3'] }, log })).rejects.toThrow('403');
    for (const one of [built, built.slice(0, 32), broken]) {
      expect(await logOf(one)).toBe(PRIVATE);
      expect((await ask(`/json/${one}/build.log`)).headers.get('cache-control')).toBe('no-store');
    }
  });

  it('of a build that goes on is not there yet', async () => {
    const { request_hash } = await jsonOf(await post({ ...GOOD_REQUEST, packages: ['goes-on'] }));
    expect(await seedJson(await ask(`/json/${request_hash}/build.log`))).toMatchObject({
      status: 404,
      error: 'the build has not ended',
    });
    await failed({ request: { packages: ['goes-on'] } });
  });
});

describe('an image with defaults', () => {
  let secret = '';
  beforeAll(async () => {
    secret = await endBuild(node, { request: { defaults: 'echo hunter2', packages: ['with-defaults'] } });
  });
  const at = (name = '') => `/json/${secret.slice(0, 32)}/${name}`;

  it('is reached by the same kind of path, is kept nowhere on the way, and is told of by nobody', async () => {
    expect((await listed(at())).map(({ name }) => name)).toEqual(LISTED);
    for (const name of ['', ...LISTED]) {
      const response = await ask(at(name));
      expect([name, response.status, response.headers.get('cache-control')]).toEqual([name, 200, 'no-store']);
      await response.arrayBuffer();
    }
    for (const { name } of (await env.CACHE.list()).keys) {
      expect(name).not.toContain(secret.slice(0, 15));
      expect(await env.CACHE.get(name)).not.toContain(secret.slice(0, 15));
    }
    // As it does of others.
    expect(await env.CACHE.get(prefixKey(path))).toBe(hash);
  });

  it('is gone when its time is over, with all that lay beside it', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 25 * 3_600_000 });
    for (const name of ['', 'build.log', ...LISTED]) expect([name, (await ask(at(name))).status]).toEqual([name, 404]);
  });
});

describe('what is not there is 404 in JSON', () => {
  it.each([
    ['another build', `/json/${UNKNOWN}/`],
    ['a file of another build', `/json/${UNKNOWN}/${IMAGE_NAME}`],
    ['the log of another build', `/json/${UNKNOWN.repeat(2)}/build.log`],
    ['another build by its whole hash', `/download/${UNKNOWN.repeat(2)}/`],
    ['a hash in capitals', `/json/${UNKNOWN.toUpperCase()}/`],
    ['a hash that is too short', `/json/${UNKNOWN.slice(1)}/`],
    ['a hash that is too long', `/json/${UNKNOWN}0/`],
    ['a name of an image', `/json/${UNKNOWN.slice(0, 15)}/`],
    ['a word of the language', '/json/__proto__/constructor'],
    ['another file', '/json/{path}/nosuch.bin'],
    ['a directory', '/json/{path}/packages/x.ipk'],
    ['a slash behind a file', `/json/{path}/${IMAGE_NAME}/`],
    ['a hidden file', '/json/{path}/.sha256sums'],
    ['a name with a NUL', '/json/{path}/sha256sums%00'],
    ['a name with a line break', '/json/{path}/sha256sums%0a'],
    ['an encoded slash', `/json/{path}%2f${IMAGE_NAME}`],
    ['an encoded way up', '/json/{path}/..%2f..%2fbuilds'],
    ['a way up, encoded twice', '/json/{path}/%252e%252e/x'],
    ['a name that cannot be decoded', '/json/{path}/%zz'],
    ['half of a character', '/json/{path}/%ed%a0%80'],
    ['a %', '/json/{path}/%25'],
    ['a very long name', `/json/{path}/${'a'.repeat(5_000)}`],
    ['a path that cannot be decoded', '/json/%ff/x'],
  ])('%s', async (_, url) => {
    for (const root of ['/json/', '/download/']) {
      const response = await ask(url.replace('{path}', path).replace(/^\/\w+\//, root));
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await seedJson(response)).toMatchObject({ status: 404 });
    }
  });
});

test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s is not allowed', async (method) => {
  for (const url of [`/json/${path}/`, `/download/${path}/${IMAGE_NAME}`, '/json/', '/json/nosuch']) {
    const response = await ask(url, { method });
    expect(response.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect(await seedJson(response)).toMatchObject({ status: 405 });
  }
});

describe('/json/v1 beside it', () => {
  it.each([
    ['GET', '/json/v1/overview.json', 200],
    ['GET', '/json/v1/releases/24.10.2/targets/x86/64/index.json', 200],
    ['GET', '/json/json/v1/overview.json', 200],
    ['GET', '/json/v1/nosuch.json', 404],
    ['GET', '/json/v1/', 404],
    ['GET', '/json/v1', 404],
    ['DELETE', '/json/v1/branches.json', 405],
  ])('%s %s stays what it is: %i', async (method, url, status) => {
    const response = await ask(url, { method });
    expect(response.status).toBe(status);
    expect(await jsonOf(response)).not.toHaveProperty('error');
  });

  it('is not all that begins so', async () => {
    expect(await seedJson(await ask('/json/v10/x'))).toMatchObject({ status: 404 });
  });
});

test('a path that was told a moment ago leads to its build, although the store does not list that yet', async () => {
  const isolate = openSeedIsolate();
  const request = { ...GOOD_REQUEST, distro: 'openwrt', board: 'generic', packages: ['wish-of-2019'] };
  expect((await isolate.post(request)).status).toBe(202);
  await buildNext(node);
  const done = await seedJson(await untilStatus(200, () => isolate.post(request)));
  vi.spyOn(R2ObjectStore.prototype, 'list').mockResolvedValue({ objects: [] });
  expect((await isolate.ask(`${done.files}${done.sysupgrade}`)).status).toBe(200);
  expect((await openSeedIsolate().ask(String(done.files))).status).toBe(404);
});

describe('what it costs', () => {
  it('a file of a build that is known here: neither KV, the Foreman nor a listing', async () => {
    await textOf(`/json/${path}/${IMAGE_NAME}`);
    const { status, submit } = (await foremanStats()).calls;
    const spies = [vi.spyOn(env.CACHE, 'get'), vi.spyOn(bucket, 'list')];
    for (const name of ['', ...LISTED]) await textOf(`/json/${path}/${name}`);
    expect(spies.map((spy) => spy.mock.calls)).toEqual([[], []]);
    expect((await foremanStats()).calls).toMatchObject({ status, submit });
  });

  it('a build that is no more than a head of a hash: no call to the Foreman', async () => {
    const { status = 0 } = (await foremanStats()).calls;
    expect((await ask(`/json/${'a'.repeat(32)}/`)).status).toBe(404);
    expect((await ask(`/json/${'a'.repeat(32)}/build.log`)).status).toBe(404);
    expect((await foremanStats()).calls.status ?? 0).toBe(status);
  });
});

test('a flood of paths of nothing is refused in JSON, and the store hears no more of it', async () => {
  const { ask: flood } = openSeedIsolate({ MISSES_LIMIT: undefined, MISSES_PER_MINUTE: '3' });
  const list = vi.spyOn(bucket, 'list');
  const headers = { 'cf-connecting-ip': '192.0.2.1' };
  const answers: Response[] = [];
  for (let n = 0; n < 10; n++) answers.push(await flood(`/json/${sha256Hex(`flood ${n}`).slice(0, 32)}/`, { headers }));
  const [first, last] = [answers[0] as Response, answers[9] as Response];
  expect([first.status, last.status, last.headers.has('retry-after')]).toEqual([404, 503, true]);
  expect(await seedJson(last)).toMatchObject({ error_kind: 'too_many_requests' });
  expect(list).toHaveBeenCalledTimes(answers.filter(({ status }) => status === 404).length);
  // Who pays for it is the flooder alone, and what is known costs nothing.
  const other = await flood(`/json/${path}/sha256sums`, { headers: { 'cf-connecting-ip': '198.51.100.7' } });
  expect(other.status).toBe(200);
  expect((await flood(`/json/${path}/sha256sums`, { headers })).status).toBe(200);
});

describe('in bad weather', () => {
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));

  it.each([
    ['', 'b'],
    [IMAGE_NAME, 'c'],
    ['build.log', 'd'],
  ])('a store that fails is told as our fault, in JSON, for "%s"', async (name, digit) => {
    vi.spyOn(R2ObjectStore.prototype, 'list').mockRejectedValue(new Error('secret insides'));
    const response = await ask(`/json/${digit.repeat(32)}/${name}`);
    const body = await seedJson(response);
    expect([500, 503]).toContain(Number(body.status));
    expect(JSON.stringify(body)).not.toContain('insides');
    vi.restoreAllMocks();
    expect((await ask(`/json/${digit.repeat(32)}/${name}`)).status).toBe(404);
  });

  it('images are listed although the store does not say whether there is a log', async () => {
    const other = await endBuild(node, { log: LOG });
    await listed(`/json/${other.slice(0, 32)}/`).then((files) => expect(files).toHaveLength(LISTED.length + 1));
    const third = await endBuild(node, { log: LOG });
    await textOf(`/json/${third.slice(0, 32)}/sha256sums`);
    vi.spyOn(R2ObjectStore.prototype, 'get').mockRejectedValue(new Error('down'));
    expect((await listed(`/json/${third.slice(0, 32)}/`)).map(({ name }) => name)).toEqual(LISTED);
    vi.restoreAllMocks();
    expect(await listed(`/json/${third.slice(0, 32)}/`)).toHaveLength(LISTED.length + 1);
  });

  it('without KV everything is there', async () => {
    vi.spyOn(env.CACHE, 'get').mockRejectedValue(new Error('KV GET failed: 500'));
    vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429'));
    const other = await endBuild(node);
    expect(await listed(`/json/${other.slice(0, 32)}/`)).toHaveLength(LISTED.length);
  });

  it('a build whose bytes the store has lost is forgotten: no path promises it any more', async () => {
    const request = { packages: ['will-be-lost'] };
    const lost = await endBuild(node, { request });
    const at = (name = '') => `/json/${lost.slice(0, 32)}/${name}`;
    const { objects } = await bucket.list({ prefix: 'objects/', include: ['customMetadata'] });
    expect(await textOf(at(IMAGE_NAME))).toBe(IMAGE);
    const record = (await (await bucket.get(`builds/${lost}.json`))?.json()) as { leaseId: string };
    for (const { key } of objects) if (key.includes(record.leaseId)) await bucket.delete(key);
    expect(await seedJson(await ask(at(IMAGE_NAME)))).toMatchObject({
      status: 404,
      error: 'the file was removed from the store; ask for the image again',
    });
    for (const name of ['', IMAGE_NAME, 'sha256sums', 'build.log']) expect((await ask(at(name))).status).toBe(404);
    const next = await post({ ...GOOD_REQUEST, ...request });
    expect(next.status).toBe(202);
    expect((await jsonOf(next)).request_hash).not.toBe(lost);
  });
});
