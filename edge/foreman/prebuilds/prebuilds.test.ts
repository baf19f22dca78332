/** What is built ahead, and when, against the real catalogue, store and tables. */
import { describe, expect, it, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { dayOf } from '../../../shared/request/client-key.ts';
import { requestHash } from '../../../shared/request/intent.ts';
import type { Mirror } from '../../catalogue/mirror.fixture.ts';
import { env } from '../../edge.fixture.ts';
import { count, SHOWN_FROM } from '../../statistics/counted.ts';
import { dueTimes } from '../due-times.ts';
import { bucket, failed, type OpenedForeman } from '../foreman.fixture.ts';
import { takeSubmission } from '../queue/take-submission.ts';
import { listWanted } from './list-wanted.ts';
import {
  begin,
  client,
  counted,
  HOUR_MS,
  inForeman,
  later,
  list,
  look,
  lookWhile,
  MINUTE_MS,
  nextVersion,
  publishTarget,
  release,
  type State,
  unlist,
  waiting,
  want,
  withPrebuilds,
} from './prebuilds.fixture.ts';

let foreman: OpenedForeman;
let mirror: Mirror;

withPrebuilds((opened, upstream) => {
  foreman = opened;
  mirror = upstream;
});

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
    const targets = unlist(version);
    later(30 * HOUR_MS);
    expect(await look()).toBe(0);
    list(version, targets);
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
    const version = nextVersion();
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
