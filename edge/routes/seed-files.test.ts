/** Section 3 of the seed API, "Files": directories of builds, under both of their names. */
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { ask, env, foremanStats, GOOD_REQUEST, jsonOf } from '../edge.fixture.ts';
import { type FarmNode, IMAGE_NAME } from '../nodes/farm-node.fixture.ts';
import { prefixKey } from '../seed/known-prefixes.ts';
import { buildNext, openSeedIsolate, seedJson, untilStatus } from '../seed/request.fixture.ts';
import { R2ObjectStore } from '../storage/r2.ts';
import { endBuild, FILES, LISTED, listed, textOf, withSeedFiles } from './seed-files.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
const UNKNOWN = 'f'.repeat(32);
let node: FarmNode;
let hash = '';
let path = '';

withSeedFiles((built) => {
  ({ node, hash, path } = built);
});

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
