import { beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { requestHash } from '../../shared/request/intent.ts';
import type { ArchDocument } from '../../shared/upstream/catalogue-document.ts';
import { keyOf, upstreamKey } from '../catalogue/document-id.ts';
import type { Mirror } from '../catalogue/mirror.fixture.ts';
import { configOf } from '../config.ts';
import {
  ask,
  env,
  foremanStats,
  foremanStub,
  GOOD_REQUEST,
  jsonOf,
  openUpstream,
  post,
  rowsOf,
} from '../edge.fixture.ts';
import { type FarmNode, finish, IMAGE_NAME, joinNode, lease, report } from '../nodes/farm-node.fixture.ts';

let mirror: Mirror;
let node: FarmNode;
/** Each test asks for an image of its own. */
let wish: typeof GOOD_REQUEST & { packages: string[] };
let wishes = 0;

beforeAll(async () => {
  mirror = await openUpstream();
  node = await joinNode(1);
});
beforeEach(() => {
  wish = { ...GOOD_REQUEST, packages: [`wish-${++wishes}`] };
});

async function order() {
  const given = await lease(node);
  if (!given) throw new Error('expected an order');
  return given;
}

/** Polls until the answer has this status: what was said of a pending build stands for a second. */
const untilStatus = (hash: unknown, status: number): Promise<Response> =>
  vi.waitFor(
    async () => {
      const answer = await ask(`/api/v1/build/${hash}`);
      expect(answer.status).toBe(status);
      return answer;
    },
    { timeout: 30_000 },
  );

/** Asks for the wish and builds it. */
async function build(): Promise<string> {
  const { request_hash } = await jsonOf(await post(wish));
  await finish(node, await order());
  await untilStatus(request_hash, 200);
  return String(request_hash);
}

/** Lets minutes pass, with requests in them, until this isolate has read the index that the mirror has now. */
const untilKnown = (isKnown: (packages: Readonly<Record<string, string>>) => boolean): Promise<void> =>
  vi.waitFor(
    async () => {
      vi.setSystemTime(Date.now() + 61_000);
      // Refused once upstream was read: a request that leaves nothing behind.
      await post({ ...GOOD_REQUEST, version_code: 'r0-none' });
      const key = keyOf(upstreamKey(configOf(env).UPSTREAM_URL), { kind: 'arch', version: '24.10.2', arch: 'x86_64' });
      const document = await env.CACHE.get<ArchDocument>(key, 'json');
      expect(document && isKnown(document.packages)).toBe(true);
      vi.setSystemTime(Date.now() + 61_000);
    },
    { timeout: 30_000 },
  );

const calls = async (): Promise<number> => Object.values((await foremanStats()).calls).reduce((sum, n) => sum + n, 0);

test('a first request is queued, started when a node takes it, and done', async () => {
  const queued = await post(wish);
  const body = await jsonOf(queued);
  expect([queued.status, body]).toEqual([
    202,
    {
      status: 202,
      detail: 'queued',
      imagebuilder_status: 'queued',
      queue_position: 0,
      request_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      enqueued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      eta_seconds: expect.any(Number),
      request: expect.objectContaining({ ...wish, defaults: null }),
    },
  ]);
  expect(Object.fromEntries(queued.headers)).toMatchObject({
    'x-imagebuilder-status': 'queued',
    'x-queue-position': '0',
    'retry-after': '5',
    'cache-control': 'no-store',
  });

  const given = await order();
  const value = { step: BuildStep.BUILDING_IMAGE };
  await report(node, given.leaseId, 1, { case: 'progress', value });
  const started = await vi.waitFor(
    async () => {
      const answer = await ask(`/api/v1/build/${body.request_hash}`);
      expect(answer.headers.get('x-imagebuilder-status')).not.toBe('queued');
      return answer;
    },
    { timeout: 30_000 },
  );
  expect(started.status).toBe(202);
  expect(started.headers.get('x-imagebuilder-status')).toBe('building_image');
  expect(started.headers.has('x-queue-position')).toBe(false);
  const startedBody = await jsonOf(started);
  expect(startedBody).toMatchObject({ detail: 'started', imagebuilder_status: 'building_image' });
  expect('queue_position' in startedBody).toBe(false);

  await finish(node, given, { sequence: 2 });
  await untilStatus(body.request_hash, 200);
  const done = await ask(`/api/v1/build/${body.request_hash}`);
  expect(done.headers.get('x-imagebuilder-status')).toBe('done');
  expect(await jsonOf(done)).toMatchObject({ detail: 'done', request_hash: body.request_hash, id: 'generic' });
});

test('a hundred equal requests are one build; whoever comes later joins it', async () => {
  const before = (await rowsOf(foremanStub(), 'builds')).length;
  const spellings = [wish, { ...wish, packages: [`+${wish.packages[0]}`, 'dnsmasq'] }, { ...wish, client: 'other/1' }];
  const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => post(spellings[n % 3])));
  const hashes = await Promise.all(answers.map(async (answer) => (await jsonOf(answer)).request_hash));
  expect(new Set(hashes).size).toBe(1);
  expect((await rowsOf(foremanStub(), 'builds')).length).toBe(before + 1);
  await finish(node, await order());
});

test('an image that exists is answered at once, without the Foreman, each with its own request', async () => {
  const hash = await build();
  await post(wish);
  const before = await calls();
  const response = await post({ ...wish, packages: [...wish.packages, 'dnsmasq'], client: 'second/1' });
  const body = await jsonOf(response);
  expect([response.status, body.request_hash]).toEqual([200, hash]);
  expect(body.request).toMatchObject({ client: 'second/1', packages: [...wish.packages, 'dnsmasq'] });
  const polled = await jsonOf(await ask(`/api/v1/build/${hash}`));
  expect(polled.request).toMatchObject({ packages: wish.packages, client: null });
  expect(await calls()).toBe(before);
});

test('many polls for a pending build are one call to the Foreman', async () => {
  const { request_hash } = await jsonOf(await post(wish));
  const before = await calls();
  const statuses = await Promise.all(Array.from({ length: 50 }, () => ask(`/api/v1/build/${request_hash}`)));
  expect(new Set(statuses.map((answer) => answer.status))).toEqual(new Set([202]));
  expect((await calls()) - before).toBeLessThanOrEqual(1);
  await finish(node, await order());
  await untilStatus(request_hash, 200);
});

test('a hash that was polled for too early is known as soon as somebody asks for its image', async () => {
  const hash = await build();
  const bucket = env.IMAGES as R2Bucket;
  for (const { key } of (await bucket.list({ prefix: 'objects/' })).objects) await bucket.delete(key);
  // The image is gone; its second generation has a name that can be known beforehand.
  await (await ask(`/store/${hash}/${IMAGE_NAME}`)).body?.cancel();
  const [row] = (await rowsOf(foremanStub(), 'builds')).filter((each) => each.request_hash === hash);
  const next = requestHash(String(row?.intent_hash), 2);
  expect((await ask(`/api/v1/build/${next}`)).status).toBe(404);
  expect((await jsonOf(await post(wish))).request_hash).toBe(next);
  expect((await ask(`/api/v1/build/${next}`)).status).toBe(202);
  await finish(node, await order());
});

describe('conditions', () => {
  it('that an existing image does not meet are refused for that client alone', async () => {
    await build();
    const other = await post({ ...wish, packages_versions: { curl: '7' } });
    expect([other.status, (await jsonOf(other)).detail]).toEqual([
      500,
      'Error: Impossible package selection: curl version not as requested: 7 vs. 8.1-r1',
    ]);
    const absent = await post({ ...wish, packages_versions: { nano: '1' } });
    expect((await jsonOf(absent)).detail).toBe('Error: Impossible package selection: nano not in manifest');
    expect(
      (await post({ ...wish, packages_versions: { curl: '8.1-r1' }, version_code: 'r28427-6df0e3d02a' })).status,
    ).toBe(200);
    expect((await post(wish)).status).toBe(200);
  });
});

describe('a failure', () => {
  const failed = (kind: string, detail: string) =>
    ({ case: 'failed', value: { kind, detail, stderr: 'log' } }) as const;

  it('of the request is told with its log, and the next request gets the same at once', async () => {
    const { request_hash } = await jsonOf(await post(wish));
    await report(
      node,
      (await order()).leaseId,
      1,
      failed('image_too_big', 'Error: Selected packages exceed device storage'),
    );
    const polled = await untilStatus(request_hash, 500);
    expect([polled.status, polled.headers.get('x-imagebuilder-status')]).toEqual([500, 'failed']);
    expect(await jsonOf(polled)).toMatchObject({
      detail: 'Error: Selected packages exceed device storage',
      imagebuilder_status: 'failed',
      stderr: 'log',
      request_hash,
    });
    const again = await post({ ...wish, client: 'second/1' });
    expect(again.status).toBe(500);
    expect(await jsonOf(again)).toMatchObject({ request_hash, request: { client: 'second/1' } });
    expect(await lease(node)).toBeNull();
  });

  it('of ours is tried again and told to nobody while there are attempts', async () => {
    const { request_hash } = await jsonOf(await post(wish));
    const first = await order();
    await report(node, first.leaseId, 1, failed('disk_full', 'no space'));
    expect((await ask(`/api/v1/build/${request_hash}`)).status).toBe(202);
    const second = await order();
    expect([second.requestHash, second.attempt]).toEqual([request_hash, 2]);
    await finish(node, second);
  });
});

test('after an update of a package in the image the next request is a new generation; the old one stays', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  try {
    const hash = await build();
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '8.1-r1', other: '1' }, luci: { 'luci-base': '25.2' } });
    await untilKnown((packages) => packages.other === '1');
    const unrelated = await post(wish);
    expect([unrelated.status, (await jsonOf(unrelated)).request_hash]).toEqual([200, hash]);
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '8.2-r1' }, luci: { 'luci-base': '25.2' } });
    await untilKnown((packages) => packages.curl === '8.2-r1');
    const related = await post(wish);
    expect(related.status).toBe(202);
    expect((await jsonOf(related)).request_hash).not.toBe(hash);
    expect((await ask(`/api/v1/build/${hash}`)).status).toBe(200);
    expect((await ask(`/store/${hash}/${IMAGE_NAME}`)).status).toBe(200);
    await finish(node, await order());
  } finally {
    vi.useRealTimers();
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '8.1-r1' }, luci: { 'luci-base': '25.1' } });
  }
});

test('what KV forgot is found in the store', async () => {
  const hash = await build();
  for (const { name } of (await env.CACHE.list({ prefix: 'result/' })).keys) await env.CACHE.delete(name);
  expect((await ask(`/api/v1/build/${hash}`)).status).toBe(200);
});
