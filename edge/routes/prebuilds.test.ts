/** A release day from outside: what many asked for is there before they ask again, and who comes too early joins. */

import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Mirror } from '../catalogue/mirror.fixture.ts';
import { ask, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post, rowsOf } from '../edge.fixture.ts';
import { built, type FarmNode, finish, joinNode, lease } from '../nodes/farm-node.fixture.ts';

const MINUTE_MS = 60_000;
const NEW = { ...GOOD_REQUEST, version: '24.10.3' };
let mirror: Mirror;
let node: FarmNode;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
  mirror = await openUpstream();
  node = await joinNode(1);
});
afterAll(() => {
  vi.useRealTimers();
});

const waitingPrebuilds = async (): Promise<number> =>
  (await rowsOf(foremanStub(), 'builds')).filter(({ state, turn }) => state === 'queued' && Number(turn) >= 2 ** 40)
    .length;

/** Asked for by several, once it is there. */
async function popular(packages: readonly string[], times: number): Promise<void> {
  const request = { ...GOOD_REQUEST, packages };
  await built(node, request);
  for (let n = 0; n < times; n += 1) expect((await post(request)).status).toBe(200);
}

test('the day of a release', async () => {
  await popular(['curl'], 9);
  await popular(['luci-base'], 6);
  await popular(['curl', 'luci-base'], 1);
  vi.setSystemTime(Date.now() + 2 * MINUTE_MS);
  await ask('/metrics');
  // The first look: nothing is new.
  vi.setSystemTime(Date.now() + 11 * MINUTE_MS);
  await lease(node);
  await runDurableObjectAlarm(foremanStub());
  await vi.waitFor(async () => expect((await rowsOf(foremanStub(), 'upstream_seen')).length).toBeGreaterThan(0), {
    timeout: 30_000,
  });

  mirror.publishVersions({ '24.10.3': { 'x86/64': 'x86_64' }, '24.10.2': { 'x86/64': 'x86_64' } });
  await mirror.publishTarget({
    ...{ version: '24.10.3', target: 'x86/64', arch: 'x86_64' },
    kmods: { 'kmod-e1000': '6.6.93-r1' },
  });
  mirror.publishArch('24.10.3', 'x86_64', { base: { curl: '8.1-r1' }, luci: { 'luci-base': '25.1' } });
  await vi.waitFor(
    async () => {
      vi.setSystemTime(Date.now() + 11 * MINUTE_MS);
      await runDurableObjectAlarm(foremanStub());
      expect((await rowsOf(foremanStub(), 'wanted')).length).toBe(2);
      expect((await rowsOf(foremanStub(), 'counters')).filter(({ what }) => what === 'prebuild')).not.toEqual([]);
    },
    { timeout: 60_000, interval: 500 },
  );
  expect(await jsonOf(await ask('/api/v1/stats'))).toEqual({ queue_length: 0 });

  // The most wanted one is the first; whoever asks with the whole list, as routers do, gets it at once.
  const order = await lease(node);
  if (!order) throw new Error('expected the most wanted image to be ordered');
  await finish(node, order);
  await vi.waitFor(async () => expect((await ask(`/api/v1/build/${order.requestHash}`)).status).toBe(200), {
    timeout: 30_000,
  });
  const whole = { packages: ['curl', 'dnsmasq', 'kmod-e1000', 'base-files'], diff_packages: true, client: 'owut/9' };
  const answer = await jsonOf(await post({ ...NEW, ...whole }));
  expect(answer).toMatchObject({ status: 200, request_hash: order.requestHash, request: whole });

  // The other one waits still: who asks for it has it built in his turn, and is told of nobody before him.
  const joined = await post({ ...NEW, packages: ['luci-base'] });
  expect([joined.status, joined.headers.get('x-queue-position')]).toEqual([202, '0']);
  vi.setSystemTime(Date.now() + 2 * MINUTE_MS);
  expect(await jsonOf(await ask('/api/v1/stats'))).toEqual({ queue_length: 1 });
  expect(await waitingPrebuilds()).toBe(0);
  const metrics = await (await ask('/metrics')).text();
  for (const line of ['queued"} 2', 'built"} 1', 'joined"} 1'])
    expect(metrics).toContain(`asu_prebuilds_total{fate="${line}`);
});
