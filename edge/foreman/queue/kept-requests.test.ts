/** The queue as it lies in the store, and how it comes back from there to a Foreman that has lost its tables. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { requestEcho } from '../../../shared/build/build-record.fixture.ts';
import { storeKey } from '../../../shared/build/build-record.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import { intentHash, requestHash } from '../../../shared/request/intent.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import { MAX_KEPT_BYTES } from '../../../shared/store/kept-request.ts';
import { configOf } from '../../config.ts';
import { env, openUpstream, type Row } from '../../edge.fixture.ts';
import type { Env } from '../../env.ts';
import { AHEAD, bucket, type OpenedForeman, openForeman, plansOf, submission } from '../foreman.fixture.ts';
import { KEPT_AFTER_MS, KeptRequests } from './kept-requests.ts';
import type { Submission } from './queue.ts';

let foreman: OpenedForeman;
const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  await openUpstream();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  foreman = openForeman();
  await foreman.node('a');
  warned.mockClear();
  log.mockClear();
});
afterAll(() => {
  vi.useRealTimers();
});

const salt = configOf(env).IDENTITY_SALT;
let wishes = 0;

/** As the edge submits it: called by the hash of what it asks for. */
function wish(fields: Partial<Submission> = {}): Submission {
  const request = fields.request ?? normalizedRequest({ addPackages: [`wish-${++wishes}`] });
  return submission({
    echo: requestEcho({ target: 'x86/64' }),
    ...fields,
    request,
    intentHash: intentHash(salt, request),
  });
}

const prefix = () => `foremen/${foreman.stub.name}/requests/`;
const keyOf = (hash: string) => `${prefix()}${hash}.json`;
const keptKeys = async () => (await bucket.list({ prefix: prefix() })).objects.map(({ key }) => key).sort();
const waiting = async (): Promise<Row[]> => (await foreman.rows('builds')).filter(({ state }) => state === 'queued');

/** Accepted, and waited for until it is kept. */
async function kept(fields: Partial<Submission> = {}): Promise<string> {
  const hash = await submitted(fields);
  vi.setSystemTime(Date.now() + KEPT_AFTER_MS);
  await foreman.alarm();
  await vi.waitFor(async () => expect(await keptKeys()).toContain(keyOf(hash)), EVENTUALLY);
  return hash;
}

async function submitted(fields: Partial<Submission> = {}): Promise<string> {
  const status = await foreman.submit(wish(fields));
  if (status.state !== 'queued') throw new Error(`expected it to wait, not ${status.state}`);
  return status.requestHash;
}

/** Everything that it knew is gone, but not what the operator says: the bucket is its own. */
async function loseTables(): Promise<void> {
  await bucket.delete(`foremen/${foreman.stub.name}/foreman.json`);
  await runInDurableObject(foreman.stub, (_, { storage }) => storage.deleteAll());
  await evictDurableObject(foreman.stub);
}

async function untilListed(): Promise<void> {
  await vi.waitFor(async () => {
    const marks = await foreman.rows('meta');
    expect(marks.find(({ name }) => name === 'requests_listed_at')?.value).toBeGreaterThan(0);
  }, EVENTUALLY);
}

describe('a build', () => {
  it('that is over within half a minute is never put there', async () => {
    const hash = await submitted();
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(hash, 'done');
    vi.setSystemTime(Date.now() + 2 * KEPT_AFTER_MS);
    await foreman.alarm();
    expect(await keptKeys()).toEqual([]);
    expect(await foreman.rows('kept_requests')).toEqual([]);
  });

  it('that waits longer is there until it is over, and is put there once', async () => {
    const hash = await kept();
    const { etag, uploaded } = (await bucket.head(keyOf(hash))) as R2Object;
    await foreman.submit(wish());
    vi.setSystemTime(Date.now() + KEPT_AFTER_MS);
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toHaveLength(2), EVENTUALLY);
    expect(await bucket.head(keyOf(hash))).toMatchObject({ etag, uploaded });
    const order = await foreman.order('a');
    expect(order.requestHash).toBe(hash);
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(hash, 'done');
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toHaveLength(1), EVENTUALLY);
    expect(await foreman.rows('kept_requests')).toHaveLength(1);
  });

  it('that is cancelled goes from there', async () => {
    const hash = await kept();
    await foreman.calls.cancel(hash);
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toEqual([]), EVENTUALLY);
  });

  it('is put there, and goes, once the store answers again', async () => {
    const hash = await submitted();
    vi.setSystemTime(Date.now() + KEPT_AFTER_MS);
    const broken = vi.spyOn(bucket, 'put').mockRejectedValue(new Error('R2 put failed'));
    await foreman.alarm();
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('R2 put failed'), EVENTUALLY);
    broken.mockRestore();
    expect(await foreman.alarmAt()).not.toBeNull();
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toEqual([keyOf(hash)]), EVENTUALLY);
    await foreman.calls.cancel(hash);
    const stuck = vi.spyOn(bucket, 'delete').mockRejectedValue(new Error('R2 delete failed'));
    await foreman.alarm();
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('R2 delete failed'), EVENTUALLY);
    stuck.mockRestore();
    expect(await keptKeys()).toEqual([keyOf(hash)]);
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toEqual([]), EVENTUALLY);
  });

  it('tells nothing there of who asked; of a private one nothing can be read', async () => {
    const mac = 'e'.repeat(64);
    const open = await kept({ clientKey: 'a client' });
    const secret = await kept({ request: normalizedRequest({ defaultsMac: mac }), sealedDefaults: 'c2VhbGVk' });
    const text = async (hash: string) => (await bucket.get(keyOf(hash)))?.text() ?? '';
    expect(await text(open)).not.toContain('a client');
    expect(JSON.parse(await text(open))).toMatchObject({ format: 1, generation: 1, sealedDefaults: null });
    expect(Object.keys(JSON.parse(await text(secret)))).toEqual(['format', 'sealed']);
    expect(await text(secret)).not.toMatch(new RegExp(`${mac}|c2VhbGVk|24\\.10`));
  });
});

describe('a Foreman that has lost its tables', () => {
  it('has the queue again, the eldest first, under the names that were given out', async () => {
    const mac = 'e'.repeat(64);
    const hashes = [
      await kept({ conditions: { version_code: 'r1', packages_versions: { curl: '8' } } }),
      await kept({ request: normalizedRequest({ defaultsMac: mac }), sealedDefaults: 'c2VhbGVk' }),
      await kept({ seenGeneration: 4 }),
    ];
    const columns = ({ request_hash, intent_hash, generation, request, echo, conditions, enqueued_at }: Row) => ({
      ...{ request_hash, intent_hash, generation, enqueued_at },
      json: [request, echo, conditions].map((text) => JSON.parse(String(text))),
    });
    const before = (await waiting()).map(columns);
    await loseTables();
    await untilListed();
    expect((await waiting()).map(columns)).toEqual(before);
    expect((await waiting()).map((row) => row.request_hash)).toEqual(hashes);
    expect((await foreman.build(String(hashes[1]))).sealed_defaults).toBe('c2VhbGVk');
    await foreman.node('a');
    // The first waits for a revision that upstream is not at.
    for (const hash of hashes.slice(1)) {
      const order = await foreman.order('a');
      expect(order.requestHash).toBe(hash);
      await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
      await foreman.untilState(hash, 'done');
    }
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toEqual([]), EVENTUALLY);
  });

  it('does not build again what is published', async () => {
    const hash = await kept();
    await bucket.put(storeKey.build(hash), '{}');
    await loseTables();
    await untilListed();
    expect(await waiting()).toEqual([]);
    await foreman.alarm();
    await vi.waitFor(async () => expect(await keptKeys()).toEqual([]), EVENTUALLY);
  });

  it('takes on what there is room for, and the rest when there is room', async () => {
    const hashes = [await kept(), await kept(), await kept()];
    await loseTables();
    const settings = configOf(env) as { MAX_QUEUE: number };
    const limit = await runInDurableObject(foreman.stub, (instance) => {
      const own = configOf((instance as unknown as { readonly env: Env }).env) as { MAX_QUEUE: number };
      own.MAX_QUEUE = 2;
      return settings.MAX_QUEUE;
    });
    await vi.waitFor(async () => expect(await waiting()).toHaveLength(2), EVENTUALLY);
    expect(await foreman.alarmAt()).not.toBeNull();
    await runInDurableObject(foreman.stub, (instance) => {
      (configOf((instance as unknown as { readonly env: Env }).env) as { MAX_QUEUE: number }).MAX_QUEUE = limit;
    });
    vi.setSystemTime(Date.now() + 60_000);
    await foreman.alarm();
    await vi.waitFor(async () => expect((await waiting()).map((row) => row.request_hash)).toEqual(hashes), EVENTUALLY);
  });

  it('tries again while the store does not answer, and loses nothing by it', async () => {
    const hash = await kept();
    const broken = vi.spyOn(bucket, 'list').mockRejectedValue(new Error('R2 list failed'));
    await loseTables();
    await foreman.calls.stats();
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('R2 list failed'), EVENTUALLY);
    broken.mockRestore();
    await foreman.alarm();
    await untilListed();
    expect((await waiting()).map((row) => row.request_hash)).toEqual([hash]);
  });

  const good = async () => JSON.parse((await (await bucket.get(keyOf(await kept())))?.text()) ?? '');
  const WRONG: readonly [string, (stored: Record<string, unknown>) => unknown][] = [
    ['no JSON', () => '{'],
    ['something else', () => ({ hello: 'world' })],
    ['a request of another hash', (stored) => ({ ...stored, generation: 9 })],
    ['a field that nobody writes', (stored) => ({ ...stored, more: 1 })],
    ['more than any request', (stored) => ({ ...stored, more: 'x'.repeat(MAX_KEPT_BYTES) })],
  ];
  it.each(WRONG)('leaves %s where it is, says so, and takes on the rest', async (_, spoil) => {
    const spoilt = spoil(await good());
    const [key] = await keptKeys();
    await bucket.put(String(key), typeof spoilt === 'string' ? spoilt : JSON.stringify(spoilt));
    const hash = await kept();
    await loseTables();
    await untilListed();
    expect((await waiting()).map((row) => row.request_hash)).toEqual([hash]);
    expect(JSON.stringify(warned.mock.calls)).toContain('are not taken on');
    await foreman.alarm();
    expect((await keptKeys()).sort()).toEqual([key, keyOf(hash)].sort());
  });

  it.each([
    ['a mebibyte is taken on', 1024 * 1024, 1],
    ['a byte more is left where it is', 1024 * 1024 + 1, 0],
  ])('what has %s', async (_, bytes, taken) => {
    const hash = await kept();
    const text = (await (await bucket.get(keyOf(hash)))?.text()) ?? '';
    await bucket.put(keyOf(hash), text.padEnd(bytes));
    await loseTables();
    await untilListed();
    expect((await waiting()).map((row) => row.request_hash)).toEqual([hash].slice(0, taken));
    const said = JSON.stringify(warned.mock.calls);
    expect(said.includes(`it has ${bytes} bytes`)).toBe(taken === 0);
    expect(await keptKeys()).toEqual([keyOf(hash)]);
  });

  it.each<[string, (hash: string) => string]>([
    ['its hash in capitals', (hash) => `${hash.toUpperCase()}.json`],
    ['its hash alone', (hash) => hash],
    ['its hash, below another', (hash) => `${hash}/${hash}.json`],
    ['another word', () => 'readme.json'],
  ])('leaves alone what is called there by %s', async (_, nameOf) => {
    const hash = await kept();
    const text = (await (await bucket.get(keyOf(hash)))?.text()) ?? '';
    await bucket.delete(keyOf(hash));
    const key = `${prefix()}${nameOf(hash)}`;
    await bucket.put(key, text);
    await loseTables();
    await untilListed();
    expect(await waiting()).toEqual([]);
    expect(JSON.stringify(warned.mock.calls)).toContain('is no build, and is left alone');
    await foreman.alarm();
    expect(await keptKeys()).toEqual([key]);
  });

  it.each([
    ['a package that is a path', { addPackages: ['../../etc'] }],
    ['a repository that is not allowed', { repositories: ['mine https://evil.example/x'] }],
    ['a larger root file system than is allowed', { rootfsSizeMb: 999_999 }],
    ['a distribution that is not served', { distro: 'other' }],
    ['a secret that was never sealed', { defaultsMac: 'a'.repeat(64) }],
  ])('takes on none that somebody else put there with %s', async (_, fields) => {
    const stored = await good();
    for (const key of await keptKeys()) await bucket.delete(key);
    const request = normalizedRequest(fields);
    const hash = requestHash(intentHash(salt, request), 1);
    await bucket.put(keyOf(hash), JSON.stringify({ ...stored, request, generation: 1 }));
    await loseTables();
    await untilListed();
    expect(await waiting()).toEqual([]);
    expect(JSON.stringify(warned.mock.calls)).toContain('are not taken on');
  });
});

describe('a Foreman whose tables are older than the store', () => {
  it('takes on what was accepted since, and removes what is over', async () => {
    const over = await kept();
    await foreman.calls.cancel(over);
    const stored = await (await bucket.get(keyOf(over)))?.text();
    const hash = await kept();
    await foreman.alter('DELETE FROM builds WHERE request_hash = ?', hash);
    await foreman.alter('DELETE FROM kept_requests');
    await bucket.put(keyOf(over), String(stored));
    vi.setSystemTime(Date.now() + 3_600_000);
    await evictDurableObject(foreman.stub);
    await foreman.alarm();
    await vi.waitFor(async () => expect((await waiting()).map((row) => row.request_hash)).toEqual([hash]), EVENTUALLY);
    await vi.waitFor(async () => {
      await foreman.alarm();
      expect(await keptKeys()).toEqual([keyOf(hash)]);
    }, EVENTUALLY);
  });
});

describe('a Foreman whose tables have as a prebuild what somebody has asked for since', () => {
  it('has it as asked for', async () => {
    const hash = await kept();
    await foreman.alter(`UPDATE builds SET client_key = '', polled_at = 0, turn = ${PREBUILD_TURN}`);
    await foreman.alter('DELETE FROM kept_requests');
    vi.setSystemTime(Date.now() + 3_600_000);
    await evictDurableObject(foreman.stub);
    await foreman.alter('UPDATE builds SET polled_at = ?', String(Date.now() + 3_600_000));
    await foreman.alarm();
    await vi.waitFor(
      async () => expect(Number((await foreman.build(hash)).turn)).toBeLessThan(PREBUILD_TURN),
      EVENTUALLY,
    );
    expect(await foreman.build(hash)).toMatchObject({ state: 'queued', generation: 1 });
    expect(await keptKeys()).toEqual([keyOf(hash)]);
  });
});

test('what each call asks of it goes by an index', async () => {
  const plans = await plansOf(foreman.stub, (db) => {
    const requests = new KeptRequests(db, '');
    requests.nextDueAt();
    requests.hasEnded();
    requests.due(1, 9);
  });
  expect(plans.length).toBeGreaterThan(4);
  for (const plan of plans) expect(plan).not.toMatch(/^SCAN (builds|kept_requests)(?! USING)|TEMP B-TREE/);
});
