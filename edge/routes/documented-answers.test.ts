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
import { EventReader } from '../../shared/server-sent-event.fixture.ts';
import type { ServerSentEvent } from '../../shared/server-sent-event.ts';
import { configOf } from '../config.ts';
import { ask, env, GOOD_REQUEST, openUpstream, post } from '../edge.fixture.ts';
import { built, type FarmNode, IMAGE_NAME, joinNode, report } from '../farm-node.fixture.ts';
import { hashOf, orderFor, wish } from './build-steps.fixture.ts';

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

/** Of some answers with that status only. */
const OPTIONAL_HEADERS: readonly string[] = ['X-Queue-Position', 'Retry-After', 'X-Imagebuilder-Status'];

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
    ['listNodes', '/api/v1/admin/nodes', 401],
    ['getHealth', '/healthz', 200],
    ['getMetrics', '/metrics', 200],
    ['getApiDocument', '/openapi.json', 200],
    ['readApi', '/docs', 200],
  ])('%s %s: %i', async (id, path, status) => {
    const response = await ask(path.replace('{done}', done));
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
    ['getTargetIndex', '/json/v1/releases/24.10.2/targets/x86/64/index.json'],
    ['getArchIndex', '/json/v1/releases/24.10.2/packages/x86_64-index.json'],
    ['getFile', `/store/{done}/${IMAGE_NAME}`],
    ['getApiDocument', '/openapi.json'],
  ])('%s %s', async (id, path) => {
    const url = path.replace('{done}', done);
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
        timeout: 3_000,
      },
    );
    await report(node, leaseId, 2, { case: 'failed', value: { kind: 'conflict', detail: 'Error: x', stderr: 'log' } });
    await vi.waitFor(
      async () => expect(await documented('getBuild', await poll())).toMatchObject({ imagebuilder_status: 'failed' }),
      {
        timeout: 3_000,
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

  it('and a part of a file', async () => {
    const path = `/store/${done}/${IMAGE_NAME}`;
    await documented('getFile', await ask(path, { headers: { range: 'bytes=0-1' } }));
    await documented('getFile', await ask(path, { headers: { range: 'bytes=99999-' } }));
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
  ])('%s %s %s %s: %i', async (id, method, path, body, status) => {
    const headers = { authorization: `Bearer ${configOf(env).ADMIN_KEY}` };
    const response = await ask(`/api/v1/admin/${path.replace('{node}', node.id)}`, { method, headers, body });
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
