import { describe, expect, it, test, vi } from 'vitest';
import type { BuildRecord } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { BuildStep } from '../../../shared/gen/asu/farm/v1/build_pb.js';
import { configOf } from '../../config.ts';
import { ask, env } from '../../edge.fixture.ts';
import { succeeded } from '../../nodes/farm-node.fixture.ts';
import { bucket, IMAGE, type OpenedForeman, putObject, submission, withForeman } from '../foreman.fixture.ts';

let foreman: OpenedForeman;
let intentHash = '';
const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
  intentHash = sha256Hex(`intent of ${expect.getState().currentTestName}`);
  log.mockClear();
});

const read = async <T>(key: string): Promise<T | undefined> => (await bucket.get(key))?.json<T>();

test('a decided image is its manifest, one record that names its files, a pointer to it, and two entries in KV', async () => {
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
    nodeName: 'a',
    operator: 'op',
    pins: order.pins,
    files: [{ name: IMAGE, sizeBytes: 8, sha256: sha256Hex('an image') }],
    images: [{ name: IMAGE, type: 'combined' }],
    manifest: { 'base-files': '1', dnsmasq: '2.90', curl: '8.1-r1' },
    unindexed: [],
    expiresAt: null,
  });
  expect(record?.files).toEqual([{ name: IMAGE, sizeBytes: 8, sha256: sha256Hex('an image') }]);
  expect(Object.keys(record?.images[0] ?? {}).sort()).toEqual(['filesystem', 'name', 'sha256', 'sizeBytes', 'type']);
  // sha256 of `base-files - 1\ncurl - 8.1-r1\ndnsmasq - 2.90\n`
  expect(await read('manifests/cb1c9bdb2d778e2.json')).toEqual(record?.manifest);
  expect(await read(`intents/${intentHash}.json`)).toEqual({ requestHash: order.requestHash, generation: 1 });
  const stored = { kind: 'built', record };
  expect(await env.CACHE.get(`result/build/${order.requestHash}`, 'json')).toEqual(stored);
  expect(await env.CACHE.get(`result/intent/${intentHash}`, 'json')).toEqual(stored);
});

test('a manifest that is there already stays as it is', async () => {
  const key = 'manifests/cb1c9bdb2d778e2.json';
  await bucket.put(key, '{"first":"1"}');
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  expect(await read(key)).toEqual({ first: '1' });
  await bucket.delete(key);
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
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('is not there as recorded'), EVENTUALLY);
    return order;
  }

  it('nothing of it is published, and pollers are told that its last step runs, of which the node may not have told', async () => {
    const order = await decidedWithoutFile();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running', step: BuildStep.SIGNING_IMAGES });
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
    for (let times = 0; times < 19; times++) {
      // The lease’s own alarm is long gone: this one is the publishing’s.
      const inMs = ((await foreman.alarmAt()) ?? Number.NaN) - Date.now();
      expect(inMs > 0 && inMs <= 3_000).toBe(true);
      vi.setSystemTime(Date.now() + 3_000);
      expect(await foreman.alarm()).toBe(true);
      expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
      await vi.waitFor(() => expect(log.mock.calls.length).toBeGreaterThan(times + 1), EVENTUALLY);
    }
    await putObject(order.leaseId, IMAGE, 'an image');
    vi.setSystemTime(Date.now() + 3_000);
    await foreman.alarm();
    await foreman.untilState(order.requestHash, 'done');
    const etag = (await bucket.head(`builds/${order.requestHash}.json`))?.etag;
    expect(etag).toBeDefined();
    // Those that were set while it was published, and until what waited is no longer kept: nothing is left to do then but to look, by
    // and by, what is to be built ahead.
    await vi.waitFor(async () => {
      await foreman.alarm();
      expect(await foreman.alarmAt()).toBeGreaterThan(Date.now() + 60_000);
    }, EVENTUALLY);
    expect((await bucket.head(`builds/${order.requestHash}.json`))?.etag).toBe(etag);
  });

  it('for a minute, it counts as a lost lease: another node builds it, and its word decides', async () => {
    const order = await decidedWithoutFile();
    vi.setSystemTime(Date.now() + 60_000);
    await foreman.node('b');
    await foreman.alarm();
    await foreman.untilState(order.requestHash, 'queued');
    expect(await foreman.rows('votes')).toEqual([]);
    expect(await foreman.build(order.requestHash)).toMatchObject({ record: null });
    expect(await foreman.lease('a')).toBeNull();
    const second = await foreman.order('b');
    expect(second).toMatchObject({ requestHash: order.requestHash, attempt: 2 });
    await foreman.report('b', second.leaseId, 1, await foreman.success('b', second.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    expect(await read(`builds/${order.requestHash}.json`)).toMatchObject({ leaseId: second.leaseId });
  });

  it.each(['quarantine', 'revoke'] as const)(
    'for a minute, what was said of it counts anew, but not of a node after %s',
    async (action) => {
      // The log names who is believed no more, as nodes are really named.
      const [v, w] = [sha256Hex('v'), sha256Hex('w')];
      for (const id of [v, w]) await foreman.node(id, `op-${id.slice(0, 8)}`, 'volunteer');
      await foreman.submit({ intentHash });
      for (const id of [v, w]) {
        const { leaseId } = await foreman.order(id);
        await foreman.report(id, leaseId, 1, await foreman.success(id, leaseId));
      }
      const order = await decidedWithoutFile();
      await foreman.calls.actOnNode(v, action, '');
      vi.setSystemTime(Date.now() + 60_000);
      await foreman.alarm();
      await foreman.untilState(order.requestHash, 'queued');
      expect(await foreman.rows('votes')).toMatchObject([{ node_id: w, verdict: 'open' }]);
      await foreman.node('b', `op-${v.slice(0, 8)}`);
      const second = await foreman.order('b');
      await foreman.report('b', second.leaseId, 1, await foreman.success('b', second.leaseId));
      await foreman.untilState(order.requestHash, 'done');
      const worth = (await foreman.rows('nodes')).map((row) => [row.id, row.builds_right, row.builds_wrong]);
      expect(new Set(worth)).toEqual(
        new Set([
          ['a', 0, 0],
          ['b', 1, 0],
          [v, 0, 0],
          [w, 1, 0],
        ]),
      );
    },
  );

  it('after every attempt, the build ends as our fault', async () => {
    let hash = '';
    for (let attempt = 1; attempt <= configOf(env).MAX_ATTEMPTS; attempt++) {
      hash = (await decidedWithoutFile()).requestHash;
      log.mockClear();
      vi.setSystemTime(Date.now() + 60_000);
      await foreman.alarm();
      await foreman.untilState(hash, attempt < configOf(env).MAX_ATTEMPTS ? 'queued' : 'failed');
    }
    expect(await foreman.status(hash)).toMatchObject({ failure: { kind: 'upload_failed' } });
  });

  it('and the store does not answer, nothing is given up, however long it takes', async () => {
    const order = await decidedWithoutFile();
    await putObject(order.leaseId, IMAGE, 'an image');
    const broken = vi.spyOn(bucket, 'head').mockRejectedValue(new Error('R2 head failed'));
    vi.setSystemTime(Date.now() + 3_600_000);
    await foreman.alarm();
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('head failed'), EVENTUALLY);
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
    broken.mockRestore();
    await foreman.alarm();
    await foreman.untilState(order.requestHash, 'done');
  });

  it('more than a page of others is published meanwhile', async () => {
    await decidedWithoutFile();
    const hashes: string[] = [];
    const broken = vi.spyOn(bucket, 'head').mockRejectedValue(new Error('R2 head failed'));
    for (let n = 0; n < 20; n++) {
      await foreman.submit({ intentHash: sha256Hex(`${intentHash} ${n}`) });
      const other = await foreman.order('a');
      await foreman.report('a', other.leaseId, 1, await foreman.success('a', other.leaseId));
      hashes.push(other.requestHash);
    }
    broken.mockRestore();
    await foreman.alarm();
    for (const hash of hashes) await foreman.untilState(hash, 'done');
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

test('while the store hangs, leases end as ever, one alarm after the other', async () => {
  await foreman.node('b', 'op-b');
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  const hangs = vi.spyOn(bucket, 'head').mockReturnValue(new Promise(() => undefined));
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  const leaseMs = configOf(env).LEASE_SECONDS * 1000;
  for (const [at, id] of ['a', 'b'].entries()) {
    await foreman.submit({ intentHash: sha256Hex(`${intentHash} ${at}`) });
    await foreman.order(id);
    vi.setSystemTime(Date.now() + leaseMs / 2);
  }
  const active = async () => (await foreman.rows('leases')).filter(({ state }) => state === 'active').length;
  for (const left of [1, 0]) {
    await foreman.alarm();
    expect(await active()).toBe(left);
    expect(await foreman.alarmAt()).not.toBeNull();
    vi.setSystemTime(Date.now() + leaseMs / 2);
  }
  hangs.mockRestore();
});

test('an image is published while KV takes nothing', async () => {
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  const broken = vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429'));
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  broken.mockRestore();
  expect(JSON.stringify(log.mock.calls)).toContain('KV PUT failed: 429');
});

test('an image takes what its lease has in the store, also what is not published of it', async () => {
  await foreman.submit({ intentHash: sha256Hex('takes room') });
  const { leaseId, requestHash } = await foreman.order('a');
  await foreman.upload('a', leaseId, 'beside-it.bin', 'x'.repeat(5_000));
  await foreman.report('a', leaseId, 1, await foreman.success('a', leaseId, 'an image'));
  await foreman.untilState(requestHash, 'done');
  const record = (await bucket.head(`builds/${requestHash}.json`))?.size ?? Number.NaN;
  const row = (await foreman.rows('images')).find(({ request_hash: hash }) => hash === requestHash);
  expect(row).toMatchObject({ bytes: record + 'an image'.length + 5_000 });
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

  /** Of what has an end: in the background, at an alarm. */
  const untilRemoved = (requestHash: string) =>
    vi.waitFor(async () => {
      vi.setSystemTime(Date.now() + 3_000);
      await foreman.alarm();
      expect(await foreman.build(requestHash)).toMatchObject({ expires_at: null });
    }, EVENTUALLY);

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
    await vi.waitFor(() => expect(broken).toHaveBeenCalled(), EVENTUALLY);
    broken.mockRestore();
    expect(await there()).toEqual([true, true]);
    await untilRemoved(order.requestHash);
    expect([await there(), await record()]).toEqual([[false, false], null]);
    expect(await bucket.head(`intents/${intentHash}.json`)).toBeNull();
    expect(await foreman.build(order.requestHash)).toMatchObject({ expires_at: null });
    expect(JSON.stringify(await foreman.rows('builds'))).not.toContain('e'.repeat(64));
  });

  it('leaves the pointer to a later generation alone when it ends', async () => {
    const request = { ...submission().request, defaultsMac: 'e'.repeat(64) };
    await foreman.submit({ intentHash, request, sealedDefaults: 'sealed' });
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    const later = { requestHash: 'f'.repeat(64), generation: 2 };
    await bucket.put(`intents/${intentHash}.json`, JSON.stringify(later));
    vi.setSystemTime(Date.now() + 25 * 3_600_000);
    await untilRemoved(order.requestHash);
    expect(await bucket.head(`builds/${order.requestHash}.json`)).toBeNull();
    expect(await read(`intents/${intentHash}.json`)).toEqual(later);
  });

  it('that failed keeps its log for a build’s time; then that, its files and unfinished parts are gone', async () => {
    const request = { ...submission().request, defaultsMac: 'e'.repeat(64) };
    await foreman.submit({ intentHash, request, sealedDefaults: 'sealed' });
    const order = await foreman.order('a');
    const big = { name: 'big.img', sizeBytes: 6 * 1024 * 1024, sha256: sha256Hex('big') };
    await foreman.calls.grantUploads('a', order.leaseId, [big]);
    const parts = await bucket.createMultipartUpload(`objects/${order.leaseId}/big.img`);
    await foreman.calls.startMultipart(order.leaseId, 'big.img', parts.uploadId);
    await foreman.upload('a', order.leaseId);
    const value = { kind: 'conflict', detail: 'no', stdout: 'hunter2', stderr: 'hunter2' };
    await foreman.report('a', order.leaseId, 1, { case: 'failed', value });
    const buildMs = configOf(env).BUILD_SECONDS * 1000;
    expect(await foreman.build(order.requestHash)).toMatchObject({ expires_at: Date.now() + buildMs });
    expect(await foreman.status(order.requestHash)).toMatchObject({ failure: { stderr: 'hunter2' } });
    vi.setSystemTime(Date.now() + buildMs);
    await untilRemoved(order.requestHash);
    expect(await bucket.head(`objects/${order.leaseId}/${IMAGE}`)).toBeNull();
    await expect(parts.uploadPart(1, 'x')).rejects.toThrow();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'failed', failure: { stderr: '' } });
    expect(JSON.stringify(await foreman.rows('builds'))).not.toContain('hunter2');
  });
});
