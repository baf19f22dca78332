import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { ask, env, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { finish, IMAGE_NAME, joinNode, lease } from '../nodes/farm-node.fixture.ts';
import { R2ObjectStore } from '../storage/r2.ts';

const IMAGE = 'an image of forty bytes, no more, no less';
let path = '';

beforeAll(async () => {
  await openUpstream();
  const node = await joinNode(1);
  const { request_hash } = await jsonOf(await post(GOOD_REQUEST));
  const order = await lease(node);
  if (!order) throw new Error('expected an order');
  path = `/store/${request_hash}/${IMAGE_NAME}`;
  // Asked for too early, it is not there, and that must not be remembered.
  expect((await ask(path)).status).toBe(404);
  await finish(node, order, { image: IMAGE });
  await vi.waitFor(async () => expect((await ask(path, { method: 'HEAD' })).status).toBe(200), { timeout: 30_000 });
});

const HEADERS = {
  'access-control-allow-origin': '*',
  'content-length': String(IMAGE.length),
  'content-type': 'application/octet-stream',
  'content-disposition': `attachment; filename="${IMAGE_NAME}"`,
  'x-content-type-options': 'nosniff',
  'accept-ranges': 'bytes',
  'cache-control': 'public, max-age=31536000, immutable',
  etag: `"${sha256Hex(IMAGE)}"`,
  'last-modified': expect.stringMatching(/GMT$/),
};

test('an image is the bytes that the node uploaded, with every header that clients read', async () => {
  const response = await ask(path);
  expect([response.status, await response.text()]).toEqual([200, IMAGE]);
  expect(Object.fromEntries(response.headers)).toMatchObject(HEADERS);
});

test('HEAD has the same headers and reads nothing from the store', async () => {
  const get = vi.spyOn(env.IMAGES as R2Bucket, 'get');
  const response = await ask(path, { method: 'HEAD' });
  expect([response.status, await response.text()]).toEqual([200, '']);
  expect(Object.fromEntries(response.headers)).toMatchObject(HEADERS);
  expect(get).not.toHaveBeenCalled();
  get.mockRestore();
});

describe('a range', () => {
  it.each([
    ['bytes=0-4', IMAGE.slice(0, 5), `bytes 0-4/${IMAGE.length}`],
    ['bytes=3-', IMAGE.slice(3), `bytes 3-${IMAGE.length - 1}/${IMAGE.length}`],
    ['bytes=-4', IMAGE.slice(-4), `bytes ${IMAGE.length - 4}-${IMAGE.length - 1}/${IMAGE.length}`],
    ['bytes=3-999', IMAGE.slice(3), `bytes 3-${IMAGE.length - 1}/${IMAGE.length}`],
  ])('%s is that part', async (range, text, contentRange) => {
    const response = await ask(path, { headers: { range } });
    expect([response.status, await response.text()]).toEqual([206, text]);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(response.headers.get('content-length')).toBe(String(text.length));
  });

  it('behind the end is refused, with the size', async () => {
    const response = await ask(path, { headers: { range: 'bytes=999-' } });
    expect(response.headers.get('content-range')).toBe(`bytes */${IMAGE.length}`);
    expect(await jsonOf(response)).toMatchObject({ status: 416 });
  });

  it.each([
    ['of another file', `"${sha256Hex('other')}"`, 200],
    ['of this file', `"${sha256Hex(IMAGE)}"`, 206],
    ['at a time, which tells no two files apart', new Date(Date.now() + 86_400_000).toUTCString(), 200],
  ])('to go on with what was begun %s', async (_, ifRange, status) => {
    const response = await ask(path, { headers: { range: 'bytes=1-2', 'if-range': ifRange } });
    expect(response.status).toBe(status);
    await response.body?.cancel();
  });
});

test.each([`"${sha256Hex(IMAGE)}"`, `W/"${sha256Hex(IMAGE)}"`, `"x", "${sha256Hex(IMAGE)}"`, '*'])(
  'who has %s already gets no body',
  async (tag) => {
    const response = await ask(path, { headers: { 'if-none-match': tag } });
    expect([response.status, await response.text()]).toEqual([304, '']);
  },
);

test('its address may be written with escapes that say the same, and in no other letters', async () => {
  const [, store, hash = '', name = ''] = path.split('/');
  expect(await (await ask(`/${store}/${hash}/${name.replace('-', '%2D').replace('.', '%2e')}`)).text()).toBe(IMAGE);
  for (const other of [`/${store}/${hash.toUpperCase()}/${name}`, `/${store}/${hash}/${name.toUpperCase()}`])
    expect(await jsonOf(await ask(other))).toMatchObject({ status: 404 });
});

test('HEAD has no ranges', async () => {
  const response = await ask(path, { method: 'HEAD', headers: { range: 'bytes=3-' } });
  expect([response.status, response.headers.get('content-range')]).toEqual([200, null]);
  expect(response.headers.get('content-length')).toBe(String(IMAGE.length));
});

test('a store that ignores ranges gives the whole, as such', async () => {
  const get = R2ObjectStore.prototype.get;
  const spy = vi.spyOn(R2ObjectStore.prototype, 'get').mockImplementation(function (this: R2ObjectStore, key) {
    return get.call(this, key);
  });
  const response = await ask(path, { headers: { range: 'bytes=3-' } });
  spy.mockRestore();
  expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([200, IMAGE, null]);
});

test('a file that has another size in the store is not served', async () => {
  const bucket = env.IMAGES as R2Bucket;
  const key = (await bucket.list({ prefix: 'objects/' })).objects[0]?.key ?? '';
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await bucket.put(key, 'short', { sha256: sha256Hex('short') });
  expect((await ask(path)).status).toBe(404);
  expect(log.mock.calls.join()).toContain(`expected ${IMAGE.length} bytes in the store, got 5`);
  // Also to whoever goes on with a download, where the short one has nothing.
  expect((await ask(path, { headers: { range: 'bytes=20-' } })).status).toBe(404);
  expect(log.mock.calls.join()).toContain('got an object without this range');
  log.mockRestore();
  await bucket.put(key, IMAGE, { sha256: sha256Hex(IMAGE) });
  expect(await (await ask(path)).text()).toBe(IMAGE);
});

test('a file that the store denies once and shows a moment later is not forgotten', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const spy = vi.spyOn(R2ObjectStore.prototype, 'get').mockResolvedValue({ exists: false });
  expect((await ask(path)).status).toBe(404);
  spy.mockRestore();
  log.mockRestore();
  expect(await (await ask(path)).text()).toBe(IMAGE);
});

test('a file whose bytes the store has lost is a 404, and the next request builds the image anew', async () => {
  const bucket = env.IMAGES as R2Bucket;
  const hash = path.split('/')[2];
  for (const { key } of (await bucket.list({ prefix: 'objects/' })).objects) await bucket.delete(key);
  expect((await post(GOOD_REQUEST)).status).toBe(200);
  const response = await ask(path);
  expect(response.status).toBe(404);
  await jsonOf(response);
  expect((await ask(`/api/v1/build/${hash}`)).status).toBe(404);
  const next = await post(GOOD_REQUEST);
  expect(next.status).toBe(202);
  expect((await jsonOf(next)).request_hash).not.toBe(hash);
});
