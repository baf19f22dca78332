/** Section 5 of the seed API as far as it is about numbers. What is counted, and told from when on: docs/statistics-and-limits.md. */
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { ask, env, foremanStats, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import { built, type FarmNode, finish, joinNode, lease, orderFor, report } from '../nodes/farm-node.fixture.ts';
import { wish } from './build-steps.fixture.ts';
import { withLaterClock } from './later-clock.fixture.ts';

let node: FarmNode;
const later = withLaterClock();

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
});

const stats = async <Answer = Record<string, unknown>[]>(path: string): Promise<Answer> => {
  const response = await ask(`/api/v1/stats/${path}`);
  expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=60']);
  return (await jsonOf(response)) as Answer;
};

async function failing(fields: object, detail: string) {
  await post({ ...GOOD_REQUEST, ...fields });
  const value = { kind: 'build_failed', detail, stderr: 'at http://10.0.0.1/x' };
  await report(node, (await orderFor(node)).leaseId, 1, { case: 'failed', value });
}

test('GET /api/v1/stats/popular_packages', async () => {
  const request = { ...GOOD_REQUEST, packages: ['often-used', 'as-often'] };
  await built(node, request);
  await built(node, { ...GOOD_REQUEST, packages: ['hardly-used'] });
  for (let times = 0; times < 5; times++) await post(request);
  later();
  const listed = await stats('popular_packages');
  expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(['as-often', 'often-used']));
  expect(listed.map(({ name }) => name)).not.toContain('hardly-used');
  expect(listed.every(({ count }) => Number(count) >= 5)).toBe(true);
});

test('GET /api/v1/stats/popular_targets', async () => {
  for (let times = 0; times < 5; times++) await post({ ...GOOD_REQUEST, packages: ['often-used', 'as-often'] });
  later();
  expect(await stats('popular_targets')).toEqual([
    { target: 'x86/64', count: expect.toSatisfy((n: number) => n >= 5), build_seconds: 1 },
  ]);
});

describe('names', () => {
  it.each([
    ['popular_packages', 'package', 50],
    ['popular_targets', 'target', 50],
  ] as const)('of %s are so many, the most used first', async (path, what, atMost) => {
    const { takeCounts } = env.FOREMAN.getByName('foreman') as unknown as {
      takeCounts(batch: object): Promise<void>;
    };
    const counts = Array.from({ length: 60 }, (_, n) => ({ what, branch: '24.10', name: `${what}${n}`, n: 1_000 + n }));
    await takeCounts({ day: Math.floor(Date.now() / 86_400_000), counts });
    later();
    const listed = await stats(path);
    expect(listed.map(({ count }) => count)).toEqual(Array.from({ length: atMost }, (_, n) => 1_059 - n));
  });
});

describe('GET /api/v1/stats/images', () => {
  it('tells how many there are, how many builds wait, and the last one', async () => {
    const before = await stats<{ total: number }>('images');
    const hash = await built(node, wish());
    await post(wish());
    later();
    const row = {
      image_id: before.total + 1,
      image_hash: hash.slice(0, 15),
      distro: 'openwrt',
      distro_alias: 'OpenWrt',
      version: '24.10.2',
      version_alias: '24.10.2',
      target: 'x86/64',
      subtarget: '64',
      profile: 'generic',
      model: 'generic',
      manifest_hash: 'cb1c9bdb2d778e2',
      build_date: expect.stringMatching(/Z$/),
      build_seconds: 1,
      snapshots: false,
    };
    const numbers = { total: before.total + 1, stored: before.total + 1, queued: 1, last: row };
    expect(await stats('images')).toEqual(numbers);
    expect(await stats('image_stats')).toEqual({ ...numbers, requested: 1 });
    expect((await stats('images_latest'))[0]).toEqual(row);
    expect((await ask(`/api/image/${row.image_hash}`)).status).toBe(200);
    await finish(node, await orderFor(node));
  });
});

test('GET /api/v1/stats/images_latest', async () => {
  const [one, two] = [await built(node, wish()), await built(node, wish())];
  later();
  const listed = await stats('images_latest');
  expect(listed.slice(0, 2).map(({ image_hash }) => image_hash)).toEqual([two.slice(0, 15), one.slice(0, 15)]);
  expect(listed.length).toBeLessThanOrEqual(50);
});

test('GET /api/v1/stats/fails_latest', async () => {
  await failing({ packages: ['my-secret-plan'] }, 'Error: my-secret-plan is in the way');
  await failing({ packages: ['another'] }, 'Error: it failed');
  later();
  const listed = await stats('fails_latest');
  expect(listed.slice(0, 2)).toEqual(
    ['Error: it failed', 'Error: (rare) is in the way'].map((error) => ({
      distro: 'openwrt',
      distro_alias: 'OpenWrt',
      version: '24.10.2',
      version_alias: '24.10.2',
      target: 'x86/64',
      subtarget: '64',
      profile: expect.any(String),
      model: expect.any(String),
      request_status: 'build_failed',
      error,
      request_date: expect.stringMatching(/Z$/),
    })),
  );
  for (const secret of ['my-secret-plan', '10.0.0.1']) expect(JSON.stringify(listed)).not.toContain(secret);
});

test('GET /api/v1/stats/packages', async () => {
  // Those of the feeds of x86_64; those of the target and its kernel are no packages of everybody.
  expect(await stats('packages')).toEqual({ count: 2 });
});

const LISTS = [
  'popular_packages',
  'popular_targets',
  'images',
  'image_stats',
  'images_latest',
  'fails_latest',
  'packages',
];

test('an image with `defaults` is in no list and no number, nor is one that failed', async () => {
  later();
  const before = await Promise.all(LISTS.map((path) => stats(path)));
  const secret = { ...GOOD_REQUEST, defaults: 'passwd hunter2', packages: ['private-package'] };
  for (let times = 0; times < 3; times++) {
    const request = { ...secret, defaults: `passwd ${times}` };
    await post(request);
    const order = await lease(node);
    if (!order) throw new Error('expected an order');
    await finish(node, order);
    await vi.waitFor(async () => expect((await post(request)).status).toBe(200), { timeout: 30_000 });
    await post(request);
  }
  await failing({ defaults: 'x', packages: ['private-failure'] }, 'Error: private-failure');
  later();
  expect(await Promise.all(LISTS.map((path) => stats(path)))).toEqual(before);
});

describe.each(LISTS.filter((path) => path !== 'packages'))('/api/v1/stats/%s', (path) => {
  it('is asked of the Foreman once a minute, however often it is asked for', async () => {
    const calls = async () => (await foremanStats()).calls.statistics ?? 0;
    const before = await calls();
    for (let times = 0; times < 20; times++) await stats(`${path}?${times}`);
    expect((await calls()) - before).toBe(1);
  });

  it('is an error of the old API while the Foreman is down, and is there when it is back', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(env.FOREMAN, 'get').mockImplementation(() => {
      throw new Error('secret insides');
    });
    const down = await jsonOf(await ask(`/api/v1/stats/${path}`));
    expect(down).toMatchObject({ error: expect.any(String), status: 503 });
    expect(JSON.stringify(down)).not.toContain('insides');
    expect(JSON.stringify(log.mock.calls)).toContain('insides');
    vi.restoreAllMocks();
    await stats(path);
  });

  it('has a HEAD, and no other methods', async () => {
    expect((await ask(`/api/v1/stats/${path}`, { method: 'HEAD' })).status).toBe(200);
    const refused = await ask(`/api/v1/stats/${path}`, { method: 'POST' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(await jsonOf(refused)).toMatchObject({ error: expect.any(String) });
  });
});
