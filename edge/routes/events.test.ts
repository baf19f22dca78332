import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { storeKey } from '../../shared/build/build-record.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { type BuildOrder, BuildStep } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { leaseMark } from '../../shared/http/resume-point.ts';
import {
  alterTables,
  ask,
  env,
  foremanStats,
  foremanStub,
  GOOD_REQUEST,
  jsonOf,
  openUpstream,
  post,
} from '../edge.fixture.ts';
import { edgeContext } from '../edge-context.ts';
import { linesOf, listen } from '../events/listener.fixture.ts';
import { type FarmNode, finish, joinNode, lease, orderFor, put, report } from '../nodes/farm-node.fixture.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let node: FarmNode;
let hash: string;
let wishes = 0;

const request = () => ({ ...GOOD_REQUEST, packages: [`wish-${++wishes}`] });

const order = (): Promise<BuildOrder> => orderFor(node);

const step = (given: BuildOrder, sequence: number, value: BuildStep) =>
  report(node, given.leaseId, sequence, { case: 'progress', value: { step: value } });

const write = async (given: BuildOrder, piece: number, text: string): Promise<void> => {
  const response = await put(node, `/farm/v1/logs/${given.leaseId}/${piece}`, text);
  expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
};

const failed = (kind: string) => ({ case: 'failed', value: { kind, detail: 'Error: said the node' } }) as const;
const isState = (word: string) => (event: { event: string; data: string }) =>
  event.event === 'state' && JSON.parse(event.data).imagebuilder_status === word;
const openStreams = async (): Promise<number> => (await edgeContext(env)).events.open.count;

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
});
beforeEach(async () => {
  hash = String((await jsonOf(await post(request()))).request_hash);
});
afterEach(async () => {
  vi.restoreAllMocks();
  // Whoever read to the end or went away has given its place back.
  await vi.waitFor(async () => expect(await openStreams()).toBe(0), EVENTUALLY);
  const left = await lease(node);
  if (left) await report(node, left.leaseId, 1, failed('build_failed'));
});

test('a build is told from its place in the queue to its image, with what is printed, and then it is over', async () => {
  const client = await listen(hash);
  expect(client.response.status).toBe(200);
  expect(Object.fromEntries(client.response.headers)).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'access-control-allow-origin': '*',
  });
  const first = await client.next();
  expect(first).toMatchObject({ event: 'state', id: 'start' });
  expect(JSON.parse(first?.data ?? '')).toEqual(await jsonOf(await ask(`/api/v1/build/${hash}`)));
  expect(client.reader.retryMs).toBeGreaterThan(0);

  const given = await order();
  await write(given, 1, 'Building images for x86\n\nPackages: a b\n');
  await step(given, 1, BuildStep.BUILDING_IMAGE);
  await client.until(isState('building_image'));
  await client.until(({ event }) => event === 'log');
  await write(given, 2, 'Calculating checksums...\n');
  await finish(node, given, { sequence: 2 });
  const heard = await client.rest();
  expect(linesOf(heard)).toEqual(['Building images for x86', '', 'Packages: a b', 'Calculating checksums...']);
  const mark = leaseMark(given.leaseId);
  expect(heard.slice(-2).map(({ event, id }) => `${event} ${id}`)).toEqual([`log ${mark}.2`, 'done end']);
  expect(JSON.parse(heard.at(-1)?.data ?? '')).toEqual(await jsonOf(await ask(`/api/v1/build/${hash}`)));
  expect(JSON.stringify(heard)).not.toContain(given.leaseId);
  expect(heard.filter(({ event }) => event === 'restart')).toEqual([]);
});

test('HEAD has the headers of the stream, and takes no place', async () => {
  const client = await listen(hash);
  const head = await ask(`/api/v1/build/${hash}/events`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(client.response.headers));
  expect(await openStreams()).toBe(1);
  await client.leave();
});

test('a state that lasts is told once', async () => {
  const given = await order();
  const client = await listen(hash);
  const asked = async () => (await foremanStats()).calls.status ?? 0;
  const before = await asked();
  const end = client.rest();
  await vi.waitFor(async () => expect(await asked()).toBeGreaterThan(before + 3), { timeout: 20_000 });
  await finish(node, given);
  // It may have been queued when the client came: that is what was known of it here.
  const states = (await end).filter(({ event }) => event === 'state').map(({ data }) => JSON.parse(data).detail);
  expect(states).toEqual([...new Set(states)]);
  expect(states).toContain('started');
});

test('while nothing happens the line is kept open', async () => {
  await order();
  const client = await listen(hash);
  const end = client.rest();
  await vi.waitFor(() => expect(client.reader.comments).toBeGreaterThan(0), { timeout: 40_000 });
  expect(client.heard.map(({ event }) => event)).not.toContain('done');
  await client.leave();
  await end.catch(() => undefined);
});

describe('a client that comes back', () => {
  it('hears the log from where it was, whatever was printed meanwhile', async () => {
    const given = await order();
    await write(given, 1, 'one\n');
    await write(given, 2, 'two\n');
    const before = await listen(hash);
    await before.until(({ data }) => data === 'two');
    await before.leave();
    await write(given, 3, 'three\n');
    await write(given, 4, 'four\n');
    const after = await listen(hash, before.reader.lastEventId);
    await after.until(({ data }) => data === 'four');
    await finish(node, given);
    expect(linesOf(await after.rest())).toEqual(['three', 'four']);
    // By the address, where a header cannot be set; the header is newer where there are both.
    expect(
      linesOf(await (await listen(hash, undefined, `?last_event_id=${before.reader.lastEventId}`)).rest()),
    ).toEqual(['three', 'four']);
    const both = await listen(hash, `${leaseMark(given.leaseId)}.3`, `?last_event_id=${before.reader.lastEventId}`);
    expect(linesOf(await both.rest())).toEqual(['four']);
  });

  it.each(['', 'nonsense', '0123456789abcdef.129', 'end?', '__proto__', 'ä'])(
    'with an id that is none, %j, hears all of it',
    async (id) => {
      const given = await order();
      await write(given, 1, 'one\n');
      await finish(node, given);
      await vi.waitFor(async () => expect((await ask(`/api/v1/build/${hash}`)).status).toBe(200), EVENTUALLY);
      const client = await listen(hash, undefined, `?1763000000&last_event_id=${encodeURIComponent(id)}`);
      expect(linesOf(await client.rest())).toEqual(['one']);
    },
  );

  it('and knows the end is told to stay away', async () => {
    const given = await order();
    await finish(node, given);
    const client = await listen(hash);
    await client.rest();
    const again = await listen(hash, client.reader.lastEventId);
    expect([again.response.status, await again.response.text()]).toEqual([204, '']);
    expect(again.response.headers.get('access-control-allow-origin')).toBe('*');
  });
});

describe('a build that is lost and done again', () => {
  it('is told to begin again, and its new log is told from its beginning', async () => {
    const client = await listen(hash);
    const lost = await order();
    await write(lost, 1, 'of the first try\n');
    await step(lost, 1, BuildStep.BUILDING_IMAGE);
    await client.until(({ data }) => data === 'of the first try');
    const id = client.reader.lastEventId;
    await report(node, lost.leaseId, 2, failed('node_lost'));
    expect(await client.until(({ event }) => event === 'restart')).toMatchObject({ id: 'start' });
    await client.until(isState('queued'));
    const given = await order();
    await write(given, 1, 'of the second try\n');
    await client.until(isState('init'));
    await client.until(({ data }) => data === 'of the second try');
    await client.leave();

    // Cut off before it was lost, and back when another is at it.
    const late = await listen(hash, id);
    expect((await late.next())?.event).toBe('restart');
    await late.until(({ data }) => data === 'of the second try');
    await finish(node, given);
    expect(linesOf(await late.rest())).toEqual(['of the second try']);
  });
});

describe('a build that fails', () => {
  it('is told with the rest of its log and the answer that a poll gets', async () => {
    const client = await listen(hash);
    const given = await order();
    await write(given, 1, 'it goes\n');
    await client.until(({ event }) => event === 'log');
    await write(given, 2, 'wrong\n');
    await report(node, given.leaseId, 1, failed('image_too_big'));
    const heard = await client.rest();
    expect(linesOf(heard)).toEqual(['it goes', 'wrong']);
    expect(heard.at(-1)).toMatchObject({ event: 'failed', id: 'end' });
    expect(JSON.parse(heard.at(-1)?.data ?? '')).toEqual(await jsonOf(await ask(`/api/v1/build/${hash}`)));
    // Whoever comes afterwards hears the same.
    const late = await listen(hash);
    expect((await late.rest()).map(({ event }) => event)).toEqual(['log', 'log', 'failed']);
  });
});

test('a build that is forgotten is no end: the stream is over, and who comes back gets the 404', async () => {
  const client = await listen(hash);
  await client.next();
  await alterTables(foremanStub(), 'DELETE FROM builds WHERE request_hash = ?', hash);
  expect((await client.rest()).map(({ event }) => event)).toEqual(['state']);
  const again = await listen(hash, client.reader.lastEventId);
  expect([again.response.status, again.response.headers.get('content-type')]).toEqual([
    404,
    'application/json; charset=utf-8',
  ]);
});

test('a node that lies writes lines into a log, and nothing else', async () => {
  const given = await order();
  const forged =
    'a\r\rid: end\r\n\r\nevent: done\ndata: {"status":200}\n\n\x1b[31mretry: 1\x1b[0m\u2028event: done\n: \0\n';
  await write(given, 1, forged);
  await finish(node, given);
  const client = await listen(hash);
  const heard = await client.rest();
  expect(heard.filter(({ event }) => event === 'done')).toHaveLength(1);
  expect(JSON.parse(heard.at(-1)?.data ?? '')).toMatchObject({ detail: 'done', request_hash: hash });
  expect(linesOf(heard)).toEqual([
    'a',
    '',
    'id: end',
    '',
    'event: done',
    'data: {"status":200}',
    '',
    'retry: 1event: done',
    ': ',
  ]);
  expect(client.reader.retryMs).not.toBe(1);
});

describe('a private build', () => {
  it('tells its states and how it ended, and no log, even if there were one', async () => {
    const body = { ...request(), defaults: 'uci set system.@system[0].hostname=hunter2' };
    const secret = String((await jsonOf(await post(body))).request_hash);
    const client = await listen(secret);
    await client.until(isState('queued'));
    let given = await order();
    while (given.requestHash !== secret) given = await order();
    await env.IMAGES?.put(storeKey.log(given.leaseId, 1), 'printed anyway\n');
    await step(given, 1, BuildStep.BUILDING_IMAGE);
    await client.until(isState('building_image'));
    await finish(node, given, { sequence: 2 });
    const heard = await client.rest();
    expect(new Set(heard.map(({ event }) => event))).toEqual(new Set(['state', 'done']));
    expect(JSON.stringify(heard)).not.toContain('hunter2');
    expect((await (await listen(secret)).rest()).map(({ event }) => event)).toEqual(['done']);
  });
});

describe('many listeners of one build', () => {
  it('cost as many calls to the Foreman and reads of the log as one', async () => {
    const given = await order();
    await write(given, 1, 'one\n');
    const reads = vi.spyOn(env.IMAGES as R2Bucket, 'get');
    const before = (await foremanStats()).calls.status ?? 0;
    const clients = await Promise.all(Array.from({ length: 50 }, () => listen(hash)));
    await Promise.all(clients.map((client) => client.until(({ event }) => event === 'log')));
    const looks = () => reads.mock.calls.filter(([key]) => key === storeKey.log(given.leaseId, 2)).length;
    const rests = clients.map((client) => client.rest());
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(3), { timeout: 20_000 });
    const calls = ((await foremanStats()).calls.status ?? 0) - before;
    expect(reads.mock.calls.filter(([key]) => key === storeKey.log(given.leaseId, 1))).toHaveLength(1);
    // Each look is one, and they came at one pace.
    expect(calls).toBeLessThanOrEqual(2 * looks() + 2);
    await finish(node, given);
    for (const heard of await Promise.all(rests)) expect(heard.at(-1)?.event).toBe('done');
  });
});

describe('a client that is not there', () => {
  it('any more costs nothing more', async () => {
    const client = await listen(hash);
    await client.next();
    expect(await openStreams()).toBe(1);
    await client.leave();
    await vi.waitFor(async () => expect(await openStreams()).toBe(0), EVENTUALLY);
  });

  it('to read, asks for nothing', async () => {
    const client = await listen(hash);
    const before = (await foremanStats()).calls.status ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect((await foremanStats()).calls.status ?? 0).toBe(before);
    await client.leave();
  });
});

describe('one listener too many', () => {
  it('is sent away to poll', async () => {
    const { open } = (await edgeContext(env)).events;
    const places: (() => void)[] = [];
    for (let place = open.open(Date.now(), null); place; place = open.open(Date.now(), null)) places.push(place);
    const response = await ask(`/api/v1/build/${hash}/events`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60']);
    expect(await jsonOf(response)).toMatchObject({ status: 503, detail: expect.stringContaining('ask for the build') });
    expect((await ask(`/api/v1/build/${hash}/events`, { method: 'HEAD' })).status).toBe(200);
    for (const place of places) place();
    const client = await listen(hash);
    expect(client.response.status).toBe(200);
    await client.leave();
  });
});

describe('when a part behind the edge fails', () => {
  it('the Foreman: the stream goes on, and tells the rest when it is back', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const client = await listen(hash);
    await client.next();
    const { get } = env.FOREMAN;
    const spy = vi.spyOn(env.FOREMAN, 'get').mockImplementation(() => {
      throw new Error('the Foreman is away');
    });
    const end = client.rest();
    await vi.waitFor(() => expect(log.mock.calls.join()).toContain('the Foreman is away'), EVENTUALLY);
    spy.mockImplementation((id, options) => get.call(env.FOREMAN, id, options));
    await finish(node, await order());
    expect((await end).at(-1)?.event).toBe('done');
  });

  it('the store of the log: states are told without it', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const given = await order();
    const bucket = env.IMAGES as R2Bucket;
    const { get } = bucket;
    vi.spyOn(bucket, 'get').mockImplementation(((key: string, ...more: []) => {
      if (key.startsWith('logs/')) throw new Error('R2 is away');
      return get.call(bucket, key, ...more);
    }) as typeof bucket.get);
    const client = await listen(hash);
    await step(given, 1, BuildStep.SIGNING_IMAGES);
    await client.until(isState('signing_images'));
    await finish(node, given, { sequence: 2 });
    expect((await client.rest()).at(-1)?.event).toBe('done');
  });
});
