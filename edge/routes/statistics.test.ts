import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import {
  ask,
  env,
  foremanStats,
  foremanStub,
  GOOD_REQUEST,
  jsonOf,
  openUpstream,
  post,
  rowsOf,
} from '../edge.fixture.ts';
import { type FarmNode, finish, joinNode, orderFor, report } from '../nodes/farm-node.fixture.ts';
import { Foreman } from '../worker.ts';

const MINUTE_MS = 60_000;
let node: FarmNode;
/** Ahead of the real clock, and on with each test: nothing that was kept is young enough, and no alarm rings by itself. */
let clock = Date.now() + 60_000;

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: clock });
  later(2 * MINUTE_MS);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const later = (ms: number): void => {
  // `vi.waitFor` moves the clock as well.
  clock = Math.max(clock, Date.now()) + ms;
  vi.setSystemTime(clock);
};
const callsOf = async (name: string): Promise<number> => (await foremanStats()).calls[name] ?? 0;
const stats = async (path: string) => jsonOf(await ask(`/api/v1/${path}`));
const packagesOf = (answer: Record<string, unknown>) => answer.packages as { name: string; count: number }[];

const order = () => orderFor(node);

async function build(fields: object) {
  const request = { ...GOOD_REQUEST, ...fields };
  const { request_hash } = await jsonOf(await post(request));
  await finish(node, await order());
  await vi.waitFor(async () => expect((await post(request)).status).toBe(200), { timeout: 30_000 });
  return { request, hash: String(request_hash) };
}

describe('hits', () => {
  it('call nobody; a minute of them is told to the Foreman in one call, behind an answer', async () => {
    const { request } = await build({ packages: ['often-used'] });
    await ask('/api/v1/stats');
    const before = await foremanStats();
    const kv = vi.spyOn(env.CACHE, 'get');
    for (let hits = 0; hits < 20; hits++) expect((await post({ ...request, client: 'owut/1.2' })).status).toBe(200);
    expect((await foremanStats()).calls).toEqual(before.calls);
    expect(kv).not.toHaveBeenCalled();
    later(MINUTE_MS);
    for (let hits = 0; hits < 20; hits++) await post(request);
    await vi.waitFor(async () => expect(await callsOf('counts')).toBe((before.calls.counts ?? 0) + 1), {
      timeout: 30_000,
    });
  });

  it('are seen in every statistic', async () => {
    const { request } = await build({ packages: ['seen-everywhere'] });
    for (let hits = 0; hits < 5; hits++) await post(request);
    later(2 * MINUTE_MS);
    const [days, versions, ofBranch] = [
      await stats('builds-per-day'),
      await stats('builds-by-version'),
      await stats('builds-by-version?branch=24.10'),
    ];
    const last = (chart: Record<string, unknown>, label: string): number | undefined =>
      (chart.datasets as { label: string; data: number[] }[]).find((set) => set.label === label)?.data.at(-1);
    expect(last(days, 'Requests')).toBeGreaterThan(6);
    expect(last(days, 'Cache-Hits')).toBeGreaterThanOrEqual(6);
    expect(last(versions, '24.10')).toBeGreaterThanOrEqual(7);
    expect(last(ofBranch, '24.10.2')).toBe(last(versions, '24.10'));
    // Once when it was built, then each time somebody was answered with it.
    expect(packagesOf(await stats('top-packages?n=100'))).toContainEqual({
      name: 'seen-everywhere',
      count: expect.toSatisfy((n: number) => n >= 7),
    });
    expect(await stats('stats/summary')).toEqual({ queue_length: 0, builds_24h: expect.any(Number) });
  });
});

test('shapes are those that firmware pages draw', async () => {
  const counts = (length: number) =>
    expect.toSatisfy((data: number[]) => data.length === length && data.every(Number.isInteger));
  const label = expect.stringMatching(/^\d{4}-\d\d-\d\dZ$/);
  expect(await stats('stats')).toEqual({ queue_length: 0 });
  expect(await stats('stats/summary')).toEqual({ queue_length: 0, builds_24h: expect.any(Number) });
  expect(await stats('builds-per-day')).toEqual({
    labels: Array(30).fill(label),
    datasets: [
      { label: 'Requests', data: counts(30), color: 'green' },
      { label: 'Cache-Hits', data: counts(30), color: 'orange' },
      { label: 'Failures', data: counts(30), color: 'red' },
    ],
  });
  expect(await stats('builds-by-version')).toEqual({
    labels: Array(26).fill(label),
    datasets: [{ label: '24.10', data: counts(26) }],
  });
  expect(await stats('top-packages?branch=24.10&n=1')).toEqual({
    packages: [{ name: expect.any(String), count: expect.any(Number) }],
    branch: '24.10',
    days: 30,
  });
  expect(await stats('top-packages?branch=SNAPSHOT')).toEqual({ packages: [], branch: 'SNAPSHOT', days: 30 });
});

describe('a name', () => {
  it('is told from five uses on', async () => {
    const { request } = await build({ packages: ['five-uses'] });
    const told = async () => {
      later(2 * MINUTE_MS);
      return packagesOf(await stats('top-packages?n=100')).some(({ name }) => name === 'five-uses');
    };
    const uses = async () => {
      const rows = (await rowsOf(foremanStub(), 'counters')).filter(({ name }) => name === 'five-uses');
      return rows.reduce((sum, { n }) => sum + Number(n), 0);
    };
    const seen: [uses: number, isTold: boolean][] = [];
    for (let times = 0; times < 6; times++) {
      const isTold = await told();
      seen.push([await uses(), isTold]);
      await post(request);
    }
    // When it was built, when that was waited for, and so on.
    expect(seen.map(([n, isTold]) => isTold === n >= 5)).toEqual(Array(6).fill(true));
    expect([seen[0]?.[1], seen[5]?.[1]]).toEqual([false, true]);
  });

  it('that no image has is not even counted', async () => {
    await post({ ...GOOD_REQUEST, packages: ['never-built'], client: 'x'.repeat(100) });
    await report(node, (await order()).leaseId, 1, { case: 'failed', value: { kind: 'conflict', detail: 'no' } });
    later(2 * MINUTE_MS);
    await stats('stats');
    const rows = JSON.stringify(await rowsOf(foremanStub(), 'counters'));
    expect(rows).not.toContain('never-built');
    expect(rows).toContain('x'.repeat(100));
  });
});

test('a private build leaves no trace, neither of what was asked nor of who asked', async () => {
  await stats('builds-per-day');
  const before = await rowsOf(foremanStub(), 'counters');
  const secret = { ...GOOD_REQUEST, defaults: 'hunter2', packages: ['private-package'], client: 'private/1' };
  await post(secret);
  await finish(node, await order());
  await vi.waitFor(async () => expect((await post(secret)).status).toBe(200), { timeout: 30_000 });
  expect((await post({ ...secret, packages_versions: { curl: '7' } })).status).toBe(500);
  later(2 * MINUTE_MS);
  await stats('builds-per-day');
  expect(await rowsOf(foremanStub(), 'counters')).toEqual(before);
});

describe('build errors', () => {
  it('are plain text that tells what failed and not whose it was', async () => {
    const { request_hash } = await jsonOf(await post({ ...GOOD_REQUEST, packages: ['my-secret-plan'] }));
    const value = {
      kind: 'build_failed',
      detail: 'Error: my-secret-plan is in the way',
      stderr: `at http://10.0.0.1/x\n${request_hash}`,
    };
    await report(node, (await order()).leaseId, 1, { case: 'failed', value });
    later(2 * MINUTE_MS);
    const response = await ask('/api/v1/build-errors?n=1');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=60',
    });
    const text = await response.text();
    expect(text).toMatch(/^1 of \d+ failed builds/);
    expect(text).toContain('build_failed: Error: (rare) is in the way');
    for (const secret of ['my-secret-plan', '10.0.0.1', String(request_hash)]) expect(text).not.toContain(secret);
  });
});

const PATHS = ['stats', 'stats/summary', 'builds-per-day', 'builds-by-version', 'top-packages', 'build-errors'];

describe.each(PATHS)('/api/v1/%s', (path) => {
  it('is asked of the Foreman once a minute, however often it is asked for', async () => {
    later(2 * MINUTE_MS);
    const before = await callsOf('statistics');
    for (let times = 0; times < 20; times++) {
      const response = await ask(`/api/v1/${path}?${times}`);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'public, max-age=60']);
      later(1_000);
    }
    expect((await callsOf('statistics')) - before).toBe(1);
    later(MINUTE_MS);
    await ask(`/api/v1/${path}`);
    expect((await callsOf('statistics')) - before).toBe(2);
  });

  it('has a HEAD, and no other methods', async () => {
    const [get, head] = [await ask(`/api/v1/${path}`), await ask(`/api/v1/${path}`, { method: 'HEAD' })];
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Object.fromEntries(head.headers)).toEqual(Object.fromEntries(get.headers));
    const refused = await ask(`/api/v1/${path}`, { method: 'POST' });
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    await jsonOf(refused);
  });

  it('is an error of ours while the Foreman is down, and is there when it is back', async () => {
    later(2 * MINUTE_MS);
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(Foreman.prototype, 'statistics').mockImplementation(() => {
      throw new Error('secret insides');
    });
    const down = await ask(`/api/v1/${path}`);
    expect(down.status).toBe(503);
    expect(JSON.stringify(await jsonOf(down))).not.toContain('insides');
    expect(JSON.stringify(log.mock.calls)).toContain('insides');
    vi.restoreAllMocks();
    expect((await ask(`/api/v1/${path}`)).status).toBe(200);
  });
});

const BRANCHES = 'branch: expected one of SNAPSHOT, 25.12, 24.10, 23.05, 22.03, 21.02';

test.each([
  ['top-packages?n=0', 'n: expected a whole number from 1 to 100'],
  ['top-packages?n=101', 'n: expected a whole number from 1 to 100'],
  ['top-packages?n=-1', 'n: expected a whole number from 1 to 100'],
  ['top-packages?n=1e1', 'n: expected a whole number from 1 to 100'],
  ['top-packages?n=ten', 'n: expected a whole number from 1 to 100'],
  ['top-packages?n=1%0a', 'n: expected a whole number from 1 to 100'],
  ['top-packages?branch=24.10.2', BRANCHES],
  ['top-packages?branch=__proto__', BRANCHES],
  ['builds-by-version?branch=19.07', BRANCHES],
  ['builds-by-version?branch=24.10%00', BRANCHES],
  ['build-errors?n=501', 'n: expected a whole number from 1 to 500'],
])('%s is refused in a sentence', async (path, detail) => {
  const response = await ask(`/api/v1/${path}`);
  const body = await jsonOf(response);
  expect([response.status, body.detail]).toEqual([422, detail]);
  const [field, message] = detail.split(/: (.*)/);
  expect(body.errors).toEqual([{ path: field, message }]);
});

test.each(['top-packages?n=&branch=', 'builds-by-version?branch=', 'build-errors?n=', 'stats?n=x&branch=y'])(
  '%s is as if nothing had been said',
  async (path) => {
    expect((await ask(`/api/v1/${path}`)).status).toBe(200);
  },
);

test('metrics have the requests by what became of them, and who asks', async () => {
  for (let times = 0; times < 5; times++) await post({ ...GOOD_REQUEST, packages: ['one-more'], client: 'owut/9.9' });
  await post({ ...GOOD_REQUEST, version: 'nonsense' });
  await finish(node, await order());
  later(2 * MINUTE_MS);
  const text = await (await ask('/metrics')).text();
  for (const line of [
    /^asu_requests_total\{outcome="new"\} \d+$/m,
    /^asu_requests_total\{outcome="joined"\} \d+$/m,
    /^asu_requests_total\{outcome="refused"\} \d+$/m,
    /^asu_finished_builds_total\{result="built"\} \d+$/m,
    /^asu_client_requests\{client="owut\/9\.9"\} \d+$/m,
    /^asu_foreman_calls_total\{call="submit"\} \d+$/m,
    /^asu_nodes_present \d+$/m,
    /^asu_builds\{state="prebuilds_waiting"\} 0$/m,
    /^asu_queue_wait_seconds [\d.]+$/m,
    /^asu_queue_limit 10000$/m,
    /^asu_build_phase_seconds_bucket\{phase="waiting",le="\+Inf"\} \d+$/m,
    /^asu_build_phase_seconds_count\{phase="building"\} \d+$/m,
    /^asu_build_phase_seconds_count\{phase="publishing"\} \d+$/m,
    /^asu_upstream_age_seconds \d+$/m,
    /^asu_published_bytes_total \d+$/m,
    /^asu_prebuild_seconds_total 0$/m,
    /^asu_prebuild_budget_seconds 36000$/m,
  ])
    expect(text).toMatch(line);
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(/^(?:# (?:HELP|TYPE) |[a-z_]+(?:\{(?:[a-z]+="[^"\\]*",?)+\})? [\d.]+$)/);
});

test.each(['/healthz', '/metrics'])('a flood of %s asks the Foreman once in a while', async (path) => {
  const get = vi.spyOn(env.FOREMAN, 'get');
  expect((await ask(path)).status).toBe(200);
  const once = get.mock.calls.length;
  expect(once).toBeGreaterThan(0);
  for (let times = 0; times < 50; times++) await ask(path);
  expect(get).toHaveBeenCalledTimes(once);
  later(2_000);
  await ask(path);
  expect(get.mock.calls.length).toBeGreaterThan(once);
});
