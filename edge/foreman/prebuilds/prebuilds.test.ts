/** What is built ahead, and when, against the real catalogue, store and tables; the clock is a test's, and only ever goes on. */

import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { buildRecord } from '../../../shared/build-record.fixture.ts';
import { type BuildRecord, storeKey } from '../../../shared/build-record.ts';
import { dayOf } from '../../../shared/client-key.ts';
import type { EdgeSettings } from '../../../shared/edge-settings.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { intentHash, requestHash } from '../../../shared/intent.ts';
import type { NormalizedRequest } from '../../../shared/normalize-request.ts';
import { normalizedRequest } from '../../../shared/normalized-request.fixture.ts';
import { PREBUILD_TURN } from '../../../shared/turn.ts';
import type { Mirror } from '../../catalogue/mirror.fixture.ts';
import { catalogueReader } from '../../catalogue/read.ts';
import { configOf } from '../../config.ts';
import { env, openUpstream } from '../../edge.fixture.ts';
import { count, SHOWN_FROM } from '../../statistics/counted.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import { putJson } from '../../storage/put-json.ts';
import { dueTimes } from '../due-times.ts';
import {
  AHEAD,
  bucket,
  failed,
  handedBack,
  type OpenedForeman,
  openForeman,
  plansOf,
  submission,
} from '../foreman.fixture.ts';
import { foremanState } from '../foreman-state.ts';
import { Notary } from '../publishing/notary.ts';
import { Queue } from '../queue/queue.ts';
import { takeSubmission } from '../queue/take-submission.ts';
import * as schema from '../schema.ts';
import { WHOM } from '../schema.ts';
import { Counters } from '../statistics/counters.ts';
import { dropPrebuilds } from './drop-prebuilds.ts';
import { listWanted } from './list-wanted.ts';
import { lookForPrebuilds } from './look-for-prebuilds.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const store = openObjectStore(env);
const PACKAGES = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`p${n}`, '1']));
const PROFILE = { device_packages: ['kmod-e1000'], supported_devices: [], titles: [], image_prefix: 'p' };
let mirror: Mirror;
let foreman: OpenedForeman;
let patch = 2;
const listed: Record<string, Record<string, string>> = { '24.10.2': { 'x86/64': 'x86_64' } };

beforeAll(async () => {
  mirror = await openUpstream();
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
});
beforeEach(async () => {
  // More than a day later, and at noon: what is counted by the day must not depend on when the tests are run.
  vi.setSystemTime((Math.floor(Date.now() / DAY_MS) + 2) * DAY_MS + 12 * HOUR_MS);
  foreman = openForeman();
  await foreman.node('a');
});
afterAll(() => {
  vi.useRealTimers();
});

const later = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

async function publishTarget(version: string, target = 'x86/64', revision?: string): Promise<void> {
  await mirror.publishTarget({
    version,
    target,
    arch: 'x86_64',
    era: 'opkg',
    profiles: { profiles: { generic: PROFILE, other: PROFILE } },
    kmods: { 'kmod-e1000': '6.6.93-r1' },
    ...(revision !== undefined && { revision }),
  });
  mirror.publishArch(version, 'x86_64', { base: PACKAGES }, 'opkg');
}

/** A release newer than all that there were. */
async function release(targets: readonly string[] = ['x86/64']): Promise<string> {
  patch += 1;
  const version = `24.10.${patch}`;
  list(version, targets);
  for (const target of targets) await publishTarget(version, target);
  return version;
}

function list(version: string, targets: readonly string[]): void {
  const entry = Object.fromEntries(targets.map((target) => [target, 'x86_64']));
  const { [version]: _, ...others } = listed;
  for (const name of Object.keys(listed)) delete listed[name];
  Object.assign(listed, { [version]: entry, ...others });
  mirror.publishVersions(listed);
}

/** Handed out so often, to whom nobody knows. */
async function want(
  packages: readonly string[],
  uses: number,
  { request = {}, record = {} }: { request?: Partial<NormalizedRequest>; record?: Partial<BuildRecord> } = {},
): Promise<string> {
  const normalized = normalizedRequest({ addPackages: packages, ...request });
  const intent = intentHash('1', normalized);
  const hash = requestHash(intent, 1);
  const { device } = buildRecord();
  const own = { defaultPackages: ['base-files', 'dnsmasq'], devicePackages: ['kmod-e1000'] };
  const written = { requestHash: hash, intentHash: intent, request: normalized, device: { ...device, ...own } };
  await putJson(store, storeKey.build(hash), buildRecord({ ...written, ...record }));
  await putJson(store, storeKey.intent(intent), { requestHash: hash });
  await foreman.calls.takeCounts({ day: dayOf(Date.now()), counts: [count('wish', intent, uses)] });
  return intent;
}

type State = ReturnType<typeof foremanState>;

/** In the Foreman, with the state that it would make after a restart. */
const inForeman = <T>(work: (state: State) => T | Promise<T>, settings: Partial<EdgeSettings> = {}): Promise<T> =>
  runInDurableObject(foreman.stub, async (_, { storage }) => {
    const config = { ...configOf(env), ...settings };
    const behind: Promise<unknown>[] = [];
    const catalogue = catalogueReader(env, { waitUntil: (asked) => void behind.push(asked) });
    const notary = await Notary.open(config.SERVER_KEY);
    const ways = { notary, catalogue, store, cache: env.CACHE, sealing: new Uint8Array(32) };
    const state = foremanState(drizzle(storage, { schema }), config, ways);
    // An old copy is given first, and the new one asked for behind it.
    await catalogue.versions();
    await Promise.all(behind.splice(0));
    const done = await work(state);
    await Promise.all(behind);
    return done;
  });

/** As the alarm has it done, ten minutes later. */
async function look(settings: Partial<EdgeSettings> = {}): Promise<number> {
  later(10 * MINUTE_MS);
  return inForeman(async (state) => {
    await listWanted(state, Date.now);
    return lookForPrebuilds(state, Date.now);
  }, settings);
}

/** The same, where the store takes its time: before each answer something happens. */
async function lookWhile(happens: (state: State, key: string) => void): Promise<number> {
  later(10 * MINUTE_MS);
  await inForeman((state) => listWanted(state, Date.now));
  return inForeman((state) => {
    const get = (key: string) => {
      happens(state, key);
      return store.get(key);
    };
    return lookForPrebuilds({ ...state, store: Object.assign(Object.create(store), { get }) }, Date.now);
  });
}

/** It asks for work all the while. */
const stays = (node: string) => foreman.alter(`UPDATE nodes SET last_seen_at = 9000000000000 WHERE id = '${node}'`);
const goes = (node: string) => foreman.alter(`UPDATE nodes SET last_seen_at = 0 WHERE id = '${node}'`);

/** The first look at this upstream: nothing of what is there is new. */
const begin = () => inForeman((state) => lookForPrebuilds(state, Date.now));

/** What waits, in the order in which it will be given. */
async function waiting(): Promise<readonly string[]> {
  const rows = await foreman.rows('builds');
  return rows
    .filter(({ state }) => state === 'queued')
    .sort((one, other) => Number(one.turn) - Number(other.turn) || Number(one.sequence) - Number(other.sequence))
    .map(({ request }) => {
      const { version, target, addPackages } = JSON.parse(String(request)) as NormalizedRequest;
      return [version, target, ...addPackages].join(' ');
    });
}

const counted = async (what: string): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await foreman.rows('counters'))
      .filter((row) => row.what === what && Number(row.day) > 0)
      .map(({ name, n }) => [String(name), Number(n)]),
  );

/** As a client asks for it on the way of all clients. */
const client = (packages: readonly string[], version: string, key = 'c') => {
  const request = normalizedRequest({ version, addPackages: packages });
  return submission({ intentHash: intentHash('1', request), request, clientKey: key });
};

describe('a new release', () => {
  it('is prebuilt for: what is most wanted first, once, and nothing for what was there before', async () => {
    await want(['p1'], 10);
    await want(['p2'], 30);
    await want(['p3'], SHOWN_FROM - 1);
    expect(await look()).toBe(0);
    const version = await release();
    expect(await look()).toBe(2);
    expect(await waiting()).toEqual([`${version} x86/64 p2`, `${version} x86/64 p1`]);
    expect(await look()).toBe(0);
    expect(await counted('prebuild')).toEqual({ queued: 2 });
  });

  it('of several older versions, one image is built once', async () => {
    await begin();
    await want(['p4'], 10);
    const version = await release();
    await want(['p4'], 9, { request: { version: '24.10.1' } });
    expect(await look()).toBe(1);
    expect(await waiting()).toEqual([`${version} x86/64 p4`]);
  });

  it('ends at the budget, whichever targets are published first', async () => {
    await begin();
    for (let n = 0; n < 6; n += 1)
      await want([`p${n}`], 50 - n, { request: { target: n % 2 ? 'x86/64' : 'x86/generic' } });
    const version = await release(['x86/64', 'x86/generic']);
    mirror.weather.set(`releases/${version}/targets/x86/generic/sha256sums`, () => new Response('', { status: 404 }));
    expect(await look({ PREBUILDS_A_RELEASE: 3 })).toBe(1);
    mirror.weather.clear();
    expect(await look({ PREBUILDS_A_RELEASE: 3 })).toBe(2);
    expect(await look({ PREBUILDS_A_RELEASE: 3 })).toBe(0);
    expect(await waiting()).toEqual([0, 1, 2].map((n) => `${version} ${n % 2 ? 'x86/64' : 'x86/generic'} p${n}`));
  });

  it.each([
    ['a private image', {}, { private: true }],
    ['feeds of somebody', { repositories: ['custom https://feeds.example/x'] }, {}],
    ['a package that is gone', { addPackages: ['nosuch'] }, {}],
    ['a device that is gone', { profile: 'nosuch' }, {}],
  ])('is not prebuilt for %s', async (_, request, record) => {
    await begin();
    await want(['p5'], 10, { request, record });
    await release();
    expect(await look()).toBe(0);
  });

  it('that is listed, gone and listed again is one release', async () => {
    await begin();
    await want(['p6'], 10);
    const version = await release();
    expect(await look()).toBe(1);
    const entry = listed[version] ?? {};
    delete listed[version];
    mirror.publishVersions(listed);
    later(30 * HOUR_MS);
    expect(await look()).toBe(0);
    list(version, Object.keys(entry));
    expect(await look()).toBe(0);
  });

  it('waits for a catalogue that cannot tell', async () => {
    await begin();
    await want(['p7'], 10);
    const version = await release();
    mirror.weather.set(`releases/${version}/targets/x86/64/sha256sums`, () => new Response('', { status: 503 }));
    expect(await look()).toBe(0);
    mirror.weather.clear();
    expect(await look()).toBe(1);
  });

  it('is news for a day: a target that comes later is not prebuilt for', async () => {
    await begin();
    await want(['p8'], 10);
    patch += 1;
    const version = `24.10.${patch}`;
    list(version, []);
    expect(await look()).toBe(0);
    later(25 * HOUR_MS);
    list(version, ['x86/64']);
    await publishTarget(version);
    expect(await look()).toBe(0);
  });

  it('is left alone where nobody wants prebuilds, or the time of the day is used up', async () => {
    await begin();
    await want(['p9'], 10);
    await release();
    await foreman.calls.takeCounts({ day: dayOf(Date.now()), counts: [count('prebuild_seconds', 'all', 600)] });
    expect(await look({ PREBUILD_MINUTES: 10 })).toBe(0);
    expect(await inForeman((state) => state.prebuilds.nextLookAt(Date.now()), { PREBUILDS_A_RELEASE: 0 })).toBeNull();
    expect(await look({ PREBUILD_MINUTES: 11 })).toBe(1);
  });
});

describe('a look', () => {
  const keyOf = (packages: readonly string[], version: string) => storeKey.intent(client(packages, version).intentHash);

  it('during which a client asks for the same has it built once', async () => {
    await begin();
    await want(['p17'], 20);
    await want(['p18'], 10);
    const version = await release();
    const asksForTheFirst = (state: State, key: string) => {
      if (key === keyOf(['p18'], version)) takeSubmission(state, client(['p17'], version), Date.now());
    };
    expect(await lookWhile(asksForTheFirst)).toBe(1);
    expect((await foreman.rows('builds')).map(({ generation }) => generation)).toEqual([1, 1]);
    expect(await counted('prebuild')).toEqual({ queued: 1 });
  });

  it('that takes long ends, and the next one goes on', async () => {
    await begin();
    for (const [n, name] of ['p19', 'p20', 'p21'].entries()) await want([name], 30 - n);
    const version = await release();
    expect(await lookWhile(() => later(4 * MINUTE_MS))).toBe(1);
    expect(await look()).toBe(2);
    expect(await waiting()).toEqual(['p19', 'p20', 'p21'].map((name) => `${version} x86/64 ${name}`));
    expect(await look()).toBe(0);
  });

  it('skips what cannot be read, which the next one looks at', async () => {
    await begin();
    await want(['p22'], 20);
    await want(['p23'], 10);
    const version = await release();
    const key = keyOf(['p22'], version);
    await bucket.put(key, '{');
    expect(await look()).toBe(1);
    expect(await waiting()).toEqual([`${version} x86/64 p23`]);
    await bucket.delete(key);
    expect(await look()).toBe(1);
    expect((await waiting()).length).toBe(2);
  });

  it('that goes on when the next is due does not let the alarm ring all the while', async () => {
    await want(['p24'], 10);
    await foreman.lease('a');
    later(10 * MINUTE_MS);
    let answer = (): void => undefined;
    const answers = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const asked = vi.spyOn(bucket, 'get').mockImplementation(() => answers.then(() => null));
    try {
      await foreman.alarm();
      await vi.waitFor(() => expect(asked).toHaveBeenCalled(), EVENTUALLY);
      later(11 * MINUTE_MS);
      await foreman.alarm();
      const marks = await foreman.rows('meta');
      expect(marks.find(({ name }) => name === 'prebuilds_looked_at')?.value).toBe(Date.now());
      expect(await foreman.alarmAt()).toBeGreaterThan(Date.now());
    } finally {
      answer();
      asked.mockRestore();
    }
  });

  it('that is overdue is not due at once', async () => {
    await want(['p25'], 10);
    const now = Date.now();
    const times = await inForeman((state) => {
      state.prebuilds.looked(now - HOUR_MS);
      return dueTimes(state, now);
    });
    expect(times.filter((at) => at !== null && at <= now)).toEqual([]);
  });
});

describe('the list of what is wanted', () => {
  const list = () => inForeman((state) => listWanted(state, Date.now));
  const names = async () => (await foreman.rows('wanted')).map(({ intent_hash: name }) => name);
  const recordOf = (intent: string) => storeKey.build(requestHash(intent, 1));

  it('goes on without a record that cannot be read, until it can', async () => {
    const spoilt = await want(['p26'], 20);
    const good = await want(['p27'], 10);
    const record = await (await bucket.get(recordOf(spoilt)))?.text();
    await bucket.put(recordOf(spoilt), '{');
    await list();
    expect(await names()).toEqual([good]);
    await bucket.put(recordOf(spoilt), String(record));
    await list();
    expect((await names()).sort()).toEqual([good, spoilt].sort());
  });

  it('has what had no image one day on another', async () => {
    const wish = await want(['p28'], 10);
    const record = await (await bucket.get(recordOf(wish)))?.text();
    await bucket.delete(recordOf(wish));
    await list();
    expect(await names()).toEqual([]);
    await bucket.put(recordOf(wish), String(record));
    later(24 * HOUR_MS);
    await list();
    expect(await names()).toEqual([wish]);
  });

  it('takes no longer than a look has, and goes on at the next', async () => {
    for (const [n, name] of ['p29', 'p30', 'p31'].entries()) await want([name], 30 - n);
    const get = bucket.get.bind(bucket);
    const slow = vi.spyOn(bucket, 'get').mockImplementation(((key: string) => {
      later(2 * MINUTE_MS);
      return get(key);
    }) as typeof bucket.get);
    await list();
    slow.mockRestore();
    expect((await names()).length).toBe(1);
    await list();
    expect((await names()).length).toBe(3);
  });
});

test('of ten thousand wishes a thousand are looked up, and of a hundred at a look the store is asked', async () => {
  const counts = Array.from({ length: 2_000 }, (_, n) => count('wish', String(n).padStart(64, '0'), 10));
  for (let day = 0; day < 5; day += 1)
    await foreman.calls.takeCounts({
      day: dayOf(Date.now()) - (day % 3),
      counts: counts.map((one) => ({ ...one, name: `${day}${one.name.slice(1)}` })),
    });
  const asked = vi.spyOn(env.IMAGES as R2Bucket, 'get');
  await inForeman((state) => listWanted(state, Date.now));
  // Of other keys the Foreman may ask by itself.
  expect(asked.mock.calls.filter(([key]) => key.startsWith('intents/')).length).toBe(100);
  asked.mockRestore();
  for (let n = 0; n < 8; n += 1) await inForeman((state) => listWanted(state, Date.now));
  expect((await foreman.rows('wanted')).length).toBe(900);
  await inForeman((state) => listWanted(state, Date.now));
  expect(await foreman.rows('wanted')).toEqual([]);
  expect((await foreman.rows('meta')).find(({ name }) => name === 'wanted_listed_on')?.value).toBe(dayOf(Date.now()));
});

describe('a snapshot', () => {
  const snapshot = { request: { version: 'SNAPSHOT' } };

  it('that moved is prebuilt for as the next generation, at most once a day', async () => {
    mirror.files.set('snapshots/.targets.json', JSON.stringify({ 'x86/64': 'x86_64' }));
    await publishTarget('SNAPSHOT', 'x86/64', 'r30000-aaaaaaaaaa');
    const intent = await want(['p10'], 10, snapshot);
    expect(await look()).toBe(0);
    expect(await look()).toBe(0);
    await publishTarget('SNAPSHOT', 'x86/64', 'r30001-bbbbbbbbbb');
    // The first look is given the old copy.
    expect((await look()) + (await look())).toBe(1);
    const [build] = await foreman.rows('builds');
    expect(build).toMatchObject({ intent_hash: intent, generation: 2, state: 'queued' });
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, failed('image_too_big'));
    await publishTarget('SNAPSHOT', 'x86/64', 'r30002-cccccccccc');
    expect((await look()) + (await look())).toBe(0);
    later(20 * HOUR_MS);
    expect((await look()) + (await look())).toBe(1);
    expect((await foreman.rows('builds')).map(({ generation }) => generation)).toEqual([2, 3]);
  });
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

test('the alarm takes the looks, ten minutes apart, once there is anything to want', async () => {
  expect(await foreman.alarmAt()).toBeNull();
  await want(['p16'], 10);
  await foreman.lease('a');
  expect(await foreman.alarmAt()).toBe(Date.now() + 10 * MINUTE_MS);
  await begin();
  const version = await release();
  await vi.waitFor(
    async () => {
      later(10 * MINUTE_MS);
      await foreman.alarm();
      expect(await waiting()).toEqual([`${version} x86/64 p16`]);
    },
    { timeout: 30_000, interval: 300 },
  );
});
