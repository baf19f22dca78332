/** Two edges on one bucket: each a Foreman with tables of its own, and before them the same `foreman.json`. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { BucketHolder } from '../../shared/store/bucket-holder.ts';
import { configOf } from '../config.ts';
import { ask, env, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import type { Env } from '../env.ts';
import { LIFETIMES } from '../lifetimes.ts';
import { built, type FarmNode, joinNode, lease } from '../nodes/farm-node.fixture.ts';
import { READING_MS } from '../storage/object-store.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { BucketHold, HELD_MS, REFUSED_MS } from './bucket-hold.ts';
import { openDatabase } from './database.ts';
import { AHEAD, bucket, openForeman, submission } from './foreman.fixture.ts';

const OTHER: BucketHolder = { format: 1, id: 'fffffffffffff', since: 1_763_000_000_000, name: 'https://other.example' };
const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);

beforeAll(async () => {
  await openUpstream();
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  log.mockClear();
});
afterAll(() => {
  vi.useRealTimers();
});

let holds = 0;
const KEY = (room: string) => `${room}foreman.json`;
const holderOf = async (room: string) => (await bucket.get(KEY(room)))?.json<BucketHolder>();

/** Two Foremen of two edges, that have the same room in one bucket. */
async function withHolds(
  test: (open: (who: string, takesOver?: string) => Promise<BucketHold>, room: string) => Promise<void>,
): Promise<void> {
  const room = `hold-${++holds}/`;
  const open = (who: string, takesOver = '') =>
    runInDurableObject(foremanStub(`${room}${who}`), async (_, { storage }) => {
      const settings = { PUBLIC_URL: `https://${who}.example`, TAKES_OVER: takesOver };
      return new BucketHold(await openDatabase(storage), openObjectStore(env), settings, room);
    });
  await test(open, room);
}

describe('a bucket', () => {
  it('of nobody is held by whoever comes first; the other one refuses, and says to whom it belongs', () =>
    withHolds(async (open, room) => {
      const first = await open('first');
      const second = await open('second');
      await runInDurableObject(foremanStub(`${room}first`), () => first.assure(Date.now()));
      expect(await holderOf(room)).toEqual({ format: 1, id: first.id, since: AHEAD, name: 'https://first.example' });
      await runInDurableObject(foremanStub(`${room}second`), async () => {
        await second.settle(Date.now());
        expect(second.refusal).toContain(`another edge, ${first.id} (https://first.example), since`);
        await expect(second.assure(Date.now())).rejects.toThrow(`TAKES_OVER=${first.id}`);
      });
      expect(await holderOf(room)).toMatchObject({ id: first.id });
    }));

  it('of another is taken over by whom the operator told so by its whole name, and the first finds that out', () =>
    withHolds(async (open, room) => {
      const first = await open('first');
      await runInDurableObject(foremanStub(`${room}first`), () => first.assure(Date.now()));
      const second = await open('second', first.id);
      await runInDurableObject(foremanStub(`${room}second`), () => second.assure(Date.now()));
      expect(await holderOf(room)).toMatchObject({ id: second.id });
      const third = await open('third', first.id);
      await runInDurableObject(foremanStub(`${room}third`), async () => {
        await third.settle(Date.now());
        expect(third.refusal).toContain(second.id);
      });
      await runInDurableObject(foremanStub(`${room}first`), async () => {
        await first.settle(Date.now() + HELD_MS - 1);
        expect(first.refusal).toBeNull();
        await first.settle(Date.now() + 2 * HELD_MS);
        expect(first.refusal).toContain(second.id);
      });
    }));

  it('that was taken over after the clock was set back is not written to for as long as the clock was ahead', () =>
    withHolds(async (open, room) => {
      const first = await open('first');
      await runInDurableObject(foremanStub(`${room}first`), () => first.assure(Date.now()));
      vi.setSystemTime(Date.now() - 24 * 3_600_000);
      const second = await open('second', first.id);
      await runInDurableObject(foremanStub(`${room}second`), () => second.assure(Date.now()));
      await runInDurableObject(foremanStub(`${room}first`), () =>
        expect(first.assure(Date.now())).rejects.toThrow('belongs to another edge'),
      );
    }));

  it('is asked about once in a while, however many calls there are', () =>
    withHolds(async (open, room) => {
      const hold = await open('one');
      const reads = vi.spyOn(bucket, 'get');
      const count = () => reads.mock.calls.filter(([key]) => key === KEY(room)).length;
      await runInDurableObject(foremanStub(`${room}one`), async () => {
        await hold.assure(Date.now());
        const first = count();
        for (let n = 0; n < 50; n++) await hold.settle(Date.now() + n);
        expect(count()).toBe(first);
        await hold.assure(Date.now() + 2 * HELD_MS);
        expect(count()).toBe(first + 1);
      });
      const woken = await open('one');
      const before = count();
      await runInDurableObject(foremanStub(`${room}one`), () => woken.assure(Date.now()));
      expect(count()).toBe(before);
      await bucket.put(KEY(room), JSON.stringify(OTHER));
      await runInDurableObject(foremanStub(`${room}one`), async () => {
        await woken.settle(Date.now() + 2 * HELD_MS);
        const refused = count();
        await woken.settle(Date.now() + REFUSED_MS - 1);
        expect(count()).toBe(refused);
        // The other one has gone.
        await bucket.delete(KEY(room));
        await woken.settle(Date.now() + REFUSED_MS);
        expect(woken.refusal).toBeNull();
      });
      reads.mockRestore();
    }));

  it('that was held is held while the store is away; one of which nobody knows is not', () =>
    withHolds(async (open, room) => {
      const known = await open('known');
      await runInDurableObject(foremanStub(`${room}known`), () => known.assure(Date.now()));
      const unknown = await open('unknown');
      const broken = vi.spyOn(bucket, 'get').mockRejectedValue(new Error('R2 is away'));
      await runInDurableObject(foremanStub(`${room}known`), async () => {
        await known.assure(Date.now() + 10 * HELD_MS);
        expect(known.refusal).toBeNull();
      });
      await runInDurableObject(foremanStub(`${room}unknown`), async () => {
        await expect(unknown.assure(Date.now())).rejects.toThrow('R2 is away');
        await unknown.settle(Date.now());
        expect(unknown.refusal).toBeNull();
      });
      broken.mockRestore();
      await runInDurableObject(foremanStub(`${room}unknown`), () => unknown.settle(Date.now()));
      expect(unknown.refusal).not.toBeNull();
    }));

  it('with something else in the place of foreman.json is nobody’s, until somebody has looked', () =>
    withHolds(async (open, room) => {
      await bucket.put(KEY(room), 'something else');
      const hold = await open('one');
      await runInDurableObject(foremanStub(`${room}one`), () =>
        expect(hold.assure(Date.now())).rejects.toThrow('not what an edge writes'),
      );
      expect(await (await bucket.get(KEY(room)))?.text()).toBe('something else');
    }));
});

describe('an edge whose bucket belongs to another', () => {
  let node: FarmNode;
  let own: BucketHolder;

  beforeAll(async () => {
    node = await joinNode(1);
    await built(node, GOOD_REQUEST);
    own = (await holderOf('')) as BucketHolder;
    await bucket.put('foreman.json', JSON.stringify(OTHER));
    vi.setSystemTime(Date.now() + 3 * HELD_MS);
    await evictDurableObject(foremanStub());
  });
  beforeEach(() => {
    vi.setSystemTime(AHEAD + 3 * HELD_MS);
  });

  it('says so in /healthz, with what can be done, and answers 503', async () => {
    await vi.waitFor(async () => {
      vi.setSystemTime(Date.now() + LIFETIMES.healthMs + 1);
      const response = await ask('/healthz');
      const body = await jsonOf(response);
      expect([response.status, body.detail]).toEqual([503, 'down']);
      expect(body).toMatchObject({
        parts: { object_store: { up: false, reason: expect.stringContaining(`TAKES_OVER=${OTHER.id}`) } },
      });
    }, 20_000);
  });

  it('takes no build on, and tells the client that it is not its fault', async () => {
    const response = await post({ ...GOOD_REQUEST, packages: ['curl'] });
    expect(response.status).toBe(503);
    expect(await jsonOf(response)).toMatchObject({ detail: expect.stringContaining('not a fault of your request') });
  });

  it('serves what is published', async () => {
    const response = await post(GOOD_REQUEST);
    expect(response.status).toBe(200);
    const { bin_dir, images } = await jsonOf(response);
    const [image] = images as { name: string }[];
    expect((await ask(`/store/${bin_dir}/${image?.name}`)).status).toBe(200);
  });

  it('gives no lease', async () => {
    expect(await lease(node)).toBeNull();
  });

  it('takes builds on again once the bucket is its own', async () => {
    await bucket.put('foreman.json', JSON.stringify(own));
    vi.setSystemTime(Date.now() + 2 * REFUSED_MS);
    expect((await post({ ...GOOD_REQUEST, packages: ['curl'] })).status).toBe(202);
    expect(await lease(node)).not.toBeNull();
  });
});

describe('what is decided', () => {
  afterEach(() => {
    warned.mockClear();
  });

  it('is not published into the bucket of another, and is once it is taken over', async () => {
    const foreman = openForeman();
    await foreman.node('a');
    const intentHash = sha256Hex('decided while it was lost');
    await foreman.submit({ intentHash });
    const order = await foreman.order('a');
    const done = await foreman.success('a', order.leaseId);
    const key = `foremen/${foreman.stub.name}/foreman.json`;
    const own = await (await bucket.get(key))?.text();
    await bucket.put(key, JSON.stringify(OTHER));
    vi.setSystemTime(Date.now() + 3 * HELD_MS);
    await foreman.calls.submit([submission({ intentHash })]);
    await foreman.report('a', order.leaseId, 1, done);
    await foreman.alarm();
    expect(await bucket.head(`builds/${order.requestHash}.json`)).toBeNull();
    expect(await foreman.build(order.requestHash)).toMatchObject({ state: 'publishing' });
    await runInDurableObject(foreman.stub, (instance) => {
      const settings = configOf((instance as unknown as { readonly env: Env }).env) as { TAKES_OVER: string };
      settings.TAKES_OVER = OTHER.id;
    });
    vi.setSystemTime(Date.now() + REFUSED_MS);
    await foreman.alarm();
    await foreman.untilState(order.requestHash, 'done');
    expect(own).toBeDefined();
    expect(await (await bucket.get(key))?.json()).toMatchObject({ id: JSON.parse(String(own)).id });
    await runInDurableObject(foreman.stub, (instance) => {
      const settings = configOf((instance as unknown as { readonly env: Env }).env) as { TAKES_OVER: string };
      settings.TAKES_OVER = '';
    });
  });
});

test('a store that begins to say whose the bucket is, and never ends, is asked again', async () => {
  const name = 'hanging';
  await runInDurableObject(foremanStub(name), async (_, { storage }) => {
    const store = openObjectStore(env);
    let hangs = true;
    const get: typeof store.get = async (key, options) => {
      if (!hangs) return store.get(key, options);
      const body = new ReadableStream<Uint8Array>({ start: (begun) => begun.enqueue(new Uint8Array([123])) });
      return { exists: true, size: 100, etag: '""', sha256: null, range: null, body } as never;
    };
    const settings = { PUBLIC_URL: '', TAKES_OVER: '' };
    const hold = new BucketHold(
      await openDatabase(storage),
      { put: store.put.bind(store), putIfAbsent: store.putIfAbsent.bind(store), get },
      settings,
      `${name}/`,
    );
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: AHEAD });
    const refused = expect(hold.assure(Date.now())).rejects.toThrow('broke off');
    await vi.advanceTimersByTimeAsync(READING_MS + 1);
    await refused;
    vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
    hangs = false;
    await expect(hold.assure(Date.now())).resolves.toBeUndefined();
  });
});

test('each Foreman has an id of its own, and keeps it', async () => {
  const idOf = (name: string) =>
    runInDurableObject(foremanStub(name), async (_, { storage }) => {
      const settings = { PUBLIC_URL: '', TAKES_OVER: '' };
      return new BucketHold(await openDatabase(storage), openObjectStore(env), settings, '').id;
    });
  const [one, other] = [await idOf('one'), await idOf('other')];
  expect(one).toMatch(/^[0-9a-f]{13}$/);
  expect(other).not.toBe(one);
  await evictDurableObject(foremanStub('one'));
  expect(await idOf('one')).toBe(one);
});
