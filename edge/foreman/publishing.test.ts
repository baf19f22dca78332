import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import type { BuildRecord } from '../../shared/build-record.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { ask, env, openUpstream } from '../edge.fixture.ts';
import { succeeded } from '../farm-node.fixture.ts';
import { bucket, IMAGE, type OpenedForeman, openForeman, putObject, submission } from './foreman.fixture.ts';

let foreman: OpenedForeman;
let intentHash = '';
const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  await openUpstream();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  foreman = openForeman();
  await foreman.node('a');
  intentHash = sha256Hex(`intent of ${expect.getState().currentTestName}`);
  log.mockClear();
});
afterAll(() => {
  vi.useRealTimers();
});

const read = async <T>(key: string): Promise<T | undefined> => (await bucket.get(key))?.json<T>();

test('a decided image is one record that names its files, a pointer to it, and two entries in KV', async () => {
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  const record = await read<BuildRecord>(`builds/${order.requestHash}.json`);
  expect(record).toMatchObject({
    format: 1,
    requestHash: order.requestHash,
    intentHash,
    generation: 1,
    private: false,
    leaseId: order.leaseId,
    nodeId: 'a',
    operator: 'op',
    pins: order.pins,
    files: [{ name: IMAGE, sizeBytes: 8, sha256: sha256Hex('an image') }],
    images: [{ name: IMAGE, type: 'combined' }],
    manifest: { 'base-files': '1', dnsmasq: '2.90', curl: '8.1-r1' },
    unindexed: [],
    expiresAt: null,
  });
  expect(await read(`intents/${intentHash}.json`)).toEqual({ requestHash: order.requestHash, generation: 1 });
  const stored = { kind: 'built', record };
  expect(await env.CACHE.get(`result/build/${order.requestHash}`, 'json')).toEqual(stored);
  expect(await env.CACHE.get(`result/intent/${intentHash}`, 'json')).toEqual(stored);
});

test('packages that upstream does not list are noted, so that they say nothing about freshness later', async () => {
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  const file = await foreman.upload('a', order.leaseId);
  await foreman.report('a', order.leaseId, 1, succeeded([file], { curl: '8.1-r1', 'of-a-foreign-feed': '1' }));
  await foreman.untilState(order.requestHash, 'done');
  expect(await read(`builds/${order.requestHash}.json`)).toMatchObject({ unindexed: ['of-a-foreign-feed'] });
});

describe('while a file of a decided image is not in the store', () => {
  async function decidedWithoutFile() {
    await foreman.submit({ intentHash });
    const order = await foreman.order('a');
    const event = await foreman.success('a', order.leaseId);
    await bucket.delete(`objects/${order.leaseId}/${IMAGE}`);
    await foreman.report('a', order.leaseId, 1, event);
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('is not there as recorded'));
    return order;
  }

  it('nothing of it is published, and pollers are told that it runs', async () => {
    const order = await decidedWithoutFile();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
    expect(await bucket.head(`builds/${order.requestHash}.json`)).toBeNull();
    expect(await bucket.head(`intents/${intentHash}.json`)).toBeNull();
    expect(await env.CACHE.get(`result/build/${order.requestHash}`)).toBeNull();
    expect((await ask(`/api/v1/build/${order.requestHash}`)).status).toBe(404);
    expect((await ask(`/store/${order.requestHash}/${IMAGE}`)).status).toBe(404);
  });

  it.each([
    ['shorter', 'an imag'],
    ['another', 'an imagE'],
  ])('and %s in its place, nothing is published either', async (_, text) => {
    const order = await decidedWithoutFile();
    await putObject(order.leaseId, IMAGE, text);
    await foreman.alarm();
    expect(await bucket.head(`builds/${order.requestHash}.json`)).toBeNull();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
  });

  it('the alarm tries again, and publishes once when it has come back', async () => {
    const order = await decidedWithoutFile();
    for (let times = 0; times < 3; times++) {
      // The lease’s own alarm is long gone: this one is the publishing’s.
      const inMs = ((await foreman.alarmAt()) ?? Number.NaN) - Date.now();
      expect(inMs > 0 && inMs <= 3_000).toBe(true);
      vi.setSystemTime(Date.now() + 3_000);
      expect(await foreman.alarm()).toBe(true);
      expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
    }
    await putObject(order.leaseId, IMAGE, 'an image');
    vi.setSystemTime(Date.now() + 3_000);
    await foreman.alarm();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'done' });
    const etag = (await bucket.head(`builds/${order.requestHash}.json`))?.etag;
    expect(etag).toBeDefined();
    expect(await foreman.alarm()).toBe(false);
    expect((await bucket.head(`builds/${order.requestHash}.json`))?.etag).toBe(etag);
  });

  it('other builds are published meanwhile', async () => {
    await decidedWithoutFile();
    await foreman.submit({ intentHash: sha256Hex(`${intentHash} other`) });
    const other = await foreman.order('a');
    await foreman.report('a', other.leaseId, 1, await foreman.success('a', other.leaseId));
    vi.setSystemTime(Date.now() + 3_000);
    await foreman.alarm();
    await foreman.untilState(other.requestHash, 'done');
  });

  it('an equal submission joins it instead of building again', async () => {
    const order = await decidedWithoutFile();
    expect(await foreman.submit({ intentHash })).toMatchObject({ state: 'running', requestHash: order.requestHash });
    expect(await foreman.lease('a')).toBeNull();
  });
});

describe('an image with secrets', () => {
  it('is published with an end and without its MAC, and stays out of KV', async () => {
    const request = { ...submission().request, defaultsMac: 'e'.repeat(64) };
    await foreman.submit({ intentHash, request, sealedDefaults: 'sealed' });
    const order = await foreman.order('a');
    expect(order.sealedDefaults).toBe('sealed');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    const record = await read<BuildRecord>(`builds/${order.requestHash}.json`);
    expect(record).toMatchObject({ private: true, request: { defaultsMac: '' } });
    expect(record?.expiresAt).toBe(Number(record?.publishedAt) + 24 * 3_600_000);
    expect(await env.CACHE.get(`result/build/${order.requestHash}`)).toBeNull();
    expect(await env.CACHE.get(`result/intent/${intentHash}`)).toBeNull();
  });

  it('is removed with all that its leases left when its time is over, again until the store answers', async () => {
    const request = { ...submission().request, defaultsMac: 'e'.repeat(64) };
    await foreman.submit({ intentHash, request, sealedDefaults: 'sealed' });
    const lost = await foreman.order('a');
    await foreman.upload('a', lost.leaseId, IMAGE, 'a first try');
    await foreman.report('a', lost.leaseId, 1, { case: 'failed', value: { kind: 'disk_full' } });
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    const files = [lost, order].map(({ leaseId }) => `objects/${leaseId}/${IMAGE}`);
    const there = async () =>
      (await Promise.all(files.map((key) => bucket.head(key)))).map((object) => object !== null);
    const record = () => bucket.head(`builds/${order.requestHash}.json`);

    await foreman.alarm();
    expect([await there(), (await record()) !== null]).toEqual([[true, true], true]);
    vi.setSystemTime(Date.now() + 25 * 3_600_000);
    const broken = vi.spyOn(bucket, 'delete').mockRejectedValue(new Error('R2 delete failed'));
    await foreman.alarm();
    broken.mockRestore();
    expect(await there()).toEqual([true, true]);
    vi.setSystemTime(Date.now() + 3_000);
    await foreman.alarm();
    expect([await there(), await record()]).toEqual([[false, false], null]);
    expect(await foreman.build(order.requestHash)).toMatchObject({ expires_at: null });
    expect(JSON.stringify(await foreman.rows('builds'))).not.toContain('e'.repeat(64));
  });
});
