import { afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { ask, env, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { finish, joinNode, orderFor } from '../nodes/farm-node.fixture.ts';
import { Foreman } from '../worker.ts';

const UNKNOWN = 'f'.repeat(64);
/** A build that is done, and one that waits. */
let built = '';
let queued = '';
let file = '';

beforeAll(async () => {
  await openUpstream();
  const node = await joinNode(1);
  built = String((await jsonOf(await post(GOOD_REQUEST))).request_hash);
  await finish(node, await orderFor(node));
  await vi.waitFor(async () => expect((await ask(`/api/v1/build/${built}`)).status).toBe(200), EVENTUALLY);
  // The log is told a moment after the image is.
  await vi.waitFor(async () => expect((await ask('/log/head')).status).toBe(200), { timeout: 30_000 });
  queued = String((await jsonOf(await post({ ...GOOD_REQUEST, packages: ['curl'] }))).request_hash);
  const done = (await jsonOf(await ask(`/api/v1/build/${built}`))) as { images: { name: string }[] };
  file = `/store/${built}/${done.images[0]?.name}`;
});

/** `{…}` stands for what is known only once something was built. */
const filled = (path: string): string =>
  path
    .replace('{path}', built.slice(0, 32))
    .replace('{built}', built)
    .replace('{queued}', queued)
    .replace('{image}', built.slice(0, 15))
    .replace('{queuedImage}', queued.slice(0, 15))
    .replace('{file}', file)
    .replace('{unknown}', UNKNOWN);

const JSON_ROUTES: [method: string, path: string, status: number][] = [
  ['GET', '/api/v1/build/{built}', 200],
  ['GET', '/api/v1/build/{queued}', 202],
  ['GET', '/api/v1/build/{unknown}', 404],
  ['GET', '/api/v1/build/short', 404],
  ['GET', `/api/v1/build/${'F'.repeat(64)}`, 404],
  ['GET', '/api/v1/build/%2e%2e%2fx', 404],
  ['GET', '/api/v1/build/%zz', 404],
  ['DELETE', '/api/v1/build/{built}', 405],
  ['POST', '/api/v1/build/{built}', 405],
  ['GET', '/api/v1/build/{unknown}/events', 404],
  ['GET', '/api/v1/build/short/events', 404],
  ['POST', '/api/v1/build/{built}/events', 405],
  ['GET', '/api/v1/build/{built}/provenance', 200],
  ['GET', '/api/v1/build/{queued}/provenance', 404],
  ['GET', '/api/v1/build/{unknown}/provenance', 404],
  ['GET', '/api/v1/build/short/provenance', 404],
  ['GET', '/api/v1/build/%2e%2e%2fx/provenance', 404],
  ['POST', '/api/v1/build/{built}/provenance', 405],
  ['GET', '/log/head', 200],
  ['GET', '/log/1', 200],
  ['GET', '/log/2', 404],
  ['GET', '/log/0', 404],
  ['GET', '/log/01', 404],
  ['GET', '/log/9007199254740993', 404],
  ['GET', '/log/..%2fx', 404],
  ['GET', '/log/head.json', 404],
  ['GET', '/log', 404],
  ['POST', '/log/head', 405],
  ['DELETE', '/log/1', 405],
  ['GET', '/api/v1/build', 405],
  ['PUT', '/api/v1/build', 405],
  ['POST', '/api/upgrade-check', 400],
  ['GET', '/api/upgrade-check', 405],
  ['GET', '/api/upgrade-check/x', 404],
  ['POST', '/api/upgrade-request', 400],
  ['GET', '/api/upgrade-request', 405],
  ['GET', '/api/upgrade-request/{queued}', 202],
  ['GET', '/api/upgrade-request/ffffffffffff', 404],
  ['GET', '/api/upgrade-request/{unknown}', 404],
  ['GET', '/api/upgrade-request/%zz', 404],
  ['POST', '/api/upgrade-request/ffffffffffff', 405],
  ['POST', '/api/build-request', 400],
  ['DELETE', '/api/build-request', 405],
  ['GET', '/api/build-request/{built}', 200],
  ['GET', '/api/build-request/ffffffffffff', 404],
  ['GET', '/api/build-request/%2e%2e%2fx', 404],
  ['PUT', '/api/build-request/ffffffffffff', 405],
  ['GET', '/api/v1/revision/24.10.2/x86/64', 200],
  ['GET', '/api/v1/revision/24.10.99/x86/64', 400],
  ['GET', '/api/v1/revision/19.07.1/x86/64', 400],
  ['GET', '/api/v1/revision/..%2f..%2fetc/x86/64', 400],
  ['GET', '/api/v1/revision/%00/x86/64', 400],
  ['GET', '/api/v1/revision/24.10.2/x86/65', 404],
  ['GET', '/api/v1/revision/24.10.2/..%2f/64', 404],
  ['GET', '/api/v1/revision/24.10.2/__proto__/x', 404],
  ['POST', '/api/v1/revision/24.10.2/x86/64', 405],
  ['GET', '/api/v1/revision/24.10.2/x86', 404],
  ['GET', '/api/image/{image}', 200],
  ['GET', '/api/image/{queuedImage}', 404],
  ['GET', '/api/image/fffffffffffffff', 404],
  ['GET', '/api/image/short', 404],
  ['GET', '/api/image/%zz', 404],
  ['GET', '/api/image', 404],
  ['DELETE', '/api/image/{image}', 405],
  ['GET', '/api/manifest/cb1c9bdb2d778e2', 200],
  ['GET', '/api/manifest/fffffffffffffff', 404],
  ['GET', '/api/manifest/..%2fx', 404],
  ['GET', '/api/manifest', 404],
  ['POST', '/api/manifest/cb1c9bdb2d778e2', 405],
  ['GET', '/api/distros', 200],
  ['POST', '/api/distros', 405],
  ['GET', '/api/distributions', 200],
  ['PUT', '/api/distributions', 405],
  ['GET', '/api/versions', 200],
  ['PATCH', '/api/versions', 405],
  ['GET', '/api/models', 400],
  ['POST', '/api/models', 405],
  ['GET', '/api/packages_image', 400],
  ['DELETE', '/api/packages_image', 405],
  ['GET', '/json/v1/overview.json', 200],
  ['GET', '/api/v1/overview', 200],
  ['GET', '/overview', 200],
  ['GET', '/api/overview', 200],
  ['POST', '/overview', 405],
  ['GET', '/json/v1/branches.json', 200],
  ['DELETE', '/json/v1/branches.json', 405],
  ['GET', '/json/v1/latest.json', 200],
  ['GET', '/api/v1/latest', 200],
  ['PUT', '/api/v1/latest', 405],
  ['GET', '/json/v1/releases/24.10.2/devices.json', 200],
  ['POST', '/json/v1/releases/24.10.2/devices.json', 405],
  ['GET', '/json/v1/releases/24.10.9/devices.json', 404],
  ['GET', '/json/v1/snapshots/devices.json', 404],
  ['GET', '/json/v1/releases/24.10.2/targets/x86/64/index.json', 200],
  ['POST', '/json/v1/releases/24.10.2/targets/x86/64/index.json', 405],
  ['GET', '/json/v1/releases/24.10.2/targets/x86/64/generic.json', 200],
  ['GET', '/json/v1/releases/24.10.2/targets/x86/64/nosuch.json', 200],
  ['GET', '/json/v1/releases/24.10.2/targets/x86/64/%zz.json', 200],
  ['GET', '/json/v1/releases/24.10.2/targets/x86/65/generic.json', 404],
  ['GET', '/json/v1/releases/24.10.99/targets/x86/64/generic.json', 404],
  ['GET', '/json/v1/releases/24.10.2/packages/x86_64-index.json', 200],
  ['PATCH', '/json/v1/releases/24.10.2/packages/x86_64-index.json', 405],
  ['GET', '/json/v1/releases/24.10.2/packages/mips_24kc-index.json', 404],
  ['GET', '/json/v1/releases/24.10.2/packages/..%2f..-index.json', 404],
  ['GET', '/json/v1/snapshots/targets/x86/64/index.json', 404],
  ['GET', '/json/v1/snapshots/packages/x86_64-index.json', 404],
  ['GET', '/json/v1/nosuch.json', 404],
  ['GET', '/json', 403],
  ['GET', '/json/', 403],
  ['GET', '/download', 403],
  ['GET', '/download/', 403],
  ['GET', '/json/{path}/', 200],
  ['GET', '/download/{path}/', 200],
  ['GET', '/json/{built}/', 200],
  ['GET', '/json/{path}/nosuch.bin', 404],
  ['GET', '/json/{path}/%2e%2e%2fx', 404],
  ['GET', '/json/{queued}/', 404],
  ['GET', '/json/{queued}/build.log', 404],
  ['GET', '/json/{unknown}/', 404],
  ['GET', '/json/short/', 404],
  ['GET', '/download/{path}/nosuch.bin', 404],
  ['GET', '/download/short/x.bin', 404],
  ['POST', '/json/{path}/', 405],
  ['DELETE', '/download/{path}/build.log', 405],
  ['GET', '/keys/nosuch', 404],
  ['POST', '/keys/usign.pub', 405],
  ['PUT', '/keys/edge.pub', 405],
  ['GET', '/store/{built}/nosuch.bin', 404],
  ['GET', '/store/{unknown}/x.bin', 404],
  ['GET', '/store/{queued}/x.bin', 404],
  ['GET', '/store/short/x.bin', 404],
  ['GET', '/store/{built}/..%2fx', 404],
  ['GET', '/store/{built}', 404],
  ['DELETE', '{file}', 405],
  ['GET', '/healthz', 200],
  ['POST', '/healthz', 405],
  ['GET', '/livez', 200],
  ['POST', '/livez', 405],
  ['POST', '/metrics', 405],
  ['GET', '/api/v1/stats', 200],
  ['GET', '/api/v1/stats/summary', 200],
  ['GET', '/api/v1/stats/popular_packages', 200],
  ['GET', '/api/v1/stats/popular_targets', 200],
  ['GET', '/api/v1/stats/images', 200],
  ['GET', '/api/v1/stats/image_stats', 200],
  ['GET', '/api/v1/stats/images_latest', 200],
  ['GET', '/api/v1/stats/fails_latest', 200],
  ['GET', '/api/v1/stats/packages', 200],
  ['POST', '/api/v1/stats/packages', 405],
  ['DELETE', '/api/v1/stats/images_latest', 405],
  ['GET', '/api/v1/stats/nosuch', 404],
  ['GET', '/api/v1/builds-per-day', 200],
  ['GET', '/api/v1/builds-by-version', 200],
  ['GET', '/api/v1/top-packages', 200],
  ['POST', '/api/v1/top-packages', 405],
  ['DELETE', '/api/v1/build-errors', 405],
  ['GET', '/api/v1/nodes', 200],
  ['POST', '/api/v1/nodes', 405],
  ['GET', '/api/v1/reproducibility', 200],
  ['POST', '/api/v1/reproducibility', 405],
  ['GET', '/api/v1/admin/nodes', 401],
  ['POST', '/api/v1/admin/tokens', 401],
  ['POST', '/api/v1/admin/nodes/{unknown}/drain', 401],
  ['POST', '/api/v1/admin/nodes/callable', 401],
  ['POST', '/api/v1/admin/nodes/{unknown}/remove-address', 401],
  ['POST', '/api/v1/admin/builds/{unknown}/cancel', 401],
  ['GET', '/api/v1/admin/nosuch', 401],
  ['GET', '/openapi.json', 200],
  ['POST', '/openapi.json', 405],
  ['POST', '/docs', 405],
  ['GET', '/docs/nosuch', 404],
  ['POST', '/', 405],
  ['GET', '/page/nosuch', 404],
  ['GET', '/nosuch', 404],
  ['PATCH', '/nosuch', 404],
  ['GET', '/asu.farm.v1.ForemanService/Lease', 404],
  ['POST', '/asu.farm.v1.ForemanService/Lease', 401],
  ['POST', '/asu.farm.v1.ForemanService/NoSuch', 404],
  ['PUT', '/farm/v1/objects/lease/x.bin', 401],
  ['GET', '/farm/v1/objects/lease/x.bin', 405],
  ['PUT', '/farm/v1/logs/lease/1', 401],
  ['GET', '/farm/v1/logs/lease/1', 405],
];

describe.each(JSON_ROUTES)('%s %s', (method, path, status) => {
  it(`answers ${status} in JSON, with CORS`, async () => {
    const response = await ask(filled(path), { method });
    expect(response.status).toBe(status);
    // RFC 9110, 15.5.6: it says which methods there are, and this one is not among them.
    if (status === 405) expect((response.headers.get('allow') ?? method).split(', ')).not.toContain(method);
    const body = (await response.clone().json()) as { code?: string };
    // Node calls speak Connect, whose errors have a code instead.
    if (body.code !== undefined) {
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(body).toEqual({ code: 'unauthenticated', message: expect.any(String) });
    } else await jsonOf(response);
  });

  it('is the same with a query and with doubled slashes', async () => {
    const url = filled(path);
    for (const variant of [`${url}?1763000000`, `${url}?a=b&c`, url.replaceAll('/', '//'), `/${url}`])
      expect([variant, (await ask(variant, { method })).status]).toEqual([variant, status]);
  });

  it('answers OPTIONS for browsers', async () => {
    const response = await ask(filled(path), {
      method: 'OPTIONS',
      headers: { 'access-control-request-headers': 'X-Requested-With, content-type', origin: 'http://192.168.1.1' },
    });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': 'content-type, x-requested-with',
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-max-age': expect.stringMatching(/^\d+$/),
    });
  });
});

describe.each(JSON_ROUTES.filter(([method]) => method === 'GET'))('HEAD for %s %s', (_, path) => {
  it('answers as GET does, without the body', async () => {
    const [get, head] = [await ask(filled(path)), await ask(filled(path), { method: 'HEAD' })];
    expect([head.status, await head.text()]).toEqual([get.status, '']);
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
  });
});

test('OPTIONS does not repeat headers that are none', async () => {
  const asked = 'x-good, <script>, , a b';
  const response = await ask('/', { method: 'OPTIONS', headers: { 'access-control-request-headers': asked } });
  expect(response.headers.get('access-control-allow-headers')).toBe('content-type, x-good');
});

test('an unknown hash is told in the words of the contract', async () => {
  expect(await jsonOf(await ask(`/api/v1/build/${UNKNOWN}`))).toEqual({
    status: 404,
    title: 'Not Found',
    detail: 'could not find provided request hash',
  });
});

test.each([
  ['POST', '/nosuch'],
  ['GET', '/store'],
])('%s %s is no redirect', async (method, path) => {
  expect((await ask(path, { method, redirect: 'manual' })).status).toBe(404);
});

test('answers name no mistyped host: absolute URLs never come from a header', async () => {
  const response = await ask('/json/v1/overview.json', {
    headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
  });
  expect(await response.text()).not.toContain('evil.example');
});

describe('when a part behind the edge fails', () => {
  afterEach(() => vi.restoreAllMocks());

  const insides = () => {
    throw new Error('secret insides at 10.0.0.1');
  };

  it.each<[string, () => void]>([
    ['the object store', () => vi.spyOn(env.IMAGES as R2Bucket, 'get').mockImplementation(insides)],
    ['the Foreman', () => vi.spyOn(Foreman.prototype, 'status').mockImplementation(insides)],
  ])('%s: a 503 that blames nobody, tells nothing of our insides, and is logged', async (_, breakIt) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    breakIt();
    const response = await ask(`/api/v1/build/${'e'.repeat(64)}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60']);
    const body = await jsonOf(response);
    expect(body).toMatchObject({
      error_kind: 'internal',
      detail: expect.stringMatching(/not a fault of your request/),
    });
    expect(JSON.stringify(body)).not.toContain('insides');
    expect(JSON.stringify(log.mock.calls)).toContain('insides');
  });

  it('the Foreman, with one submission: that is no build that failed', async () => {
    const fault = { answers: [{ accepted: false, why: 'fault' }], others: [] };
    vi.spyOn(env.FOREMAN, 'get').mockReturnValue({ submit: async () => fault } as never);
    const response = await post({ ...GOOD_REQUEST, rootfs_size_mb: 300 });
    expect([response.status, (await jsonOf(response)).error_kind]).toEqual([503, 'internal']);
  });

  it('the Worker itself: a 500, since the next try meets the same mistake', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(env.FOREMAN, 'get').mockImplementation(insides);
    const response = await ask(`/api/v1/build/${'d'.repeat(64)}`);
    expect([response.status, JSON.stringify(await jsonOf(response)).includes('insides')]).toEqual([500, false]);
    expect(JSON.stringify(log.mock.calls)).toContain('insides');
  });

  it('KV: nothing that is in the store is lost', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(env.CACHE, 'get').mockRejectedValue(new Error('KV GET failed: 500'));
    vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429 Too Many Requests'));
    expect((await ask(`/api/v1/build/${built}`)).status).toBe(200);
  });
});

test('metrics are Prometheus text with CORS', async () => {
  const response = await ask('/metrics');
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
  expect(await response.text()).toMatch(/^asu_foreman_calls_total\{call="submit"\} \d+$/m);
});
