/** What clients are told while the store or KV is in trouble: the truth, or what was known before; never something else. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Mirror } from '../catalogue/mirror.fixture.ts';
import { ask, env, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { openIsolate } from '../isolate.fixture.ts';
import { finish, IMAGE_NAME, joinNode, orderFor } from '../nodes/farm-node.fixture.ts';

const IMAGE = 'an image of forty bytes, no more, no less';
const bucket = env.IMAGES as R2Bucket;
let mirror: Mirror;
let hash = '';

beforeAll(async () => {
  mirror = await openUpstream();
  const node = await joinNode(1);
  hash = String((await jsonOf(await post(GOOD_REQUEST))).request_hash);
  await finish(node, await orderFor(node), { image: IMAGE });
  await vi.waitFor(
    async () => expect((await ask(`/store/${hash}/${IMAGE_NAME}`, { method: 'HEAD' })).status).toBe(200),
    { timeout: 30_000 },
  );
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function expectStoreAway(response: Response): Promise<void> {
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60']);
  expect(await jsonOf(response)).toMatchObject({
    error_kind: 'internal',
    detail: expect.stringMatching(/store of the images does not answer.*not a fault of your request/),
  });
}

describe('while the store does not answer', () => {
  const away = () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(bucket, 'get').mockRejectedValue(new Error('get: We encountered an internal error. (10001)'));
  };

  test('a hit and a poll are answered from memory, or from KV by an isolate that is new', async () => {
    away();
    for (const isolate of [{ post, ask }, openIsolate(mirror)]) {
      expect((await isolate.post(GOOD_REQUEST)).status).toBe(200);
      expect((await isolate.ask(`/api/v1/build/${hash}`)).status).toBe(200);
    }
  });

  test('a miss and a download say so, and that asking again helps', async () => {
    away();
    await expectStoreAway(await post({ ...GOOD_REQUEST, rootfs_size_mb: 200 }));
    await expectStoreAway(await ask(`/store/${hash}/${IMAGE_NAME}`));
  });

  test('afterwards the same miss is built, as if nothing had been', async () => {
    expect((await post({ ...GOOD_REQUEST, rootfs_size_mb: 200 })).status).toBe(202);
  });
});

test('a download that breaks off in the store breaks off for its client, who never has a short file that looks whole', async () => {
  const get = bucket.get.bind(bucket);
  vi.spyOn(bucket, 'get').mockImplementation((async (key: string, options: R2GetOptions) => {
    const object = await get(key, options);
    if (!key.startsWith('objects/') || !object) return object;
    let pulls = 0;
    const body = new ReadableStream({
      pull(controller) {
        pulls += 1;
        if (pulls === 1) controller.enqueue(new TextEncoder().encode(IMAGE.slice(0, 10)));
        else controller.error(new Error('Network connection lost.'));
      },
    });
    return new Proxy(object, { get: (of, name) => (name === 'body' ? body : Reflect.get(of, name, of)) });
  }) as never);
  const response = await ask(`/store/${hash}/${IMAGE_NAME}`);
  expect(response.headers.get('content-length')).toBe(String(IMAGE.length));
  await expect(response.text()).rejects.toThrow();
});

describe('while KV fails', () => {
  test.each([
    ['cannot be read', 'get', 'KV GET failed: 500'],
    ['takes nothing', 'put', 'KV PUT failed: 429 Too Many Requests'],
  ] as const)(
    'and %s, an isolate that is new answers hit, poll and download from the store',
    async (_, call, message) => {
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
      vi.spyOn(env.CACHE, call).mockRejectedValue(new Error(message));
      if (call === 'put') vi.spyOn(env.CACHE, 'get').mockResolvedValue(null as never);
      const isolate = openIsolate(mirror);
      const hit = await isolate.post(GOOD_REQUEST);
      expect([hit.status, (await jsonOf(hit)).request_hash]).toEqual([200, hash]);
      expect((await openIsolate(mirror).ask(`/api/v1/build/${hash}`)).status).toBe(200);
      const file = await openIsolate(mirror).ask(`/store/${hash}/${IMAGE_NAME}`, { method: 'HEAD' });
      expect([file.status, file.headers.get('content-length')]).toEqual([200, String(IMAGE.length)]);
    },
  );

  test('and says for a minute what was there before, nothing older than the store has is answered to a poll', async () => {
    // As KV remembers that a key was not there.
    vi.spyOn(env.CACHE, 'get').mockResolvedValue(null as never);
    const polled = await openIsolate(mirror).ask(`/api/v1/build/${hash}`);
    expect([polled.status, (await jsonOf(polled)).request_hash]).toEqual([200, hash]);
  });
});
