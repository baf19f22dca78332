/** Short hashes through the real Worker: KV that lags or fails, isolates that know nothing of each other, two of one name. */
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { parseSeedRequest } from '../../shared/seed/build-request-fields.ts';
import { requestName } from '../../shared/seed/request-name.ts';
import { ask, env, foremanStats, foremanStub, rowsOf } from '../edge.fixture.ts';
import { foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { submission } from '../foreman/foreman.fixture.ts';
import { UNLIMITED } from '../limits/rate-limit.ts';
import { Visit } from '../limits/visit.ts';
import { edgeKeys, lease } from '../nodes/farm-node.fixture.ts';
import { Names, nameKey } from './names.ts';
import {
  buildNext,
  failNext,
  openSeedIsolate,
  PC,
  PC_SPLIT,
  poster,
  SQUASHFS,
  seedJson,
  unique,
  untilStatus,
  withSeedNode,
} from './request.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

const PATH = '/api/upgrade-request';
const post = poster(ask);
const node = withSeedNode();
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const calls = async (name: string): Promise<number> => (await foremanStats()).calls[name] ?? 0;
const nameOf = (request: object): string => requestName(parseSeedRequest(request), edgeKeys.defaultsMac).name;

/** KV that does with names what a test says, and is itself for everything else. */
const kvWith = (change: Partial<Record<'get' | 'put', () => Promise<unknown>>>): KVNamespace =>
  new Proxy(env.CACHE, {
    get: (kv, member: keyof KVNamespace) => {
      const real = (kv[member] as (...args: unknown[]) => unknown).bind(kv);
      const changed = change[member as 'get' | 'put'];
      return changed
        ? (key: string, ...rest: unknown[]) => (key.startsWith('name/') ? changed() : real(key, ...rest))
        : real;
    },
  });
const quiet = () => vi.spyOn(console, 'error').mockImplementation(() => undefined);

/** As another request that came first and has the name. */
async function takenByAnother(request: object): Promise<string> {
  const name = nameOf(request);
  const entry = {
    identity: sha256Hex(`another ${name}`),
    dialect: 'joined',
    requestHash: sha256Hex('its build'),
  } as const;
  await foremanOf(env).claimName(name, entry);
  return name;
}

test('another isolate knows a name from KV, and polls ask the Foreman for no name', async () => {
  const { request_hash } = await seedJson(await post({ ...PC, packages: [unique()] }));
  const before = await calls('findName');
  for (const isolate of [openSeedIsolate(), openSeedIsolate()])
    for (let n = 0; n < 3; n++) expect((await isolate.ask(`${PATH}/${request_hash}`)).status).toBe(202);
  expect(await calls('findName')).toBe(before);
});

test('a request that is sent again claims its name once, and asks the Foreman nothing for a moment', async () => {
  const request = { ...PC, packages: [unique()] };
  await post(request);
  const before = (await foremanStats()).calls;
  for (let n = 0; n < 3; n++) expect((await post(request)).headers.get('x-imagebuilder-status')).toBe('queue');
  const { submit, status = 0, claimName } = (await foremanStats()).calls;
  expect([submit, claimName]).toEqual([before.submit, before.claimName]);
  expect(status - (before.status ?? 0)).toBeLessThanOrEqual(1);
});

test('a name that KV does not know yet is asked for at the Foreman, once', async () => {
  const { request_hash } = await seedJson(await post({ ...PC, packages: [unique()] }));
  const isolate = openSeedIsolate({ CACHE: kvWith({ get: async () => null }) });
  const before = await calls('findName');
  for (let n = 0; n < 3; n++) expect((await isolate.ask(`${PATH}/${request_hash}`)).status).toBe(202);
  expect(await calls('findName')).toBe(before + 1);
});

test('a name that nobody has is asked for once in a while', async () => {
  const before = await calls('findName');
  const isolate = openSeedIsolate();
  for (let n = 0; n < 3; n++) expect((await isolate.ask(`${PATH}/0123456789ab`)).status).toBe(404);
  expect(await calls('findName')).toBe(before + 1);
});

test('a name that KV did not take is known to other isolates all the same', async () => {
  const log = quiet();
  const poor = openSeedIsolate({ CACHE: kvWith({ put: () => Promise.reject(new Error('KV PUT failed: 429')) }) });
  const { request_hash } = await seedJson(await poor.post({ ...PC, packages: [unique()] }));
  expect(await env.CACHE.get(nameKey(request_hash ?? ''))).toBeNull();
  expect((await openSeedIsolate().ask(`${PATH}/${request_hash}`)).status).toBe(202);
  expect(String(log.mock.calls)).toContain('names: KV cannot be written');
});

test('KV that throws is a cache without the answer', async () => {
  quiet();
  const CACHE = kvWith({ get: () => Promise.reject(new Error('KV GET failed: 500')) });
  const isolate = openSeedIsolate({ CACHE });
  const request = { ...PC, packages: [unique()] };
  const { request_hash } = await seedJson(await isolate.post(request));
  expect(request_hash).toMatch(/^[0-9a-f]{12}$/);
  expect((await openSeedIsolate({ CACHE }).ask(`${PATH}/${request_hash}`)).status).toBe(202);
  expect((await openSeedIsolate({ CACHE }).post(request)).status).toBe(202);
});

test('a Foreman that was evicted between claim and poll still knows the name', async () => {
  const { request_hash } = await seedJson(await post({ ...PC, packages: [unique()] }));
  await evictDurableObject(foremanStub());
  const isolate = openSeedIsolate({ CACHE: kvWith({ get: async () => null }) });
  expect((await isolate.ask(`${PATH}/${request_hash}`)).status).toBe(202);
});

test('a Foreman that does not answer for a name: the client polls by the full hash, and is answered in its dialect', async () => {
  quiet();
  const silent = { claimName: () => Promise.reject(new Error('Durable Object reset')) };
  const FOREMAN = new Proxy(env.FOREMAN, {
    get: (namespace, member: keyof Env['FOREMAN']) =>
      member === 'get'
        ? (id: DurableObjectId) =>
            new Proxy(namespace.get(id), {
              get: (stub, call) => Reflect.get({ ...silent }, call) ?? Reflect.get(stub, call),
            })
        : (namespace[member] as () => unknown).bind(namespace),
  });
  const isolate = openSeedIsolate({ FOREMAN });
  for (const [request, letter, sysupgrade] of [
    [PC, '', SQUASHFS.name],
    [PC_SPLIT, 's', expect.stringMatching(/^https:\/\/asu\.example\/download\/[0-9a-f]{32}\//)],
  ] as const) {
    const { request_hash } = await seedJson(await isolate.post({ ...request, packages: [unique()] }));
    expect(request_hash).toBe((await buildNext(node())) + letter);
    const answer = await untilStatus(200, () => openSeedIsolate().ask(`${PATH}/${request_hash}`));
    expect(await seedJson(answer)).toMatchObject({ request_hash, sysupgrade });
  }
});

test.each([
  ['joined', PC, SQUASHFS.name],
  ['split', PC_SPLIT, expect.stringMatching(/^https:\/\/asu\.example\/download\//)],
])(
  'a second request of the same name, %s: its full hash stands for it, and the first keeps the name',
  async (_, place, sysupgrade) => {
    const request = { ...place, packages: [unique()] };
    const name = await takenByAnother(request);
    const { request_hash } = await seedJson(await post(request));
    expect(request_hash).toMatch(/^[0-9a-f]{64}s?$/);
    expect(await seedJson(await post(request))).toEqual({ request_hash });
    await buildNext(node());
    const answer = await untilStatus(200, () => openSeedIsolate().ask(`${PATH}/${request_hash}`));
    expect(await seedJson(answer)).toMatchObject({ request_hash, sysupgrade });
    const rows = await rowsOf(foremanStub(), 'names');
    expect(rows.find((row) => row.name === name)?.request_hash).toBe(sha256Hex('its build'));
  },
);

test('two that differ in the model alone have one name, and the second one is not answered with the first one’s build', async () => {
  const request = { ...PC, packages: [unique()] };
  const first = await seedJson(await post({ ...request, model: 'One' }));
  const second = await seedJson(await openSeedIsolate().post({ ...request, model: 'Other' }));
  expect([first.request_hash?.length, second.request_hash?.length]).toEqual([12, 64]);
});

test('a request whose name leads to the build of another one is not told of that', async () => {
  const first = { ...PC, packages: [unique()] };
  await post(first);
  const [row] = (await rowsOf(foremanStub(), 'names')).filter(({ name }) => name === nameOf(first));
  const second = { ...PC, packages: [unique()] };
  const entry = { identity: row?.identity, dialect: 'joined', requestHash: row?.request_hash };
  await env.CACHE.put(nameKey(nameOf(second)), JSON.stringify(entry));
  const { request_hash } = await seedJson(await post(second));
  expect(request_hash).toMatch(/^[0-9a-f]{64}$/);
  expect(request_hash).not.toBe(row?.request_hash);
});

test('a failure that is ours is told for a minute, then a request begins the next build; polls elsewhere follow it', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  const request = { ...PC, packages: [unique()] };
  const { request_hash } = await seedJson(await post(request));
  const poll = `${PATH}/${request_hash}`;
  for (let tries = 0; tries < 3; tries++) await failNext(node(), 'disk_full', 'Error: no space');
  expect(await lease(node())).toBeNull();
  const other = openSeedIsolate();
  const failed = await untilStatus(500, () => other.ask(poll));
  expect(await seedJson(failed)).toMatchObject({ error_kind: 'disk_full', log: expect.any(String), request_hash });
  await untilStatus(500, () => post(request));
  const before = await calls('submit');
  expect((await post(request)).status).toBe(500);
  expect((await openSeedIsolate().post(request)).status).toBe(500);
  expect(await calls('submit')).toBe(before);

  vi.setSystemTime(Date.now() + 61_000);
  const again = await post(request);
  expect([again.status, await seedJson(again)]).toEqual([202, { request_hash }]);
  // What the other isolate and KV hold leads to the build that failed.
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 6_000);
  expect((await other.ask(poll)).status).toBe(202);
});

test('an image that upstream has left behind is not what a poll for its successor is told', async () => {
  const request = { ...PC, packages: [unique()] };
  const { request_hash } = await seedJson(await post(request));
  const first = await buildNext(node());
  const other = openSeedIsolate();
  await untilStatus(200, () => other.ask(`${PATH}/${request_hash}`));
  const row = (await rowsOf(foremanStub(), 'builds')).find((build) => build.request_hash === first);
  const next = submission({ intentHash: String(row?.intent_hash), seenGeneration: 1 });
  const [submitted] = (await foremanOf(env).submit([next])).answers;
  if (!submitted?.accepted || submitted.status.state !== 'queued') throw new Error('expected a build');
  const { requestHash } = submitted.status;
  const { identity } = requestName(parseSeedRequest(request), edgeKeys.defaultsMac);
  await foremanOf(env).claimName(request_hash ?? '', { identity, dialect: 'joined', requestHash });
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 6_000);
  expect((await other.ask(`${PATH}/${request_hash}`)).status).toBe(202);
});

test('a name that leads to another build since the poll began leads the poll there too', async () => {
  const identity = sha256Hex('its identity');
  const name = sha256Hex(unique()).slice(0, 12);
  const names = new Names(env.CACHE, () => foremanOf(env));
  const visit = new Visit({ builds: UNLIMITED, misses: UNLIMITED }, () => null, {
    signal: new AbortController().signal,
  });
  const give = (requestHash: string) =>
    names.give({ name, identity }, { dialect: 'joined', requestHash, isPending: true, isPrivate: true }, visit);
  await give(sha256Hex('first'));
  const known = await names.find(name, visit);
  if (!known) throw new Error('expected the name to be known');
  // Meanwhile another request of this isolate begins the next build.
  await give(sha256Hex('second'));
  expect((await names.newest(name, known, visit)).requestHash).toBe(sha256Hex('second'));
});

test('where the Foreman cannot be asked for a newer build, the one that is known is told', async () => {
  quiet();
  const { request_hash } = await seedJson(await post({ ...PC, packages: [unique()] }));
  await buildNext(node());
  await untilStatus(200, () => ask(`${PATH}/${request_hash}`));
  const isolate = openSeedIsolate({ FOREMAN: { idFromName: () => '', get: () => ({}) } });
  expect((await isolate.ask(`${PATH}/${request_hash}`)).status).toBe(200);
});
