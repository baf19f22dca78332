import { evictDurableObject } from 'cloudflare:test';
import { expect, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { bucket, failed, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import { LOG_LIFE_MS } from './remove-old-logs.ts';

vi.setConfig({ testTimeout: 60_000 });

let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
});

const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
const logOf = async (leaseId: string): Promise<number> =>
  (await bucket.list({ prefix: storeKey.logs(leaseId) })).objects.length;

/** Logs are removed in the background. */
const eventually = (check: () => void | Promise<void>): Promise<void> => vi.waitFor(check, EVENTUALLY);

/** A build that came to nothing, with a log of so many pieces; its lease. */
async function logged(name: string, pieces: number): Promise<string> {
  await foreman.submit({ intentHash: sha256Hex(`${name} ${expect.getState().currentTestName}`) });
  const { leaseId } = await foreman.order('a');
  const keys = Array.from({ length: pieces }, (_, index) => storeKey.log(leaseId, index + 1));
  await Promise.all(keys.map((key) => bucket.put(key, 'x\n')));
  await foreman.report('a', leaseId, 1, failed('image_too_big'));
  return leaseId;
}

test('a log is there for a week, and then it is gone; younger ones stay, and so does everything else', async () => {
  const old = await logged('old', 3);
  await bucket.put(storeKey.object(old, 'image.bin'), 'an image');
  pass(LOG_LIFE_MS - 60_000);
  const young = await logged('young', 2);
  await foreman.alarm();
  await scheduler.wait(200);
  expect([await logOf(old), await logOf(young)]).toEqual([3, 2]);
  pass(61_000);
  await foreman.submit();
  await foreman.order('a');
  await foreman.alarm();
  await eventually(async () => expect(await logOf(old)).toBe(0));
  // What comes behind it in the background, if anything did.
  await scheduler.wait(200);
  expect(await logOf(young)).toBe(2);
  expect(await bucket.head(storeKey.object(old, 'image.bin'))).not.toBeNull();
});

test('of each try the log goes, the lost ones’ too', async () => {
  await foreman.submit();
  const lost = await foreman.order('a');
  await bucket.put(storeKey.log(lost.leaseId, 1), 'x\n');
  await foreman.report('a', lost.leaseId, 1, failed('node_lost'));
  const { leaseId } = await foreman.order('a');
  await bucket.put(storeKey.log(leaseId, 1), 'x\n');
  await foreman.report('a', leaseId, 1, failed('image_too_big'));
  pass(LOG_LIFE_MS + 1_000);
  await foreman.submit({ intentHash: sha256Hex('wakes the alarm') });
  await foreman.order('a');
  await foreman.alarm();
  await eventually(async () => expect([await logOf(lost.leaseId), await logOf(leaseId)]).toEqual([0, 0]));
});

test('what is too much for one alarm is left to the next, which is soon', async () => {
  const [long, longer] = [await logged('long', 100), await logged('longer', 100)];
  pass(LOG_LIFE_MS + 1_000);
  await foreman.submit();
  await foreman.order('a');
  await foreman.alarm();
  await eventually(async () => expect([await logOf(long), await logOf(longer)]).toEqual([0, 72]));
  await eventually(async () =>
    expect(((await foreman.alarmAt()) ?? Number.NaN) - Date.now()).toBeLessThanOrEqual(3_000),
  );
  await foreman.alarm();
  await eventually(async () => expect(await logOf(longer)).toBe(0));
});

test('what is left to the next alarm is not forgotten where the Foreman is evicted before that', async () => {
  const long = await logged('long', 200);
  pass(LOG_LIFE_MS + 1_000);
  await foreman.submit();
  await foreman.order('a');
  await foreman.alarm();
  const isSoon = async () => ((await foreman.alarmAt()) ?? Number.NaN) - Date.now() <= 3_000;
  await eventually(async () => expect([await logOf(long), await isSoon()]).toEqual([72, true]));
  await evictDurableObject(foreman.stub);
  await foreman.calls.stats();
  expect(await isSoon()).toBe(true);
  await foreman.alarm();
  await eventually(async () => expect(await logOf(long)).toBe(0));
});

test('a store that does not answer is asked again, and holds nothing else up', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const old = await logged('old', 1);
  const spy = vi.spyOn(bucket, 'list').mockRejectedValue(new Error('list: Internal error (10001)'));
  pass(LOG_LIFE_MS + 1_000);
  await foreman.alarm();
  await foreman.submit();
  const order = await foreman.order('a');
  await foreman.elapse(120_000);
  await eventually(() => expect(String(log.mock.calls)).toContain('removing old logs failed'));
  expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'queued' });
  spy.mockRestore();
  log.mockRestore();
  await foreman.order('a');
  await foreman.alarm();
  await eventually(async () => expect(await logOf(old)).toBe(0));
});

test('a store that hangs is not asked by one more pass at each alarm', async () => {
  await logged('old', 1);
  const hung = Promise.withResolvers<never>();
  const list = bucket.list.bind(bucket);
  let asked = 0;
  const spy = vi.spyOn(bucket, 'list').mockImplementation((options) => {
    if (!options?.prefix?.startsWith('logs/')) return list(options);
    asked += 1;
    return hung.promise;
  });
  for (let alarms = 1; alarms <= 4; alarms += 1) {
    pass(alarms === 1 ? LOG_LIFE_MS + 1_000 : 3_000);
    await foreman.submit({ intentHash: sha256Hex(`keeps the alarm ringing ${alarms}`) });
    await foreman.alarm();
    await eventually(() => expect(asked).toBeGreaterThan(0));
    await scheduler.wait(50);
  }
  expect(asked).toBe(1);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  spy.mockRestore();
  hung.reject(new Error('list: Internal error (10001)'));
});
