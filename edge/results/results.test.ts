import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { buildRecord, failureRecord } from '../../shared/build/build-record.fixture.ts';
import { type BuildRecord, storeKey } from '../../shared/build/build-record.ts';
import * as freshness from '../../shared/build/freshness.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { archDocument, targetDocument } from '../../shared/upstream/upstream.fixture.ts';
import { env } from '../edge.fixture.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { BuiltResult, FailedResult } from './kept-result.ts';
import { resultKey } from './result-key.ts';
import { Results } from './results.ts';

const bucket = env.IMAGES as R2Bucket;
const isolate = () => new Results(env.CACHE, openObjectStore(env));
const now = Date.now();

let record: BuildRecord;
let count = 0;
beforeEach(() => {
  vi.restoreAllMocks();
  count += 1;
  record = buildRecord({ requestHash: sha256Hex(`request ${count}`), intentHash: sha256Hex(`intent ${count}`) });
});

const publish = async (published: BuildRecord): Promise<void> => {
  await bucket.put(storeKey.build(published.requestHash), JSON.stringify(published));
  await bucket.put(storeKey.intent(published.intentHash), JSON.stringify({ requestHash: published.requestHash }));
};
const inKv = (built: BuildRecord) =>
  env.CACHE.put(resultKey.build(built.requestHash), JSON.stringify({ kind: 'built', record: built }));

describe('a published build', () => {
  it('is found in the store by its name and by what was asked', async () => {
    await publish(record);
    const built = new BuiltResult(record);
    expect(await isolate().buildFromStore(record.requestHash, now)).toEqual(built);
    expect(await isolate().latestFromStore(record.intentHash, now, () => true)).toEqual(built);
  });

  it('that was read from the store is in this memory and in KV for the next isolate', async () => {
    await publish(record);
    const first = isolate();
    await first.buildFromStore(record.requestHash, now);
    expect(first.inMemory(resultKey.build(record.requestHash))).toMatchObject({ kind: 'built' });
    expect(first.inMemory(resultKey.intent(record.intentHash))).toMatchObject({ kind: 'built' });
    const get = vi.spyOn(bucket, 'get');
    expect(await isolate().fromCache(resultKey.build(record.requestHash))).toMatchObject({
      kind: 'built',
      record: { requestHash: record.requestHash, leaseId: record.leaseId },
    });
    expect(get).not.toHaveBeenCalled();
  });

  it('that was read from KV is in this memory, by both its keys', async () => {
    await inKv(record);
    const first = isolate();
    expect(first.inMemory(resultKey.build(record.requestHash))).toBeUndefined();
    const built = await first.fromCache(resultKey.build(record.requestHash));
    expect(first.inMemory(resultKey.build(record.requestHash))).toBe(built);
    expect(first.inMemory(resultKey.intent(record.intentHash))).toBe(built);
  });

  it('is nowhere before it is published', async () => {
    const results = isolate();
    expect(await results.fromCache(resultKey.build(record.requestHash))).toBeUndefined();
    expect(await results.buildFromStore(record.requestHash, now)).toBeUndefined();
    expect(await results.latestFromStore(record.intentHash, now, () => true)).toBeUndefined();
  });

  it('under another’s name in the store is nobody’s', async () => {
    const name = sha256Hex('another name');
    await bucket.put(storeKey.build(name), JSON.stringify(record));
    expect(await isolate().buildFromStore(name, now)).toBeUndefined();
  });

  it('is found while KV neither answers nor takes anything', async () => {
    await publish(record);
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(env.CACHE, 'get').mockRejectedValue(new Error('KV GET failed: 500'));
    vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429'));
    const results = isolate();
    expect(await results.fromCache(resultKey.build(record.requestHash))).toBeUndefined();
    expect(await results.buildFromStore(record.requestHash, now)).toMatchObject({ kind: 'built' });
    expect(log).toHaveBeenCalledTimes(2);
  });
});

describe('KV', () => {
  const kv = (key: string) => env.CACHE.get(key);

  it('is written once by an isolate that reads the same build again', async () => {
    await publish(record);
    const results = isolate();
    const put = vi.spyOn(env.CACHE, 'put');
    for (let times = 0; times < 3; times++) await results.latestFromStore(record.intentHash, now, () => true);
    await results.buildFromStore(record.requestHash, now);
    expect(put.mock.calls.map(([key]) => key).sort()).toEqual(
      [resultKey.build(record.requestHash), resultKey.intent(record.intentHash)].sort(),
    );
  });

  it.each([true, false])('has a record under what was asked where it is usable: %s', async (usable) => {
    await publish(record);
    await isolate().latestFromStore(record.intentHash, now, () => usable);
    expect((await kv(resultKey.intent(record.intentHash))) !== null).toBe(usable);
    expect(await kv(resultKey.build(record.requestHash))).not.toBeNull();
  });
});

describe('a record that is false', () => {
  it('goes from everywhere', async () => {
    await publish(record);
    const results = isolate();
    await results.buildFromStore(record.requestHash, now);
    await results.forget(new BuiltResult(record).record);
    expect(results.inMemory(resultKey.build(record.requestHash))).toBeUndefined();
    expect(await env.CACHE.get(resultKey.build(record.requestHash))).toBeNull();
    expect(await bucket.head(storeKey.build(record.requestHash))).toBeNull();
  });

  it('and was found in an old copy leaves what the store has by now under its name', async () => {
    const successor = { ...record, leaseId: 'lease of another' };
    await publish(successor);
    await inKv(record);
    const results = isolate();
    await results.fromCache(resultKey.build(record.requestHash));
    await results.forget(new BuiltResult(record).record);
    expect(results.inMemory(resultKey.build(record.requestHash))).toBeUndefined();
    expect(await results.fromCache(resultKey.build(record.requestHash))).toBeUndefined();
    expect(await results.buildFromStore(record.requestHash, now)).toEqual(new BuiltResult(successor));
  });
});

test('a hash that nobody knew is asked for again once somebody asked for its image', () => {
  const results = isolate();
  results.rememberUnknown('a');
  results.rememberUnknown('b');
  results.forgetUnknown('a');
  expect([results.isUnknown('a'), results.isUnknown('b')]).toEqual([false, true]);
});

test('a build that has no record yet is not unknown, and may have one a moment later', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1);
  const results = isolate();
  for (const hash of ['a', 'b']) results.rememberUnbuilt(hash);
  expect([results.isUnbuilt('a'), results.isUnknown('a')]).toEqual([true, false]);
  results.forgetUnknown('a');
  expect([results.isUnbuilt('a'), results.isUnbuilt('b')]).toEqual([false, true]);
  now.mockReturnValue(2 + LIFETIMES.unbuiltMs);
  expect(results.isUnbuilt('b')).toBe(false);
});

test('a failure weighs what it holds: its log, and the request that it shows', () => {
  const size = (fields: Parameters<typeof failureRecord>[0]) => new FailedResult(failureRecord(fields)).sizeBytes;
  const text = 'x'.repeat(10_000);
  const none = size({});
  expect(size({ stderr: text })).toBeGreaterThan(none + 10_000);
  expect(size({ echo: { ...failureRecord().echo, packages: [text] } })).toBeGreaterThan(none + 10_000);
});

describe('a private build', () => {
  it('is answered from the store alone: not kept in memory, never written to KV', async () => {
    const secret = { ...record, private: true, expiresAt: now + 1 };
    await publish(secret);
    const results = isolate();
    expect(await results.buildFromStore(secret.requestHash, now)).toMatchObject({ kind: 'built' });
    expect(await results.latestFromStore(secret.intentHash, now, () => true)).toMatchObject({ kind: 'built' });
    for (const key of [resultKey.build(secret.requestHash), resultKey.intent(secret.intentHash)]) {
      expect(results.inMemory(key)).toBeUndefined();
      expect(await env.CACHE.get(key)).toBeNull();
    }
  });

  it('is not there from its end on', async () => {
    await publish({ ...record, private: true, expiresAt: now });
    expect(await isolate().buildFromStore(record.requestHash, now)).toBeUndefined();
    expect(await isolate().latestFromStore(record.intentHash, now, () => true)).toBeUndefined();
  });

  it('that got into KV in spite of all is not kept in memory', async () => {
    await inKv({ ...record, private: true });
    const results = isolate();
    await results.fromCache(resultKey.build(record.requestHash));
    expect(results.inMemory(resultKey.build(record.requestHash))).toBeUndefined();
  });

  it('that failed is not remembered', () => {
    const results = isolate();
    const failure = failureRecord({ requestHash: record.requestHash, private: true });
    expect(results.rememberFailure(failure)).toMatchObject({ kind: 'failed' });
    expect(results.inMemory(resultKey.build(record.requestHash))).toBeUndefined();
  });
});

describe('of several generations', () => {
  const old = () => ({ ...record, generation: 1 });
  const latest = () => ({ ...record, generation: 2, requestHash: sha256Hex(`latest ${count}`) });

  it('the latest stands for the intent, also when an old one is polled for', async () => {
    await publish(old());
    await publish(latest());
    const results = isolate();
    await results.latestFromStore(record.intentHash, now, () => true);
    await results.buildFromStore(old().requestHash, now);
    expect(results.inMemory(resultKey.intent(record.intentHash))).toMatchObject({ record: { generation: 2 } });
    expect(results.inMemory(resultKey.build(old().requestHash))).toMatchObject({ record: { generation: 1 } });
  });

  it('a failure of an old one does not stand for the intent', async () => {
    await publish(latest());
    const results = isolate();
    await results.latestFromStore(record.intentHash, now, () => true);
    const { requestHash, intentHash } = old();
    results.rememberFailure(failureRecord({ requestHash, intentHash, generation: 1 }));
    expect(results.inMemory(resultKey.intent(intentHash))).toMatchObject({ kind: 'built' });
    expect(results.inMemory(resultKey.build(requestHash))).toMatchObject({ kind: 'failed' });
  });

  it('an image replaces the failure before it', async () => {
    const results = isolate();
    results.rememberFailure(failureRecord({ requestHash: old().requestHash, intentHash: record.intentHash }));
    await publish(latest());
    await results.latestFromStore(record.intentHash, now, () => true);
    expect(results.inMemory(resultKey.intent(record.intentHash))).toMatchObject({ kind: 'built' });
  });
});

describe('a failure', () => {
  it.each([
    ['conflict', true],
    ['version_mismatch', false],
    ['node_lost', false],
  ] as const)('%s stands for its intent: %s', (kind, stands) => {
    const results = isolate();
    const { requestHash, intentHash } = record;
    results.rememberFailure(failureRecord({ requestHash, intentHash, kind }));
    expect(results.inMemory(resultKey.build(requestHash))).toMatchObject({ kind: 'failed' });
    expect(results.inMemory(resultKey.intent(intentHash)) !== undefined).toBe(stands);
  });

  it('in KV is one in memory', async () => {
    const failure = failureRecord({ requestHash: record.requestHash });
    await env.CACHE.put(resultKey.build(record.requestHash), JSON.stringify({ kind: 'failed', failure }));
    const results = isolate();
    expect(await results.fromCache(resultKey.build(record.requestHash))).toMatchObject({ kind: 'failed', failure });
    expect(results.inMemory(resultKey.build(record.requestHash))).toMatchObject({ kind: 'failed' });
  });

  it('is kept for a shorter time than an image', () => {
    expect(LIFETIMES.failureInMemoryMs).toBeLessThan(LIFETIMES.resultInMemoryMs);
  });
});

describe('the freshness of a built result', () => {
  const target = targetDocument();
  const arch = archDocument();
  const whole = buildRecord({
    manifest: { vim: '9.1' },
    pins: { ...buildRecord().pins, imageBuilder: { url: '', sha256: target.imageBuilder.sha256 } },
  });
  const built = () => new BuiltResult(whole);

  it('is judged once for each state of upstream', () => {
    const result = built();
    const read = vi.fn(() => ({ vim: '9.1' }));
    Object.defineProperty(result, 'manifest', { get: read });
    expect([result.isFresh(target, arch), result.isFresh(target, arch), result.isFresh({ ...target }, arch)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['the target’s packages', targetDocument({ packagesDigest: '9'.repeat(64), packages: { vim: '10' } }), arch],
    ['the feeds', target, archDocument({ packagesDigest: '9'.repeat(64), packages: { vim: '10' } })],
    ['the ImageBuilder', targetDocument({ imageBuilder: { path: '', sha256: '9'.repeat(64) } }), arch],
  ])('is judged anew when %s have changed, and again when they change back', (_, otherTarget, otherArch) => {
    const result = built();
    expect(result.isFresh(target, arch)).toBe(true);
    expect(result.isFresh(otherTarget, otherArch)).toBe(false);
    expect(result.isFresh(target, arch)).toBe(true);
    expect(freshness.isFresh(whole, otherTarget, otherArch)).toBe(false);
  });
});
