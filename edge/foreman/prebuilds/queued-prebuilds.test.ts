/** What becomes of a prebuild that waits: beside what somebody asks for, on a node, and where somebody asks for the same. */
import { beforeEach, describe, expect, it, test } from 'vitest';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import { dayOf } from '../../../shared/request/client-key.ts';
import { intentHash, requestHash } from '../../../shared/request/intent.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { count } from '../../statistics/counted.ts';
import { failed, handedBack, type OpenedForeman, plansOf } from '../foreman.fixture.ts';
import { Queue } from '../queue/queue.ts';
import { WHOM } from '../schema.ts';
import { Counters } from '../statistics/counters.ts';
import { dropPrebuilds } from './drop-prebuilds.ts';
import {
  begin,
  client,
  counted,
  goes,
  HOUR_MS,
  inForeman,
  later,
  look,
  MINUTE_MS,
  release,
  stays,
  waiting,
  want,
  withPrebuilds,
} from './prebuilds.fixture.ts';

let foreman: OpenedForeman;

withPrebuilds((opened) => {
  foreman = opened;
});

describe('a prebuild in the queue', () => {
  let version: string;
  const hashOf = (packages: readonly string[]) => requestHash(client(packages, version).intentHash, 1);

  beforeEach(async () => {
    await begin();
    await want(['p11'], 20);
    await want(['p12'], 10);
    version = await release();
    expect(await look()).toBe(2);
  });

  it('is behind everything that somebody asks for, which is told of none of it', async () => {
    const status = await foreman.submit(client(['p13'], version));
    expect(status).toMatchObject({ state: 'queued', position: 0, ahead: 0 });
    expect(await foreman.calls.stats()).toMatchObject({ waiting: 1, live: 1 });
    const given: unknown[] = [];
    for (const key of ['1', '2', '3', '4'])
      given.push((await foreman.lease('a', key, { slots: 9 }))?.request.addPackages);
    expect(given).toEqual([['p13'], ['p11'], ['p12'], undefined]);
  });

  it('is behind it also for a node that has its ImageBuilder and not the other', async () => {
    await foreman.submit({ ...client(['p13'], version), imageBuilder: 'f'.repeat(64) });
    const held = [...new Set((await foreman.rows('builds')).map(({ image_builder: sha256 }) => String(sha256)))];
    const first = await foreman.lease('a', 'held', { held: held.filter((sha256) => !sha256.startsWith('fff')) });
    expect(first?.request.addPackages).toEqual(['p13']);
  });

  it('does not take the last free slot of a node that has several', async () => {
    const slots = { slots: 3 };
    for (const key of ['one', 'two']) expect(await foreman.lease('a', key, slots)).not.toBeNull();
    await want(['p14'], 9);
    await foreman.alter(`UPDATE builds SET state = 'queued' WHERE request_hash = '${hashOf(['p12'])}'`);
    expect(await foreman.lease('a', 'three', slots)).toBeNull();
    await foreman.submit(client(['p13'], version));
    expect((await foreman.lease('a', 'four', slots))?.request.addPackages).toEqual(['p13']);
  });

  it('is this client’s as soon as one asks: in its turn, at the last place, on its conditions', async () => {
    await foreman.submit(client(['p13'], version, 'other'));
    const conditions = { version_code: 'r1-a', packages_versions: {} };
    const status = await foreman.submit({ ...client(['p12'], version), conditions });
    expect(status).toMatchObject({ state: 'queued', position: 1 });
    const row = await foreman.build(hashOf(['p12']));
    expect(row).toMatchObject({ client_key: 'c', conditions: JSON.stringify(conditions), polled_at: Date.now() });
    expect(Number(row.turn)).toBeLessThan(PREBUILD_TURN);
    expect(await waiting()).toEqual([`${version} x86/64 p13`, `${version} x86/64 p12`, `${version} x86/64 p11`]);
    await foreman.submit(client(['p15'], version));
    expect((await foreman.rows('builds')).length).toBe(4);
    expect(await foreman.calls.stats()).toMatchObject({ waiting: 3, live: 3 });
    expect(await counted('prebuild')).toEqual({ queued: 2, joined: 1 });
  });

  it('is joined while a node is at it, and counts as asked for when it is built', async () => {
    const order = await foreman.order('a');
    expect(await foreman.submit(client(['p11'], version))).toMatchObject({ state: 'running' });
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    expect(await counted('build')).toEqual({ built: 1 });
    expect(await counted('prebuild')).toEqual({ queued: 2, joined: 1 });
    expect(await foreman.calls.stats()).toMatchObject({ waiting: 0, live: 0 });
  });

  it('that was built is there for whoever asks, and is counted apart', async () => {
    const order = await foreman.order('a');
    later(3_000);
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    expect(await foreman.submit(client(['p11'], version))).toMatchObject({ state: 'done', generation: 1 });
    expect(await counted('build')).toEqual({});
    expect(await counted('package')).toEqual({});
    expect(await counted('prebuild')).toEqual({ queued: 2, built: 1 });
    expect(await counted('prebuild_seconds')).toEqual({ all: 3 });
    expect(await foreman.rows('latest_images')).toEqual([]);
  });

  it('that fails is nobody’s failure in the statistics, and is told to whoever asks', async () => {
    const order = await foreman.order('a');
    later(7_000);
    await foreman.report('a', order.leaseId, 1, failed('image_too_big'));
    expect(await counted('failure')).toEqual({});
    expect(await foreman.rows('failures')).toEqual([]);
    expect(await counted('prebuild')).toEqual({ queued: 2, failed: 1 });
    expect(await counted('prebuild_seconds')).toEqual({ all: 7 });
    const { upstream_digest: digest } = await foreman.build(order.requestHash);
    const asked = { ...client(['p11'], version), upstreamDigest: String(digest) };
    expect(await foreman.submit(asked)).toMatchObject({ state: 'failed' });
  });

  it('takes of the day’s time whatever becomes of it', async () => {
    const { leaseId } = await foreman.order('a');
    later(5_000);
    await foreman.report('a', leaseId, 1, handedBack);
    expect(await counted('prebuild_seconds')).toEqual({ all: 5 });
    const lost = await foreman.order('a');
    await foreman.elapse(HOUR_MS);
    expect(await foreman.build(lost.requestHash)).toMatchObject({ state: 'queued' });
    const lostSeconds = (await counted('prebuild_seconds')).all ?? 0;
    expect(lostSeconds).toBeGreaterThanOrEqual(5 + configOf(env).LEASE_SECONDS);
    const stopped = await foreman.order('a');
    later(7_000);
    await foreman.calls.cancel(stopped.requestHash);
    expect(await counted('prebuild_seconds')).toEqual({ all: lostSeconds + 7 });
  });

  it('is not abandoned, though nobody polls, until its day is over', async () => {
    later(20 * MINUTE_MS);
    await foreman.alarm();
    expect((await waiting()).length).toBe(2);
    // One that came back from a node as well.
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, { case: 'handedBack', value: { reason: 'the node stops' } });
    later(20 * MINUTE_MS);
    await foreman.alarm();
    expect((await waiting()).length).toBe(2);
    await foreman.elapse(24 * HOUR_MS);
    expect(await waiting()).toEqual([]);
    expect(await counted('prebuild')).toMatchObject({ dropped: 2 });
    expect(await foreman.rows('failures')).toEqual([]);
  });

  const drop = () => inForeman((state) => dropPrebuilds(state, Date.now()));

  it('is dropped where those who asked wait long, and queued again once they do not', async () => {
    await stays('a');
    await drop();
    const asked = await foreman.submit(client(['p13'], version));
    await drop();
    expect((await waiting()).length).toBe(3);
    later(11 * MINUTE_MS);
    await drop();
    expect(await waiting()).toEqual([`${version} x86/64 p13`]);
    expect(await look()).toBe(0);
    await foreman.calls.cancel('requestHash' in asked ? asked.requestHash : '');
    // What was dropped is none of the version's budget.
    expect(await look({ PREBUILDS_A_RELEASE: 2 })).toBe(2);
    expect(await waiting()).toEqual([`${version} x86/64 p11`, `${version} x86/64 p12`]);
    expect(await look()).toBe(0);
  });

  it('is not dropped for what nobody who is here may build', async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    await stays('v');
    await goes('a');
    const request = normalizedRequest({ defaultsMac: 'e'.repeat(64) });
    await foreman.submit({ intentHash: intentHash('1', request), request, sealedDefaults: 'c2VhbGVk' });
    later(11 * MINUTE_MS);
    await drop();
    expect((await waiting()).length).toBe(3);
    await stays('a');
    await drop();
    expect((await waiting()).length).toBe(1);
  });

  it('is not given once the time of the day is used up', async () => {
    const counts = [count('prebuild_seconds', 'all', 600 * 60)];
    await foreman.calls.takeCounts({ day: dayOf(Date.now()), counts });
    expect(await foreman.lease('a')).toBeNull();
    await drop();
    expect(await waiting()).toEqual([]);
  });
});

test('what is asked of prebuilds goes by index, however long the queue', async () => {
  await foreman.calls.stats();
  const plans = await plansOf(foreman.stub, (db) => {
    const queue = new Queue(db);
    const place = { turn: PREBUILD_TURN, sequence: 1 };
    for (const queueClass of ['asked for', 'prebuilds'] as const)
      queue.line.candidates(0, [WHOM.anyone], 1, place, queueClass);
    queue.line.prebuilds(1);
    queue.waiting();
    queue.prebuildsWaiting();
    new Counters(db).isAny('wish');
  });
  expect(plans.length).toBeGreaterThan(5);
  expect(plans.filter((plan) => /^SCAN|TEMP B-TREE/.test(plan))).toEqual([]);
});
