import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { buildRecord, requestEcho } from '../../../shared/build/build-record.fixture.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { dayOf } from '../../../shared/request/client-key.ts';
import { openUpstream } from '../../edge.fixture.ts';
import { LIFETIMES } from '../../lifetimes.ts';
import { COUNTED, type Count, count } from '../../statistics/counted.ts';
import { listedImage } from '../../statistics/listed-image.ts';
import { MAX_FAILURES, MAX_NAMES, type StatisticsAnswers } from '../../statistics/questions.ts';
import { failed, type OpenedForeman, openForeman, submission } from '../foreman.fixture.ts';
import * as schema from '../schema.ts';
import { Counters } from './counters.ts';
import { FailureLog } from './failure-log.ts';
import { LatestImages } from './latest-images.ts';

/** Ahead of the real clock, so that no alarm rings by itself. */
const NOON = Date.UTC(2031, 0, 15, 12);
const TODAY = dayOf(NOON);
const DAY_MS = 86_400_000;
let foreman: OpenedForeman;

beforeAll(async () => {
  await openUpstream();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOON });
  foreman = openForeman();
  await foreman.node('a');
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const ofBranch = (what: 'package' | 'version' | 'profile', name: string, n: number, branch = '24.10'): Count => ({
  what,
  branch,
  name,
  n,
});
const take = (counts: readonly Count[], day = TODAY) => foreman.calls.takeCounts({ day, counts });
const ask = <About extends keyof StatisticsAnswers>(about: About, branch: string | null = null) =>
  foreman.calls.statistics({ about, branch });
/** Answers that read many rows are a minute old at most. */
const aMinuteLater = () => vi.setSystemTime(Date.now() + LIFETIMES.statisticsMs);
const rows = () =>
  runInDurableObject(foreman.stub, (_, state) =>
    state.storage.sql.exec('SELECT what, day, name, n FROM counters ORDER BY what, day, name').toArray(),
  );

/** A build of its own, up to the order. */
let wishes = 0;
async function ordered(fields: Parameters<typeof submission>[0] = {}) {
  await foreman.submit({ intentHash: sha256Hex(`wish ${++wishes}`), ...fields });
  return foreman.order('a');
}
const request = (fields: Partial<ReturnType<typeof submission>['request']> = {}) => ({
  ...submission().request,
  ...fields,
});

async function built(fields: Parameters<typeof submission>[0] = {}) {
  const order = await ordered(fields);
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
}

async function failing(detail: string, fields: Parameters<typeof submission>[0] = {}, stderr = 'the last words') {
  const order = await ordered(fields);
  await foreman.report('a', order.leaseId, 1, { case: 'failed', value: { kind: 'build_failed', detail, stderr } });
}

describe('what isolates counted', () => {
  it('is added up by day and name, and since the beginning where that is wanted', async () => {
    await take([count('outcome', 'hit_memory', 3), ofBranch('version', '24.10.2', 3)]);
    await take([count('outcome', 'hit_memory', 4), count('outcome', 'new', 1)]);
    await take([count('outcome', 'hit_memory', 5)], TODAY - 1);
    expect(await rows()).toEqual([
      { what: 'outcome', day: 0, name: 'hit_memory', n: 12 },
      { what: 'outcome', day: 0, name: 'new', n: 1 },
      { what: 'outcome', day: TODAY - 1, name: 'hit_memory', n: 5 },
      { what: 'outcome', day: TODAY, name: 'hit_memory', n: 7 },
      { what: 'outcome', day: TODAY, name: 'new', n: 1 },
      { what: 'version', day: TODAY, name: '24.10.2', n: 3 },
    ]);
    expect((await ask('days')).outcomes.map(({ day, name, n }) => [day, name, n])).toEqual([
      [TODAY - 1, 'hit_memory', 5],
      [TODAY, 'hit_memory', 7],
      [TODAY, 'new', 1],
    ]);
    expect((await ask('totals')).outcomes).toContainEqual({ name: 'hit_memory', n: 12 });
  });

  it.each([
    ['from the future', TODAY + 1, TODAY],
    ['from long ago', TODAY - 3, TODAY],
    ['from before midnight', TODAY - 1, TODAY - 1],
  ])('with a day %s is counted where it belongs', async (_, day, counted) => {
    await take([count('client', 'internal')], day);
    expect(await rows()).toEqual([{ what: 'client', day: counted, name: 'internal', n: 1 }]);
  });

  it('of a kind that this Foreman does not know is left out, and the rest is taken', async () => {
    await take([
      { ...count('outcome', 'x'), what: 'newer' as 'outcome' },
      { ...count('outcome', 'x'), what: 'constructor' as 'outcome' },
      count('client', 'internal'),
    ]);
    expect((await rows()).map(({ what }) => what)).toEqual(['client']);
  });

  it('has room for so many names a day; those that are there count on', async () => {
    const clients = Array.from({ length: 250 }, (_, n) => count('client', `client/${n}`));
    await take(clients);
    await take([...clients.map(({ name }) => count('client', `other/${name}`)), count('client', 'client/0', 7)]);
    const kept = (await rows()).filter(({ what }) => what === 'client');
    expect(kept.length).toBe(COUNTED.client.namesADay);
    expect(kept).toContainEqual({ what: 'client', day: TODAY, name: 'client/0', n: 8 });
    await take([count('client', 'late/1')], TODAY - 1);
    expect((await rows()).filter(({ what }) => what === 'client').length).toBe(COUNTED.client.namesADay + 1);
  });
});

describe('names', () => {
  it('are told from five uses on, whatever days they are from, the most used first', async () => {
    await take([ofBranch('package', 'luci', 9), ofBranch('package', 'vim', 4), ofBranch('package', 'rare', 4)]);
    await take([ofBranch('package', 'vim', 1)], TODAY - 1);
    expect(await ask('packages')).toEqual([
      { name: 'luci', n: 9 },
      { name: 'vim', n: 5 },
    ]);
    await take([count('client', 'owut/1', 5), count('client', 'mine/1', 4)]);
    expect(await ask('clients')).toEqual([{ name: 'owut/1', n: 5 }]);
  });

  it('are told of one branch or of all; uses in several branches count together', async () => {
    await take([
      ofBranch('package', 'vim', 3, '24.10'),
      ofBranch('package', 'vim', 3, '23.05'),
      ofBranch('package', 'curl', 6, '23.05'),
    ]);
    expect(await ask('packages', '24.10')).toEqual([]);
    expect(await ask('packages', '23.05')).toEqual([{ name: 'curl', n: 6 }]);
    expect(await ask('packages')).toEqual([
      { name: 'curl', n: 6 },
      { name: 'vim', n: 6 },
    ]);
  });

  it('are of the last thirty days, and so many', async () => {
    await take(Array.from({ length: 150 }, (_, n) => ofBranch('package', `p${n}`, 5)));
    expect((await ask('packages')).length).toBe(MAX_NAMES);
    vi.setSystemTime(NOON + 30 * DAY_MS);
    expect(await ask('packages')).toEqual([]);
  });

  it('are read from the tables once a minute, however often they are asked for', async () => {
    await take([ofBranch('package', 'luci', 5)]);
    expect((await ask('packages')).length).toBe(1);
    await take([ofBranch('package', 'vim', 5)]);
    expect((await ask('packages')).length).toBe(1);
    aMinuteLater();
    expect((await ask('packages')).length).toBe(2);
  });
});

describe('time', () => {
  it('takes away what is older than its kind is kept, by the alarm, and nothing since the beginning', async () => {
    await take([count('outcome', 'new'), count('client', 'owut/1'), ofBranch('package', 'vim', 1)]);
    const counted = async () =>
      (await rows()).filter(({ what, day }) => day === TODAY || `${what} ${day}` === 'outcome 0');
    const kinds = async () => (await counted()).map(({ what, day }) => `${what} ${day}`);
    // A build that waits for its node to be lost: something for an alarm to ring for.
    const ring = async (now: number) => {
      vi.setSystemTime(now);
      await ordered();
      vi.setSystemTime(now + 200_000);
      expect(await foreman.alarm()).toBe(true);
    };
    await ring(NOON + 90 * DAY_MS);
    expect(await kinds()).toEqual([`client ${TODAY}`, 'outcome 0', `outcome ${TODAY}`, `package ${TODAY}`]);
    await ring(NOON + 91 * DAY_MS);
    expect(await kinds()).toEqual(['outcome 0', `outcome ${TODAY}`]);
    await ring(NOON + 401 * DAY_MS);
    expect(await kinds()).toEqual(['outcome 0']);
  });
});

describe('an image that was built', () => {
  it('counts as a build, by its hour, and as handed out', async () => {
    await built({ request: request({ addPackages: ['luci', 'vim'], removePackages: ['ppp'] }) });
    const { intent_hash: wish } = (await foreman.rows('builds'))[0] ?? {};
    expect((await rows()).map(({ what, day, name, n }) => [what, day === 0, name, n])).toEqual([
      ['build', true, 'built', 1],
      ['build', false, 'built', 1],
      ['hour', false, '12', 1],
      ['package', false, 'luci', 1],
      ['package', false, 'vim', 1],
      ['profile', false, 'generic', 1],
      ['published_bytes', true, 'images', 8],
      ['published_bytes', false, 'images', 8],
      ['target', false, 'x86/64', 1],
      ['target_built', false, 'x86/64', 1],
      ['target_seconds', false, 'x86/64', 1],
      ['version', false, '24.10.2', 1],
      ['wish', false, wish, 1],
    ]);
    expect(await ask('versions')).toEqual([{ day: TODAY, branch: '24.10', name: '24.10.2', n: 1 }]);
  });

  it('is one of the builds of the last 24 hours, and of the queue no more', async () => {
    await foreman.submit({ intentHash: sha256Hex('one that waits') });
    expect(await ask('summary')).toEqual({ queueLength: 1, builds24h: 0 });
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    expect(await ask('summary')).toEqual({ queueLength: 0, builds24h: 1 });
    vi.setSystemTime(NOON + 23 * 3_600_000);
    expect((await ask('summary')).builds24h).toBe(1);
    vi.setSystemTime(NOON + 24 * 3_600_000);
    expect((await ask('summary')).builds24h).toBe(0);
  });
});

describe('the last images', () => {
  const listed = async () => (await ask('images')).latest;

  it('are told with the device and the hashes of their pages, the newest first, and how many there ever were', async () => {
    await built();
    vi.setSystemTime(NOON + 1_000);
    await built({ request: request({ addPackages: ['vim'] }) });
    const hashes = (await foreman.rows('builds')).map(({ request_hash }) => String(request_hash));
    expect(await ask('images')).toEqual({
      built: 2,
      waiting: 0,
      latest: [NOON + 1_000, NOON].map((builtAt, index) => ({
        sequence: 2 - index,
        imageHash: hashes[1 - index]?.slice(0, 15),
        // sha256 of `base-files - 1\ncurl - 8.1-r1\ndnsmasq - 2.90\n`
        manifestHash: 'cb1c9bdb2d778e2',
        distro: 'openwrt',
        version: '24.10.2',
        target: 'x86/64',
        profile: 'generic',
        model: 'generic',
        builtAt,
        buildSeconds: 1,
      })),
    });
  });

  it('are none that somebody had made from a repository of his own', async () => {
    await built({ echo: requestEcho({ repositories: { mine: 'https://feeds.example/mine' } }) });
    expect(await ask('images')).toEqual({ built: 1, waiting: 0, latest: [] });
  });

  it('are so many', async () => {
    await runInDurableObject(foreman.stub, (_, { storage }) => {
      const images = new LatestImages(drizzle(storage, { schema }), 3);
      const image = listedImage(buildRecord());
      for (let builtAt = 0; image && builtAt < 5; builtAt++) images.add({ ...image, builtAt });
      expect(images.all().map(({ builtAt, sequence }) => [builtAt, sequence])).toEqual([
        [4, 5],
        [3, 4],
        [2, 3],
      ]);
    });
    expect(await listed()).toHaveLength(3);
  });
});

describe('targets', () => {
  it('are told from five uses on, with what their builds took on average', async () => {
    await built();
    expect(await ask('targets')).toEqual([]);
    await take([{ what: 'target', branch: '24.10', name: 'x86/64', n: 4 }, count('target_built', 'x86/64', 2)]);
    await take([count('target_seconds', 'x86/64', 50), { what: 'target', branch: '23.05', name: 'a/b', n: 9 }]);
    aMinuteLater();
    expect(await ask('targets')).toEqual([
      // Built longer ago than anybody remembers.
      { name: 'a/b', n: 9, buildSeconds: null },
      { name: 'x86/64', n: 5, buildSeconds: 17 },
    ]);
  });
});

describe('hits of one image', () => {
  it('are those of ninety days', async () => {
    const name = '5ca1ab1e5ca1ab1';
    const handedOut = async () => (await foreman.calls.statistics({ about: 'image', name })).handedOut;
    expect(await handedOut()).toBe(0);
    await take([count('image', name, 3), count('image', 'another')]);
    await take([count('image', name, 4)], TODAY - 1);
    expect(await handedOut()).toBe(7);
    vi.setSystemTime(NOON + 89 * DAY_MS);
    expect(await handedOut()).toBe(3);
    vi.setSystemTime(NOON + 90 * DAY_MS);
    expect(await handedOut()).toBe(0);
  });
});

describe('a build that failed', () => {
  it('counts, with its kind, and is told without what hardly anybody asks for', async () => {
    const fields = { request: request({ addPackages: ['secret-plan'] }) };
    await failing('Error: missing (secret-plan)', fields, `see /srv/x/y.log\nof ${'0a'.repeat(32)}`);
    expect((await rows()).map(({ what, name }) => `${what} ${name}`)).toEqual([
      'build failed',
      'build failed',
      'failure build_failed',
      'failure build_failed',
      'profile generic',
    ]);
    expect(await ask('errors')).toEqual([
      {
        at: NOON,
        distro: 'openwrt',
        version: '24.10.2',
        target: 'x86/64',
        profile: '(rare)',
        kind: 'build_failed',
        detail: 'Error: missing ((rare))',
        lastLines: ['see (path)/y.log', 'of (hash)'],
      },
    ]);
  });

  it('five times over the same package tells its name, and that of the profile', async () => {
    for (let times = 0; times < 4; times++)
      await failing('missing (gone)', { request: request({ addPackages: ['gone'] }) });
    expect(JSON.stringify(await ask('errors'))).not.toContain('gone');
    await failing('missing (gone)', { request: request({ addPackages: ['gone'] }) });
    aMinuteLater();
    expect((await ask('errors')).map(({ detail, profile }) => [detail, profile])).toEqual(
      Array(5).fill(['missing (gone)', 'generic']),
    );
  });

  it('is one of so many, the newest first', async () => {
    await runInDurableObject(foreman.stub, (_, { storage }) => {
      const log = new FailureLog(drizzle(storage, { schema }), 3);
      for (let n = 0; n < 5; n++) log.add({ ...template, at: n });
      expect(log.all().map(({ at }) => at)).toEqual([4, 3, 2]);
      log.forget(3);
      expect(log.all().map(({ at }) => at)).toEqual([4, 3]);
    });
    expect(MAX_FAILURES).toBeLessThanOrEqual(1_000);
  });

  it('ends as it would, when it cannot be counted', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(Counters.prototype, 'add').mockImplementation(() => {
      throw new Error('SQLite is full');
    });
    const order = await ordered();
    await foreman.report('a', order.leaseId, 1, failed('conflict'));
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'failed' });
    await built();
    expect(logged).toHaveBeenCalledWith(expect.stringContaining('SQLite is full'));
  });
});

const template = {
  at: 0,
  version: '24.10.2',
  target: 'x86/64',
  profile: 'generic',
  kind: 'build_failed',
  detail: 'd',
  lastLines: [],
  names: [],
};

test('a private build is counted nowhere, whether it ends in an image or not', async () => {
  const secret = { request: request({ defaultsMac: 'c'.repeat(64), addPackages: ['vim'] }), sealedDefaults: 'sealed' };
  await built(secret);
  await failing('Error: hunter2', secret, 'hunter2');
  expect(await rows()).toEqual([]);
  expect(await ask('errors')).toEqual([]);
  expect(await ask('summary')).toEqual({ queueLength: 0, builds24h: 0 });
  expect(await ask('images')).toEqual({ built: 0, waiting: 0, latest: [] });
});

test('what was counted is there when the Foreman comes back', async () => {
  await take([count('client', 'internal')]);
  await evictDurableObject(foreman.stub);
  await take([count('client', 'internal', 2)]);
  expect(await foreman.rows('counters')).toMatchObject([{ name: 'internal', n: 3 }]);
});

/** What runs at each batch, question or alarm. */
const OFTEN: readonly [string, (counters: Counters, failures: FailureLog) => unknown][] = [
  ['counting', (counters) => counters.add(TODAY, [ofBranch('package', 'vim', 1)])],
  ['counts since a day', (counters) => counters.since('version', TODAY)],
  ['totals', (counters) => counters.totals('outcome')],
  ['counts of one image', (counters) => counters.ofName('image', '5ca1ab1e5ca1ab1', TODAY - 89, TODAY)],
  ['sums', (counters) => counters.sums('target_seconds', TODAY)],
  ['top names', (counters) => counters.top('package', TODAY, null)],
  ['top names of a branch', (counters) => counters.top('package', TODAY, '24.10')],
  ['forgetting', (counters) => counters.forget(TODAY)],
  ['a failure', (_, failures) => failures.add(template)],
  ['forgetting failures', (_, failures) => failures.forget(1)],
];

test.each(OFTEN)('%s goes by an index', async (_, work) => {
  const plans = await runInDurableObject(foreman.stub, (_, { storage }) => {
    const statements: [string, unknown[]][] = [];
    const logger = { logQuery: (query: string, values: unknown[]) => void statements.push([query, values]) };
    const db = drizzle(storage, { schema, logger });
    new FailureLog(db, 9).add(template);
    statements.length = 0;
    work(new Counters(db), new FailureLog(db, 9));
    return statements
      .filter(([query]) => !query.startsWith('insert'))
      .flatMap(([query, values]) =>
        storage.sql
          .exec<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...(values as string[]))
          .toArray()
          .map((row) => row.detail),
      );
  });
  expect(plans.length).toBeGreaterThan(0);
  for (const plan of plans) {
    // The list of failures has an end, and is read from one end of it.
    if (!plan.startsWith('SCAN failures')) expect(plan).toMatch(/USING (?:INTEGER )?PRIMARY KEY|USE TEMP B-TREE/);
  }
});
