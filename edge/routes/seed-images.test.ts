/** Section 5 of the seed API as far as it is about one image: `/api/image` and `/api/manifest`. */
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { ask, env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import {
  built,
  type FarmNode,
  IMAGE_NAME,
  joinNode,
  lease,
  report,
  succeeded,
  upload,
} from '../nodes/farm-node.fixture.ts';
import { wish } from './build-steps.fixture.ts';
import { withLaterClock } from './later-clock.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
/** sha256 of `base-files - 1\ncurl - 8.1-r1\ndnsmasq - 2.90\n` */
const MANIFEST_HASH = 'cb1c9bdb2d778e2';
const UNKNOWN = 'f'.repeat(15);
let node: FarmNode;
let hash = '';
const later = withLaterClock();

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
  hash = await built(node, GOOD_REQUEST);
});

const page = async (requestHash: string) => jsonOf(await ask(`/api/image/${requestHash.slice(0, 15)}`));

async function privateImage(): Promise<string> {
  const { packages } = wish();
  const secret = { ...GOOD_REQUEST, defaults: 'passwd hunter2', packages };
  const { request_hash } = await jsonOf(await post(secret));
  const order = await lease(node);
  if (!order) throw new Error('expected an order');
  const file = await upload(node, order.leaseId, IMAGE_NAME, 'an image with a secret');
  await report(node, order.leaseId, 1, succeeded([file], { 'base-files': '1', [`secret-${packages}`]: '1' }));
  await vi.waitFor(async () => expect((await post(secret)).status).toBe(200), { timeout: 30_000 });
  return String(request_hash);
}

describe('GET /api/image/<image_hash>', () => {
  it('tells the facts of a public image', async () => {
    const response = await ask(`/api/image/${hash.slice(0, 15)}`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=60']);
    expect(await jsonOf(response)).toEqual({
      image_hash: hash.slice(0, 15),
      distro: 'openwrt',
      version: '24.10.2',
      target: 'x86/64',
      subtarget: '64',
      profile: 'generic',
      model: 'generic',
      manifest_hash: MANIFEST_HASH,
      defaults_hash: null,
      worker: 'node-1',
      build_date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      build_seconds: 1,
      sysupgrade: IMAGE_NAME,
      snapshots: false,
      cache_hits: expect.any(Number),
      files: `/json/${hash.slice(0, 32)}/`,
      request_hash: hash,
    });
  });

  it('counts how often it was handed out', async () => {
    const hits = async () => Number((await page(hash)).cache_hits);
    const before = await hits();
    for (let times = 0; times < 3; times++) expect((await post(GOOD_REQUEST)).status).toBe(200);
    expect(await hits()).toBe(before);
    later();
    expect(await hits()).toBe(before + 3);
  });

  it('asks the Foreman once a minute, however often it is asked for', async () => {
    await ask('/api/v1/stats');
    const before = (await foremanStats()).calls.statistics ?? 0;
    for (let times = 0; times < 20; times++) await page(hash);
    expect(((await foremanStats()).calls.statistics ?? 0) - before).toBe(1);
  });

  it('tells all but the hits while the Foreman is down', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(env.FOREMAN, 'get').mockImplementation(() => {
      throw new Error('secret insides');
    });
    expect(await page(hash)).toMatchObject({ image_hash: hash.slice(0, 15), cache_hits: null });
    expect(JSON.stringify(log.mock.calls)).toContain('insides');
  });

  it('of an image with `defaults` is 404, as of one that never was', async () => {
    const secret = await privateImage();
    await vi.waitFor(async () => expect((await ask(`/api/v1/build/${secret}`)).status).toBe(200), { timeout: 30_000 });
    later();
    const [one, other] = [await page(secret), await page(UNKNOWN)];
    expect(one).toEqual(other);
    expect(one).toEqual({
      error: 'could not find provided image hash',
      detail: 'could not find provided image hash',
      status: 404,
    });
  });

  it('and of one whose record is in KV by mistake, too', async () => {
    const record = JSON.parse((await (await bucket.get(`builds/${hash}.json`))?.text()) ?? '{}');
    await env.CACHE.put(
      `result/build/${hash}`,
      JSON.stringify({ kind: 'built', record: { ...record, private: true } }),
    );
    expect((await page(hash)).status).toBe(404);
    await env.CACHE.delete(`result/build/${hash}`);
  });
});

describe('GET /api/manifest/<manifest_hash>', () => {
  it('tells names and versions, for good', async () => {
    const response = await ask(`/api/manifest/${MANIFEST_HASH}`);
    expect([response.status, response.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ]);
    expect(await jsonOf(response)).toEqual({ 'base-files': '1', curl: '8.1-r1', dnsmasq: '2.90' });
  });

  it('asks nobody once this isolate has it', async () => {
    await ask(`/api/manifest/${MANIFEST_HASH}`);
    const spies = [vi.spyOn(env.CACHE, 'get'), vi.spyOn(bucket, 'get'), vi.spyOn(env.FOREMAN, 'get')];
    for (let times = 0; times < 10; times++) expect((await ask(`/api/manifest/${MANIFEST_HASH}`)).status).toBe(200);
    expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0]);
  });

  it('of a hash that nothing has is 404, and the store is asked for it once in a while', async () => {
    const get = vi.spyOn(bucket, 'get');
    for (let times = 0; times < 20; times++) expect((await ask(`/api/manifest/${UNKNOWN}`)).status).toBe(404);
    expect(get.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it('tells nothing that does not have the hash, wherever it lies', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const [inStore, inKv, broken] = ['a', 'b', 'c'].map((digit) => digit.repeat(15));
    await bucket.put(`manifests/${inStore}.json`, '{"evil":"1"}');
    await env.CACHE.put(`manifest/${inKv}`, '{"evil":"1"}');
    await bucket.put(`manifests/${broken}.json`, 'not JSON');
    for (const wrong of [inStore, inKv, broken]) expect((await ask(`/api/manifest/${wrong}`)).status).toBe(404);
    expect(JSON.stringify(log.mock.calls)).toContain(`manifests/${inStore}.json`);
  });

  it('is not there for a private image alone', async () => {
    const before = (await bucket.list({ prefix: 'manifests/' })).objects.length;
    await privateImage();
    expect((await bucket.list({ prefix: 'manifests/' })).objects).toHaveLength(before);
  });
});

test.each(['/api/image', '/api/manifest'])('%s of what is no hash is 404 in the words of the old API', async (path) => {
  for (const no of ['short', 'F'.repeat(15), `${UNKNOWN}0`, '%2e%2e%2f', '__proto__', '%25', 'x'.repeat(5_000)]) {
    const body = await jsonOf(await ask(`${path}/${no}`));
    expect([no, body]).toMatchObject([no, { status: 404, error: body.detail }]);
  }
  const refused = await ask(`${path}/${UNKNOWN}`, { method: 'DELETE' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
  expect(await jsonOf(refused)).toMatchObject({ error: expect.any(String) });
});

test('chef of 2019 comes from the image to its manifest, and to its files by `/json/` and `files`', async () => {
  const image = await page(hash);
  expect((await ask(`/api/manifest/${image.manifest_hash}`)).status).toBe(200);
  // It puts `/json/` and `/download/` before what begins with `/json/`, and its own slash behind that.
  const listing = await ask(`/json/${image.files}`);
  expect([listing.status, await listing.json()]).toEqual([
    200,
    expect.arrayContaining([expect.objectContaining({ name: IMAGE_NAME })]),
  ]);
  const file = await ask(`/download/${image.files}/${image.sysupgrade}`);
  expect([file.status, await file.text()]).toEqual([200, `image of ${hash}`]);
});
