import { evictDurableObject } from 'cloudflare:test';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import type { Mirror } from '../../catalogue/mirror.fixture.ts';
import { configOf } from '../../config.ts';
import { env, openUpstream } from '../../edge.fixture.ts';
import { AHEAD, failed, handedBack, NEWS, type OpenedForeman, openForeman, progress } from '../foreman.fixture.ts';

const { LEASE_SECONDS, MAX_ATTEMPTS, BUILD_SECONDS } = configOf(env);
const leaseMs = LEASE_SECONDS * 1000;
let foreman: OpenedForeman;
let mirror: Mirror;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  mirror = await openUpstream();
});
beforeEach(async () => {
  foreman = openForeman();
  await foreman.node('a');
});
afterAll(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** Nothing is heard for a whole lease. */
async function loseNode(): Promise<void> {
  pass(leaseMs);
  expect(await foreman.alarm()).toBe(true);
}

describe('a node that asks', () => {
  it('gets the eldest build, pinned to what upstream is now', async () => {
    await foreman.submit();
    const order = await foreman.order('a');
    expect(order).toMatchObject({
      attempt: 1,
      deadlineAt: Date.now() + BUILD_SECONDS * 1000,
      versionUrl: `${configOf(env).UPSTREAM_URL}/releases/24.10.2`,
      pins: {
        revision: 'r28427-6df0e3d02a',
        imageBuilder: {
          url: `${configOf(env).UPSTREAM_URL}/releases/24.10.2/targets/x86/64/openwrt-imagebuilder-24.10.2-x86-64.Linux-x86_64.tar.zst`,
        },
        feeds: [{ name: 'target' }, { name: 'kmods' }, { name: 'base' }, { name: 'luci' }],
      },
    });
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running', step: 0 });
    expect(await foreman.lease('a')).toBeNull();
  });

  it('again with the same key gets the same order, its answer having been lost', async () => {
    await foreman.submit();
    const first = await foreman.lease('a', 'key-of-one-call');
    expect(await foreman.lease('a', 'key-of-one-call')).toEqual(first);
    await foreman.node('b');
    expect(await foreman.lease('b', 'key-of-one-call')).toBeNull();
    expect(await foreman.rows('leases')).toHaveLength(1);
  });

  it('twice at once with one key, while upstream is slow, gets one lease', async () => {
    const version = '23.05.7';
    await foreman.submit({ request: normalizedRequest({ version }) });
    await foreman.submit({ request: normalizedRequest({ version }), intentHash: sha256Hex('another') });
    mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, [version]: { 'x86/64': 'x86_64' } });
    await mirror.publishTarget({ version, target: 'x86/64', arch: 'x86_64' });
    mirror.publishArch(version, 'x86_64', { base: { curl: '8.1-r1' } });
    const path = `releases/${version}/targets/x86/64/sha256sums`;
    let mayAnswer = false;
    mirror.weather.set(path, async () => {
      while (!mayAnswer) await scheduler.wait(5);
      return new Response(mirror.files.get(path));
    });
    pass(120_000);
    const both = [foreman.lease('a', 'one-key'), foreman.lease('a', 'one-key')];
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(2), EVENTUALLY);
    mayAnswer = true;
    const orders = await Promise.all(both);
    mirror.weather.clear();
    expect(orders.filter((order) => order !== null).length).toBeGreaterThan(0);
    expect(await foreman.rows('leases')).toHaveLength(1);
  });

  it('is woken by what is submitted while it waits', async () => {
    const waiting = foreman.calls.lease('a', {
      idempotencyKey: 'waits',
      ...NEWS,
      softwareVersion: '1',
      waitMs: 20_000,
    });
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(1), EVENTUALLY);
    const { requestHash } = await foreman
      .submit()
      .then((status) => ('requestHash' in status ? status : { requestHash: '' }));
    expect(await waiting).toMatchObject({ order: { requestHash } });
  });

  it('is given what was submitted while upstream was asked for something else', async () => {
    await foreman.submit({ request: normalizedRequest({ version: '23.05.9' }) });
    mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, '23.05.9': { 'x86/64': 'x86_64' } });
    // Plain flags: a promise of one Durable Object may not be waited for in another place.
    let asked = false;
    let mayAnswer = false;
    mirror.weather.set('releases/23.05.9/targets/x86/64/sha256sums', async () => {
      asked = true;
      while (!mayAnswer) await scheduler.wait(5);
      return new Response('', { status: 503 });
    });
    pass(120_000);
    const waiting = foreman.calls.lease('a', {
      idempotencyKey: 'waits-2',
      ...NEWS,
      softwareVersion: '1',
      waitMs: 20_000,
    });
    await vi.waitFor(() => expect(asked).toBe(true), EVENTUALLY);
    const intentHash = sha256Hex('meanwhile');
    await foreman.submit({ intentHash });
    mayAnswer = true;
    expect(await waiting).toMatchObject({ order: { intentHash } });
    mirror.weather.clear();
  });

  it('and was revoked is refused, also when it was revoked while it waited', async () => {
    const waiting = foreman.calls.lease('a', {
      idempotencyKey: 'waits',
      ...NEWS,
      softwareVersion: '1',
      waitMs: 20_000,
    });
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(1), EVENTUALLY);
    await foreman.alter("UPDATE nodes SET state = 'revoked' WHERE id = ?", 'a');
    await foreman.submit();
    const refused = { refused: 'this node was revoked' };
    expect(await waiting).toEqual(refused);
    expect(await foreman.calls.renew('a')).toEqual(refused);
    expect(await foreman.calls.report('a', new Uint8Array())).toEqual(refused);
    expect(await foreman.calls.lease('a', { idempotencyKey: 'k', ...NEWS, waitMs: 0 })).toEqual(refused);
    const token = { id: '9'.repeat(32), operator: 'op', tier: 'trusted', expiresAt: Date.now() + 1000 } as const;
    expect(await foreman.calls.join({ id: 'a', publicKey: sha256Hex('a'), name: 'a' }, token)).toEqual({
      ok: false,
      reason: 'this node was revoked',
    });
    expect(await foreman.rows('leases')).toEqual([]);
  });

  it('and never joined is told to', async () => {
    expect(await foreman.calls.renew('stranger')).toMatchObject({ refused: expect.stringContaining('join again') });
  });
});

describe('a lease of which nothing is heard', () => {
  it('ends, and its build goes back to its old place', async () => {
    await foreman.submit();
    await foreman.submit({ intentHash: sha256Hex('later') });
    const order = await foreman.order('a');
    expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now() + leaseMs);
    await loseNode();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued', position: 0 });
    expect((await foreman.rows('leases'))[0]).toMatchObject({
      state: 'ended',
      end_reason: expect.stringContaining('node_lost'),
    });
    expect(await foreman.order('a')).toMatchObject({ requestHash: order.requestHash, attempt: 2 });
  });

  it('does not end a moment early, nor after a report in time', async () => {
    await foreman.submit();
    const order = await foreman.order('a');
    pass(leaseMs - 1);
    await foreman.alarm();
    expect(await foreman.report('a', order.leaseId, 1, progress(8))).toBe('active');
    pass(leaseMs - 1);
    await foreman.alarm();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running', step: 8 });
  });

  it('is not kept alive by reports that were heard before', async () => {
    await foreman.submit();
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, progress(8));
    for (let times = 0; times < 3; times++) {
      pass(leaseMs / 3);
      await foreman.report('a', order.leaseId, 1, progress(8));
    }
    await foreman.alarm();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued' });
  });

  it('lost by every attempt ends the build as our fault, which is not cached', async () => {
    await foreman.submit();
    let hash = '';
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      hash = (await foreman.order('a')).requestHash;
      await loseNode();
    }
    expect(await foreman.status(hash)).toMatchObject({ state: 'failed', failure: { kind: 'node_lost' } });
    expect(await foreman.lease('a')).toBeNull();
    expect(await env.CACHE.get(`result/build/${hash}`)).toBeNull();
    const reasons = (await foreman.rows('leases')).map((row) => row.end_reason);
    expect(reasons).toEqual(Array(MAX_ATTEMPTS).fill('node_lost: nothing heard of node a'));
  });

  it('but for talk without an end is over when build and upload had their time', async () => {
    await foreman.submit();
    const order = await foreman.order('a');
    let sequence = 0;
    for (let ms = 0; ms < 2 * BUILD_SECONDS * 1000; ms += leaseMs / 2) {
      expect(await foreman.report('a', order.leaseId, ++sequence, progress(8))).toBe('active');
      pass(leaseMs / 2);
      await foreman.alarm();
    }
    pass(leaseMs);
    await foreman.alarm();
    expect(await foreman.report('a', order.leaseId, ++sequence, progress(8))).toBe('ended');
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued' });
    expect((await foreman.rows('leases'))[0]?.end_reason).toMatch(/^timeout/);
  });

  it('while the Foreman was away is not held against the node', async () => {
    await foreman.submit();
    const order = await foreman.order('a');
    await evictDurableObject(foreman.stub);
    pass(leaseMs + 60_000);
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
    await foreman.alarm();
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
    expect(await foreman.report('a', order.leaseId, 1, progress(8))).toBe('active');
  });
});

describe('of several nodes', () => {
  it('another one gets what the first has lost', async () => {
    await foreman.node('b');
    await foreman.submit();
    const order = await foreman.order('a');
    pass(leaseMs - 1000);
    expect(await foreman.lease('b')).toBeNull();
    pass(1000);
    await foreman.alarm();
    expect(await foreman.lease('a')).toBeNull();
    expect(await foreman.order('b')).toMatchObject({ requestHash: order.requestHash, attempt: 2 });
  });

  it('the first gets it again when it is alone, and when the others failed it as well', async () => {
    await foreman.node('b');
    await foreman.submit();
    const first = await foreman.order('a');
    await foreman.report('a', first.leaseId, 1, failed('disk_full'));
    expect(await foreman.lease('a')).toBeNull();
    const second = await foreman.order('b');
    await foreman.report('b', second.leaseId, 1, failed('disk_full'));
    expect(await foreman.order('a')).toMatchObject({ requestHash: first.requestHash, attempt: 3 });
  });

  it('one that failed a build takes the next one meanwhile', async () => {
    await foreman.node('b');
    await foreman.submit();
    await foreman.submit({ intentHash: sha256Hex('next') });
    const first = await foreman.order('a');
    await foreman.report('a', first.leaseId, 1, failed('internal'));
    expect(await foreman.order('a')).toMatchObject({ intentHash: sha256Hex('next') });
  });
});

describe('a build that is handed back', () => {
  it('does not count as an attempt, however often, and any node may take it', async () => {
    await foreman.node('b');
    await foreman.submit();
    for (let times = 0; times < MAX_ATTEMPTS + 2; times++) {
      const order = await foreman.order('a');
      expect(order.attempt).toBe(1);
      expect(await foreman.report('a', order.leaseId, 1, handedBack)).toBe('ended');
      expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued', position: 0 });
    }
  });

  it('twice, or by a lease that is over, changes nothing', async () => {
    await foreman.submit();
    const first = await foreman.order('a');
    await foreman.report('a', first.leaseId, 1, handedBack);
    const second = await foreman.order('a');
    await foreman.report('a', first.leaseId, 1, handedBack);
    await foreman.report('a', first.leaseId, 2, handedBack);
    expect(await foreman.status(second.requestHash)).toMatchObject({ state: 'running' });
  });
});

describe('when a build is leased', () => {
  it.each([
    [
      'the revision that the client named has moved',
      { version_code: 'r1-a', packages_versions: {} },
      { kind: 'revision_changed', detail: 'Error: Received incorrect version r28427-6df0e3d02a (requested r1-a)' },
    ],
    [
      'a package has another version',
      { version_code: '', packages_versions: { curl: '7' } },
      { kind: 'version_mismatch', detail: expect.stringContaining('curl version not as requested: 7 vs. 8.1-r1') },
    ],
  ])('and %s, it fails without a node', async (_, conditions, failure) => {
    const { requestHash = '' } = (await foreman.submit({ conditions })) as { requestHash?: string };
    expect(await foreman.lease('a')).toBeNull();
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'failed', failure });
    expect(await foreman.rows('leases')).toEqual([]);
  });

  /** Upstream’s answer about a version of its own is held back until `mayAnswer`. */
  async function slowUpstream(version: string, answer: () => Response) {
    const weather = { isAsked: 0, mayAnswer: false };
    mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, [version]: { 'x86/64': 'x86_64' } });
    await mirror.publishTarget({ version, target: 'x86/64', arch: 'x86_64' });
    mirror.publishArch(version, 'x86_64', { base: { curl: '8.1-r1' } });
    mirror.weather.set(`releases/${version}/targets/x86/64/sha256sums`, async () => {
      weather.isAsked += 1;
      while (!weather.mayAnswer) await scheduler.wait(5);
      return answer();
    });
    pass(120_000);
    return weather;
  }

  it('and a client without those conditions joined while upstream was asked, it is built all the same', async () => {
    const version = '23.05.5';
    const weather = await slowUpstream(
      version,
      () => new Response(mirror.files.get(`releases/${version}/targets/x86/64/sha256sums`)),
    );
    const request = normalizedRequest({ version });
    await foreman.submit({ request, conditions: { version_code: 'r1-a', packages_versions: {} } });
    const waiting = foreman.calls.lease('a', { idempotencyKey: 'joined', ...NEWS, waitMs: 20_000 });
    await vi.waitFor(() => expect(weather.isAsked).toBeGreaterThan(0), EVENTUALLY);
    await foreman.submit({ request });
    weather.mayAnswer = true;
    expect(await waiting).toMatchObject({ order: { request: { version } } });
    mirror.weather.clear();
  });

  it('and upstream cannot be asked by several nodes at once, it is postponed once', async () => {
    const weather = await slowUpstream('23.05.4', () => new Response('', { status: 503 }));
    await foreman.node('b');
    await foreman.submit({ request: normalizedRequest({ version: '23.05.4' }) });
    const asking = [foreman.lease('a'), foreman.lease('b')];
    await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(2), EVENTUALLY);
    weather.mayAnswer = true;
    expect(await Promise.all(asking)).toEqual([null, null]);
    expect(await foreman.rows('builds')).toMatchObject([{ state: 'queued', pin_failures: 1 }]);
    mirror.weather.clear();
  });

  it('and upstream cannot be asked, it waits for the alarm instead of failing', async () => {
    await foreman.submit({ request: normalizedRequest({ version: '23.05.8' }) });
    mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64' }, '23.05.8': { 'x86/64': 'x86_64' } });
    mirror.weather.set('releases/23.05.8/targets/x86/64/sha256sums', () => new Response('', { status: 503 }));
    pass(120_000);
    expect(await foreman.lease('a')).toBeNull();
    expect((await foreman.rows('builds'))[0]).toMatchObject({ state: 'queued', pin_failures: 1 });
    expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now() + 5_000);
    // Not asked again before its time.
    expect(await foreman.lease('a')).toBeNull();
    expect((await foreman.rows('builds'))[0]).toMatchObject({ pin_failures: 1 });
    mirror.weather.clear();
    await mirror.publishTarget({ version: '23.05.8', target: 'x86/64', arch: 'x86_64' });
    mirror.publishArch('23.05.8', 'x86_64', { base: { curl: '8.1-r1' } });
    pass(60_000);
    expect(await foreman.order('a')).toMatchObject({ pins: { revision: 'r28427-6df0e3d02a' } });
  });
});

describe.each([
  ['with a first-boot script', { defaultsMac: 'e'.repeat(64) }],
  ['with a foreign feed', { repositories: ['https://feeds.example/x'] }],
])('a build %s', (_, fields) => {
  const request = normalizedRequest(fields);

  it('is for a trusted node, though a volunteer asks first', async () => {
    await foreman.node('v', 'volunteer-1', 'volunteer');
    await foreman.submit({ request, sealedDefaults: 'sealed' });
    expect(await foreman.lease('v')).toBeNull();
    expect(await foreman.order('a')).toMatchObject({ request: fields });
  });

  it('does not keep a volunteer from what is behind it', async () => {
    await foreman.node('v', 'volunteer-1', 'volunteer');
    await foreman.submit({ request });
    await foreman.submit({ intentHash: sha256Hex('behind') });
    expect(await foreman.order('v')).toMatchObject({ intentHash: sha256Hex('behind') });
  });

  it('comes again to the one trusted node that lost it, whatever volunteers are there', async () => {
    await foreman.node('v', 'volunteer-1', 'volunteer');
    await foreman.submit({ request });
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, failed('disk_full'));
    expect(await foreman.order('a')).toMatchObject({ requestHash: order.requestHash, attempt: 2 });
  });
});

describe('a volunteer', () => {
  it('that loses every lease uses up no attempt, and leaves the build to others', async () => {
    await foreman.measured();
    await foreman.submit();
    const volunteers = Array.from({ length: MAX_ATTEMPTS + 1 }, (_, n) => `v${n}`);
    for (const id of volunteers) {
      await foreman.node(id, id, 'volunteer');
      const order = await foreman.order(id);
      expect(order.attempt).toBe(1);
      await foreman.report(id, order.leaseId, 1, failed('internal'));
      expect(await foreman.lease(id)).toBeNull();
    }
    expect(await foreman.order('a')).toMatchObject({ attempt: 1 });
  });

  it('does not keep the trusted node of the same operator from deciding', async () => {
    await foreman.node('v', 'op', 'volunteer');
    await foreman.submit({ intentHash: sha256Hex('decided by its operator') });
    const first = await foreman.order('v');
    await foreman.report('v', first.leaseId, 1, await foreman.success('v', first.leaseId));
    const second = await foreman.order('a');
    await foreman.report('a', second.leaseId, 1, await foreman.success('a', second.leaseId));
    await foreman.untilState(first.requestHash, 'done');
    expect(await foreman.rows('votes')).toMatchObject([{ operator: 'op', node_id: 'a', tier: 'trusted' }]);
  });

  it('that votes after a trusted node of its operator changes nothing', async () => {
    await foreman.node('v', 'op', 'volunteer');
    await foreman.submit({ intentHash: sha256Hex('decided before its operator') });
    const first = await foreman.order('v');
    const late = await foreman.success('v', first.leaseId);
    await loseNode();
    const second = await foreman.order('a');
    await foreman.report('a', second.leaseId, 1, await foreman.success('a', second.leaseId));
    await foreman.untilState(first.requestHash, 'done');
    await foreman.report('v', first.leaseId, 1, late);
    expect(await foreman.rows('votes')).toMatchObject([{ node_id: 'a', lease_id: second.leaseId }]);
  });

  it('whose operator has had its say is not waited for', async () => {
    await foreman.node('v1', 'volunteer-1', 'volunteer');
    await foreman.node('v2', 'volunteer-1', 'volunteer');
    await foreman.submit();
    const first = await foreman.order('v1');
    await foreman.report('v1', first.leaseId, 1, await foreman.success('v1', first.leaseId));
    const second = await foreman.order('a');
    await foreman.report('a', second.leaseId, 1, failed('internal'));
    expect(await foreman.order('a')).toMatchObject({ requestHash: first.requestHash });
  });
});

test('a volunteer’s word decides nothing: the build waits for another operator’s, and not in vain', async () => {
  await foreman.node('v', 'volunteer-1', 'volunteer');
  await foreman.submit({ intentHash: sha256Hex('of another mind') });
  const first = await foreman.order('v');
  expect(await foreman.report('v', first.leaseId, 1, await foreman.success('v', first.leaseId, 'evil image'))).toBe(
    'ended',
  );
  expect(await foreman.status(first.requestHash)).toMatchObject({ state: 'queued' });
  expect(await foreman.lease('v')).toBeNull();
  const second = await foreman.order('a');
  expect(second).toMatchObject({ requestHash: first.requestHash, attempt: 1 });
  await foreman.report('a', second.leaseId, 1, await foreman.success('a', second.leaseId));
  await foreman.untilState(first.requestHash, 'done');
  const record = await (await (env.IMAGES as R2Bucket).get(`builds/${first.requestHash}.json`))?.json();
  expect(record).toMatchObject({ leaseId: second.leaseId, nodeId: 'a' });
});
