/** What a request of the old API costs, counts and leaves behind. */
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ask, env, GOOD_REQUEST, jsonOf, post as postV1 } from '../edge.fixture.ts';
import { edgeContext } from '../edge-context.ts';
import { type FarmNode, joinNode } from '../farm-node.fixture.ts';
import {
  buildNext,
  emptyQueue,
  openSeedIsolate,
  openSeedUpstream,
  PC,
  poster,
  seedJson,
  unique,
  untilStatus,
} from './request.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const post = poster(ask);
let node: FarmNode;

beforeAll(async () => {
  await openSeedUpstream();
  node = await joinNode(1);
});
beforeEach(async () => {
  await emptyQueue(node);
});

test('LuCI of 2019 sends the same again and again, until it is told the image', async () => {
  const request = { ...PC, packages: [unique()] };
  const { request_hash } = await seedJson(await post(request));
  await buildNext(node);
  const done = await seedJson(await untilStatus(200, () => post(request)));
  expect(done).toMatchObject({ request_hash, sysupgrade: expect.any(String) });
});

test('an image that is there and known costs neither KV nor the Foreman nor the store anything', async () => {
  const request = { ...PC, packages: [unique()] };
  await post(request);
  await buildNext(node);
  await untilStatus(200, () => post(request));
  const bucket = env.IMAGES as R2Bucket;
  const spies = [
    vi.spyOn(env.CACHE, 'get'),
    vi.spyOn(env.CACHE, 'put'),
    vi.spyOn(env.FOREMAN, 'get'),
    vi.spyOn(bucket, 'get'),
  ];
  expect((await post(request)).status).toBe(200);
  expect(spies.map((spy) => spy.mock.calls)).toEqual([[], [], [], []]);
  vi.restoreAllMocks();
});

test('an image that a router of today asked for is the same image, and the other way round', async () => {
  const packages = ['base-files', 'dnsmasq', unique()];
  const { request_hash } = await jsonOf(await postV1({ ...GOOD_REQUEST, packages, diff_packages: true }));
  expect(await buildNext(node)).toBe(request_hash);
  const done = await seedJson(await untilStatus(200, () => post({ ...PC, packages })));
  expect(done.files).toBe(`/json/${String(request_hash).slice(0, 32)}/`);
});

test('a request is counted by what became of it and by who asks; a poll is not, and a private one is not', async () => {
  const isolate = openSeedIsolate();
  const { counts } = await edgeContext(isolate.env);
  const [answered, refused] = [vi.spyOn(counts, 'answered'), vi.spyOn(counts, 'refused')];
  const send = (body: object) =>
    isolate.ask('/api/upgrade-request', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'user-agent': 'auc (0.1.4)' },
    });
  const request = { ...PC, packages: [unique()] };
  const { request_hash } = await seedJson(await send(request));
  await send(request);
  await send({ ...PC, distro: 'debian' });
  await send({ request_hash });
  await send({ request_hash: 'ffffffffffff' });
  await isolate.ask(`/api/upgrade-request/${request_hash}`);
  await send({ ...PC, defaults: 'echo' });
  await send({ ...PC, defaults: 'x'.repeat(20_000) });
  await send({ ...PC, target: 'x86/65', defaults: 'echo' });
  expect(answered.mock.calls).toEqual([
    ['new', 'auc/0.1.4', undefined],
    ['joined', 'auc/0.1.4', undefined],
  ]);
  expect(refused.mock.calls).toEqual([['refused']]);
});

test('of an image with `defaults` KV hears nothing, and another script makes another name', async () => {
  const request = { ...PC, defaults: 'uci set system.@system[0].hostname=hunter2' };
  const { request_hash } = await seedJson(await post(request));
  expect(await env.CACHE.get(`name/${request_hash}`)).toBeNull();
  // Any isolate may be asked for it.
  expect((await openSeedIsolate().ask(`/api/upgrade-request/${request_hash}`)).status).toBe(202);
  const other = await seedJson(await post({ ...request, defaults: 'echo' }));
  expect(other.request_hash).not.toBe(request_hash);
  expect(other.request_hash).toHaveLength(12);
});
