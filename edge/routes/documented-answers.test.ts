/**
 * Real answers of the real server against the API's document. The schemas behind it are strict: an answer with a member that
 * the document does not tell of fails here, and so does an operation that nobody asked.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { COMPONENTS, type ComponentName } from '../../shared/api/components.ts';
import { jsonSchema } from '../../shared/api/json-schemas.ts';
import { answersOf } from '../../shared/api/openapi-answer.ts';
import { OPERATIONS } from '../../shared/api/openapi-document.ts';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { EventReader } from '../../shared/http/server-sent-event.fixture.ts';
import type { ServerSentEvent } from '../../shared/http/server-sent-event.ts';
import { configOf } from '../config.ts';
import { ask, env, GOOD_REQUEST, openUpstream, post } from '../edge.fixture.ts';
import { nodeHost, openHosts, putHost } from '../nodes/callable-host.fixture.ts';
import { built, type FarmNode, IMAGE_NAME, joinNode, orderFor, report } from '../nodes/farm-node.fixture.ts';
import { emptyQueue, hashOf, wish } from './build-steps.fixture.ts';

let node: FarmNode;
let done = '';
const asked = new Set<string>();
const seen = new Set<ComponentName>();

beforeAll(async () => {
  const mirror = await openUpstream();
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'x86/generic': 'i386' } });
  mirror.weather.set('releases/24.10.2/targets/x86/generic/sha256sums', () => new Response('', { status: 503 }));
  node = await joinNode(1);
  done = await built(node, GOOD_REQUEST);
  // The log is told a moment after the image is.
  await vi.waitFor(async () => expect((await ask('/log/head')).status).toBe(200), { timeout: 30_000 });
  openHosts();
  putHost('https://node.example', nodeHost({ getNode: () => ({ nodeId: node.id }) }));
  putHost('https://stranger.example', nodeHost({ getNode: () => ({ nodeId: 'f'.repeat(64) }) }));
  putHost('https://nobody.example', () => new Response('', { status: 404 }));
});

afterAll(() => {
  expect(OPERATIONS.map(({ id }) => id).filter((id) => !asked.has(id))).toEqual([]);
  const named = OPERATIONS.flatMap((operation) =>
    [...answersOf(operation).values()].flatMap(({ shapes = [] }) => shapes),
  );
  expect([...new Set(named)].filter((shape) => !seen.has(shape))).toEqual([]);
});

/** The answer's body, once it is one that the operation is documented to have. */
async function documented(id: string, response: Response): Promise<unknown> {
  const operation = OPERATIONS.find((one) => one.id === id);
  if (!operation) throw new Error(`expected an operation, got ${id}`);
  asked.add(id);
  const answer = answersOf(operation).get(response.status);
  if (!answer) throw new Error(`expected a status that ${id} is documented to have, got ${response.status}`);
  for (const name of answer.headers ?? [])
    if (!OPTIONAL_HEADERS.includes(name)) expect([name, response.headers.has(name)]).toEqual([name, true]);
  const mediaType = response.headers.get('content-type')?.split(';')[0];
  const text = new TextDecoder().decode(await response.arrayBuffer());
  if (!answer.shapes) {
    if (answer.mediaType === undefined) expect(text).toBe('');
    else expect(mediaType).toBe(answer.mediaType);
    return text;
  }
  expect(mediaType).toBe('application/json');
  const body: unknown = JSON.parse(text);
  const tried = answer.shapes.map((shape) => ({ shape, parsed: COMPONENTS[shape].safeParse(body) }));
  const fitting = tried.find(({ parsed }) => parsed.success);
  if (!fitting)
    throw new Error(`${text}\n${tried.map(({ shape, parsed }) => `${shape}: ${parsed.error?.message}`).join('\n')}`);
  seen.add(fitting.shape);
  return body;
}

/** `{…}` stands for what is known only once something was built. */
const filled = (path: string): string =>
  path.replace('{done}', done).replace('{image}', done.slice(0, 15)).replace('{path}', done.slice(0, 32));

/** Of some answers with that status only. */
const OPTIONAL_HEADERS: readonly string[] = [
  'X-Queue-Position',
  'X-Build-Queue-Position',
  'Retry-After',
  'X-Imagebuilder-Status',
];

const PACKAGES_IMAGE = '/api/packages_image?distro=openwrt&version=24.10.2';

describe('what a GET answers', () => {
  it.each<[id: string, path: string, status: number]>([
    ['getBuild', '/api/v1/build/{done}', 200],
    ['getBuild', `/api/v1/build/${'f'.repeat(64)}`, 404],
    ['listenToBuild', '/api/v1/build/{done}/events', 200],
    ['listenToBuild', '/api/v1/build/{done}/events?last_event_id=end', 204],
    ['listenToBuild', `/api/v1/build/${'f'.repeat(64)}/events`, 404],
    ['getFile', `/store/{done}/${IMAGE_NAME}`, 200],
    ['getFile', '/store/{done}/nosuch', 404],
    ...['/json/v1/overview.json', '/api/v1/overview', '/api/overview', '/overview'].map(
      (path): [string, string, number] => ['getOverview', path, 200],
    ),
    ['getBranches', '/json/v1/branches.json', 200],
    ['getLatest', '/json/v1/latest.json', 200],
    ['getLatest', '/api/v1/latest', 200],
    ['getDevices', '/json/v1/releases/24.10.2/devices.json', 200],
    ['getDevices', '/json/v1/snapshots/devices.json', 404],
    ['getTargetIndex', '/json/v1/releases/24.10.2/targets/x86/64/index.json', 200],
    ['getTargetIndex', '/json/v1/releases/24.10.2/targets/x86/65/index.json', 404],
    ['getTargetIndex', '/json/v1/snapshots/targets/x86/64/index.json', 404],
    ['getArchIndex', '/json/v1/releases/24.10.2/packages/x86_64-index.json', 200],
    ['getArchIndex', '/json/v1/releases/24.10.2/packages/m68k-index.json', 404],
    ['getProfile', '/json/v1/releases/24.10.2/targets/x86/64/generic.json', 200],
    ['getProfile', '/json/v1/releases/24.10.2/targets/x86/64/nosuch.json', 200],
    ['getProfile', '/json/v1/releases/24.10.99/targets/x86/64/generic.json', 404],
    ['getRevision', '/api/v1/revision/24.10.2/x86/64', 200],
    ['getRevision', '/api/v1/revision/19.07.1/x86/64', 400],
    ['getRevision', '/api/v1/revision/24.10.2/x86/65', 404],
    ['getQueueLength', '/api/v1/stats', 200],
    ['getSummary', '/api/v1/stats/summary', 200],
    ['getBuildsPerDay', '/api/v1/builds-per-day', 200],
    ['getBuildsByVersion', '/api/v1/builds-by-version', 200],
    ['getBuildsByVersion', '/api/v1/builds-by-version?branch=24.10', 200],
    ['getTopPackages', '/api/v1/top-packages', 200],
    ['getTopPackages', '/api/v1/top-packages?branch=24.10&n=5', 200],
    ['getBuildErrors', '/api/v1/build-errors?n=5', 200],
    ['getNodes', '/api/v1/nodes', 200],
    ['getReproducibility', '/api/v1/reproducibility', 200],
    ['listNodes', '/api/v1/admin/nodes', 401],
    ['getProvenance', '/api/v1/build/{done}/provenance', 200],
    ['getProvenance', `/api/v1/build/${'f'.repeat(64)}/provenance`, 404],
    ['getLogHead', '/log/head', 200],
    ['getLogRecord', '/log/1', 200],
    ['getLogRecord', '/log/999999', 404],
    ['getEdgeKey', '/keys/edge.pub', 200],
    ['listSeedFiles', '/json/{path}/', 200],
    ['listSeedFiles', '/download/{path}/', 200],
    ['listSeedFiles', `/json/${'f'.repeat(32)}/`, 404],
    ['getSeedFile', `/json/{path}/${IMAGE_NAME}`, 200],
    ['getSeedFile', '/json/{path}/nosuch', 404],
    ['getUsignKey', '/keys/usign.pub', 200],
    ['getHealth', '/healthz', 200],
    ['getLiveness', '/livez', 200],
    ['getSeedImage', '/api/image/{image}', 200],
    ['getSeedImage', '/api/image/fffffffffffffff', 404],
    ['getSeedManifest', '/api/manifest/cb1c9bdb2d778e2', 200],
    ['getSeedManifest', '/api/manifest/fffffffffffffff', 404],
    ['getSeedDistros', '/api/distros', 200],
    ['getSeedDistributions', '/api/distributions', 200],
    ['getSeedVersions', '/api/versions?distro=LEDE', 200],
    ['getSeedVersions', '/api/versions?distro=debian', 412],
    ['getSeedVersions', '/api/versions?distro=a&distro=b', 400],
    ['findSeedModels', '/api/models?distro=openwrt&version=24.10.2&model_search=gen', 200],
    ['findSeedModels', '/api/models?distro=openwrt', 400],
    ['findSeedModels', '/api/models?distro=openwrt&version=24.10.9', 412],
    ['getSeedPackages', `${PACKAGES_IMAGE}&target=x86/64&profile=generic`, 200],
    ['getSeedPackages', `${PACKAGES_IMAGE}&target=x86&subtarget=64&profile=generic`, 200],
    ['getSeedPackages', PACKAGES_IMAGE, 400],
    ['getSeedPackages', `${PACKAGES_IMAGE}&target=x86/65&profile=generic`, 412],
    ['getSeedPopularPackages', '/api/v1/stats/popular_packages', 200],
    ['getSeedPopularTargets', '/api/v1/stats/popular_targets', 200],
    ['getSeedImageNumbers', '/api/v1/stats/images', 200],
    ['getSeedImageStats', '/api/v1/stats/image_stats', 200],
    ['getSeedLatestImages', '/api/v1/stats/images_latest', 200],
    ['getSeedLatestFailures', '/api/v1/stats/fails_latest', 200],
    ['getSeedPackageCount', '/api/v1/stats/packages', 200],
    ['getMetrics', '/metrics', 200],
    ['getApiDocument', '/openapi.json', 200],
    ['readApi', '/docs', 200],
  ])('%s %s: %i', async (id, path, status) => {
    const response = await ask(filled(path));
    expect(response.status).toBe(status);
    await documented(id, response);
  });
});

describe('a number in a query', () => {
  const rows = OPERATIONS.flatMap(({ id, paths, query = {} }) =>
    Object.entries(query).flatMap(([name, { schema }]) => {
      const { maximum } = jsonSchema(schema);
      return typeof maximum === 'number' ? [{ id, path: `${paths[0]}?${name}=`, maximum }] : [];
    }),
  );

  it.each(rows)('$path may be $maximum, and one more is refused by name', async ({ id, path, maximum }) => {
    expect(await ask(path + maximum)).toMatchObject({ status: 200 });
    const refused = await ask(path + (maximum + 1));
    expect(refused.status).toBe(422);
    await documented(id, refused);
  });
});

describe('what is asked for again by its tag', () => {
  it.each([
    ['getOverview', '/json/v1/overview.json'],
    ['getBranches', '/json/v1/branches.json'],
    ['getLatest', '/json/v1/latest.json'],
    ['getDevices', '/json/v1/releases/24.10.2/devices.json'],
    ['getTargetIndex', '/json/v1/releases/24.10.2/targets/x86/64/index.json'],
    ['getArchIndex', '/json/v1/releases/24.10.2/packages/x86_64-index.json'],
    ['getFile', `/store/{done}/${IMAGE_NAME}`],
    ['listSeedFiles', '/json/{path}/'],
    ['getSeedFile', `/download/{path}/${IMAGE_NAME}`],
    ['getUsignKey', '/keys/usign.pub'],
    ['getEdgeKey', '/keys/edge.pub'],
    ['getApiDocument', '/openapi.json'],
    ['getSeedDistros', '/api/distros'],
    ['getSeedDistributions', '/api/distributions'],
    ['getSeedVersions', '/api/versions'],
    ['findSeedModels', '/api/models?distro=openwrt&version=24.10.2'],
    ['getSeedPackages', `${PACKAGES_IMAGE}&target=x86/64&profile=generic`],
    ['getSeedPackageCount', '/api/v1/stats/packages'],
  ])('%s %s', async (id, path) => {
    const url = filled(path);
    const first = await ask(url);
    await first.arrayBuffer();
    const again = await ask(url, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    await documented(id, again);
  });
});

describe('what a build answers while it goes', () => {
  it('queued, started, failed', async () => {
    const queued = await post({ ...GOOD_REQUEST, packages: ['curl'] });
    const { request_hash } = (await documented('requestBuild', queued)) as { request_hash: string };
    const poll = async () => ask(`/api/v1/build/${request_hash}`);
    await documented('getBuild', await poll());
    const { leaseId } = await orderFor(node);
    const value = { step: BuildStep.DOWNLOAD_IMAGEBUILDER, bytesDone: 5n, bytesTotal: 10n };
    await report(node, leaseId, 1, { case: 'progress', value });
    await vi.waitFor(
      async () =>
        expect(await documented('getBuild', await poll())).toMatchObject({ progress: { bytes: 5, total: 10 } }),
      {
        timeout: 30_000,
      },
    );
    await report(node, leaseId, 2, { case: 'failed', value: { kind: 'conflict', detail: 'Error: x', stderr: 'log' } });
    await vi.waitFor(
      async () => expect(await documented('getBuild', await poll())).toMatchObject({ imagebuilder_status: 'failed' }),
      {
        timeout: 30_000,
      },
    );
    await documented('requestBuild', await post({ ...GOOD_REQUEST, packages: ['curl'] }));
  });

  it.each<[string, unknown, number]>([
    ['is there already', GOOD_REQUEST, 200],
    ['is no request', '', 422],
    ['has fields outside the grammar', { ...GOOD_REQUEST, profile: 7, packages: ['$(reboot)'] }, 422],
    ['is for nothing that there is', { ...GOOD_REQUEST, target: 'x86/65' }, 400],
    ['is too large', ' '.repeat(256 * 1024 + 1), 413],
    ['has conditions that do not hold', { ...GOOD_REQUEST, version_code: 'r1-a' }, 500],
  ])('and what is asked %s', async (_, body, status) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    await documented('requestBuild', response);
  });

  it.each([
    ['getFile', `/store/{done}/${IMAGE_NAME}`],
    ['getSeedFile', `/json/{path}/${IMAGE_NAME}`],
    ['getUsignKey', '/keys/usign.pub'],
    ['getEdgeKey', '/keys/edge.pub'],
  ])('and a part of a file: %s', async (id, path) => {
    for (const range of ['bytes=0-1', 'bytes=99999-'])
      await documented(id, await ask(filled(path), { headers: { range } }));
  });
});

describe('what the old API answers', () => {
  const request = { distro: 'openwrt', version: '24.10.2', target: 'x86/64', board: 'generic' };

  it.each<[situation: string, body: unknown, status: number]>([
    ['a newer version', { ...request, version: '18.06.2', installed: { curl: '7', iptables: '1' } }, 200],
    ['newer packages', { ...request, installed: { curl: '7' } }, 200],
    ['nothing to do', request, 204],
    ['a list of packages', { ...request, installed: ['curl'] }, 400],
    ['no such target', { ...request, target: 'x86/65' }, 412],
    ['too much', ' '.repeat(256 * 1024 + 1), 413],
    ['no such package', { ...request, installed: { 'no-such': '1' } }, 422],
    ['what upstream does not give now', { ...request, target: 'x86/generic', installed: {} }, 503],
  ])('/api/upgrade-check: %s', async (_, body, status) => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const response = await ask('/api/upgrade-check', { method: 'POST', body: JSON.stringify(body) });
    expect(response.status).toBe(status);
    await documented('checkUpgradeBySeed', response);
    log.mockRestore();
  });

  it.each([
    ['/api/upgrade-request', 'requestUpgradeBySeed', 'getUpgradeBySeed'],
    ['/api/build-request', 'requestImageBySeed', 'getImageBySeed'],
  ])('%s', async (path, asks, polls) => {
    const ofPost = (body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) });
    for (const [body, status] of [
      [request, 200],
      [{ ...request, packages: [path.slice(5)] }, 202],
      [{ ...request, target: 'x86' }, 400],
      [{ request_hash: 'ffffffffffff' }, 404],
      [{ ...request, target: 'x86/65' }, 412],
      [' '.repeat(256 * 1024 + 1), 413],
      [{ ...request, defaults: 'x'.repeat(10_241) }, 420],
    ] as const) {
      const response = await ofPost(body);
      expect(response.status).toBe(status);
      await documented(asks, response);
    }
    const { request_hash } = (await (await ofPost(request)).json()) as { request_hash: string };
    for (const [hash, status] of [
      [request_hash, 200],
      ['ffffffffffff', 404],
    ] as const) {
      const response = await ask(`${path}/${hash}`);
      expect(response.status).toBe(status);
      await documented(polls, response);
    }
    await emptyQueue(node);
  });
});

describe('what an operator is answered', () => {
  it.each<[id: string, method: string, path: string, body: string | undefined, status: number]>([
    ['createJoinToken', 'POST', 'tokens', '{"operator":"a","tier":"volunteer","expires_seconds":60}', 200],
    ['createJoinToken', 'POST', 'tokens', '{"operator":"a b"}', 422],
    ['createJoinToken', 'POST', 'tokens', ' '.repeat(4097), 413],
    ['listNodes', 'GET', 'nodes', undefined, 200],
    ['listNodes', 'GET', 'nodes?after=x', undefined, 422],
    ['actOnNode', 'POST', 'nodes/{node}/drain', '{"reason":"a disk"}', 200],
    ['actOnNode', 'POST', 'nodes/{node}/release', undefined, 409],
    ['actOnNode', 'POST', 'nodes/{node}/undrain', undefined, 200],
    ['actOnNode', 'POST', `nodes/${'f'.repeat(64)}/drain`, undefined, 404],
    ['addCallableNode', 'POST', 'nodes/callable', '{"url":"https://node.example"}', 200],
    ['addCallableNode', 'POST', 'nodes/callable', '{"url":"https://stranger.example"}', 404],
    ['addCallableNode', 'POST', 'nodes/callable', '{"url":"https://nobody.example"}', 409],
    ['addCallableNode', 'POST', 'nodes/callable', '{"url":"http://node.example"}', 422],
    ['removeNodeAddress', 'POST', 'nodes/{node}/remove-address', undefined, 200],
    ['removeNodeAddress', 'POST', `nodes/${'f'.repeat(64)}/remove-address`, undefined, 404],
    ['cancelBuild', 'POST', 'builds/{waiting}/cancel', undefined, 200],
    ['cancelBuild', 'POST', `builds/${'f'.repeat(64)}/cancel`, undefined, 404],
  ])('%s %s %s %s: %i', async (id, method, path, body, status) => {
    const headers = { authorization: `Bearer ${configOf(env).ADMIN_KEY}` };
    const waiting = path.includes('{waiting}') ? await hashOf(wish()) : '';
    const target = path.replace('{node}', node.id).replace('{waiting}', waiting);
    const response = await ask(`/api/v1/admin/${target}`, { method, headers, body });
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'no-store']);
    await documented(id, response);
  });
});

describe('what a listener hears', () => {
  const hears = async (hash: string): Promise<ServerSentEvent[]> =>
    new EventReader().push(await (await ask(`/api/v1/build/${hash}/events`)).text());

  it('are the answers that polls get, under names that the document tells', async () => {
    const { text = '' } = OPERATIONS.find(({ id }) => id === 'listenToBuild') ?? {};
    const hash = await hashOf(wish());
    const heard = hears(hash);
    const { leaseId } = await orderFor(node);
    await report(node, leaseId, 1, { case: 'failed', value: { kind: 'conflict', detail: 'Error: x' } });
    const events = [...(await heard), ...(await hears(done))];
    expect(events.map(({ event }) => event)).toEqual(expect.arrayContaining(['state', 'failed', 'done']));
    const shapes: Record<string, z.ZodType> = {
      state: z.union([COMPONENTS.QueuedBuild, COMPONENTS.StartedBuild]),
      failed: COMPONENTS.FailedBuild,
      done: COMPONENTS.FinishedBuild,
    };
    for (const { event, data } of events) {
      expect(text).toContain(`\`${event}\``);
      if (event !== 'log') expect(shapes[event]?.safeParse(JSON.parse(data))).toMatchObject({ success: true });
    }
  });
});

it('what upstream does not give now is told as documented, by whatever needs it', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  for (const [id, response] of [
    ['requestBuild', await post({ ...GOOD_REQUEST, target: 'x86/generic' })],
    ['getRevision', await ask('/api/v1/revision/24.10.2/x86/generic')],
    ['getTargetIndex', await ask('/json/v1/releases/24.10.2/targets/x86/generic/index.json')],
  ] as const) {
    expect([id, response.status]).toEqual([id, 503]);
    await documented(id, response);
  }
  log.mockRestore();
});
