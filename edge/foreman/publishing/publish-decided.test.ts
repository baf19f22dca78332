/** After a storm of results: what is slow, missing or senior among them, and how long the others wait for it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { env } from '../../edge.fixture.ts';
import { bucket, IMAGE, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';

/** Builds that are looked at together, and of them published at once. */
const PAGE = 16;
const AT_ONCE = 4;
let foreman: OpenedForeman;
let intents = 0;
const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);

withForeman(async (opened) => {
  foreman = opened;
  await foreman.buildNothingAhead();
  await foreman.node('a');
});

beforeEach(() => {
  log.mockClear();
});
afterEach(() => {
  for (const spy of [vi.mocked(bucket.head), vi.mocked(bucket.put), vi.mocked(env.CACHE.put)])
    if (vi.isMockFunction(spy)) spy.mockRestore();
});

async function ordered(): Promise<Order> {
  await foreman.submit({ intentHash: sha256Hex(`storm ${++intents}`) });
  return foreman.order('a');
}

/** Uploaded, and told by what is returned. */
async function built(order: Order): Promise<() => Promise<string>> {
  const event = await foreman.success('a', order.leaseId);
  return () => foreman.report('a', order.leaseId, 1, event);
}

async function decided(): Promise<Order> {
  const order = await ordered();
  await (await built(order))();
  return order;
}

const failures = () => log.mock.calls.filter((call) => JSON.stringify(call).includes('publishing failed')).length;

test('a whole page of builds whose files are missing holds up none behind it', async () => {
  const away = vi.spyOn(bucket, 'head').mockRejectedValue(new Error('R2 head failed'));
  for (let at = 0; at < PAGE; at += 1) await bucket.delete(`objects/${(await decided()).leaseId}/${IMAGE}`);
  const { requestHash } = await decided();
  away.mockRestore();
  vi.setSystemTime(Date.now() + 3_000);
  await foreman.alarm();
  await foreman.untilState(requestHash, 'done');
}, 60_000);

test('what is decided while others are published is published by its age, and not behind all of them', async () => {
  const senior = await ordered();
  const tellSenior = await built(senior);
  const orders = [];
  for (let at = 0; at < 2 * PAGE + AT_ONCE; at += 1) orders.push(await ordered());
  const tell = [];
  for (const order of orders) tell.push(await built(order));

  const { head, put } = bucket;
  let gate = Promise.withResolvers<void>();
  const looked = vi.fn();
  vi.spyOn(bucket, 'head').mockImplementation(async (key) => {
    if (key.startsWith('objects/')) {
      looked();
      await gate.promise;
    }
    return head.call(bucket, key);
  });
  const published: string[] = [];
  vi.spyOn(bucket, 'put').mockImplementation(((...words: Parameters<R2Bucket['put']>) => {
    if (words[0].startsWith('builds/')) published.push(words[0]);
    return put.apply(bucket, words);
  }) as R2Bucket['put']);
  for (const one of tell) await one();
  await vi.waitFor(() => expect(looked).toHaveBeenCalled(), EVENTUALLY);
  const first = gate;
  gate = Promise.withResolvers();
  looked.mockClear();
  first.resolve();
  // The second page has begun.
  await vi.waitFor(() => expect(looked.mock.calls.length).toBeGreaterThanOrEqual(AT_ONCE), EVENTUALLY);
  await tellSenior();
  gate.resolve();
  for (const { requestHash } of [senior, ...orders]) await foreman.untilState(requestHash, 'done');
  expect(published).toHaveLength(orders.length + 1);
  expect(published.indexOf(`builds/${senior.requestHash}.json`)).toBeLessThan(published.length - AT_ONCE);
}, 120_000);

test('a KV that hangs holds up no image', async () => {
  vi.spyOn(env.CACHE, 'put').mockReturnValue(new Promise(() => undefined));
  const orders = [];
  for (let at = 0; at <= AT_ONCE; at += 1) orders.push(await decided());
  for (const { requestHash } of orders) await foreman.untilState(requestHash, 'done');
}, 60_000);

test('a store that does not answer is asked for a few, and not for a page of them', async () => {
  const away = vi.spyOn(bucket, 'head').mockRejectedValue(new Error('R2 head failed'));
  for (let at = 0; at < PAGE; at += 1) await decided();
  await vi.waitFor(async () => expect(await foreman.alarmAt()).not.toBeNull(), EVENTUALLY);
  away.mockClear();
  vi.setSystemTime(Date.now() + 3_000);
  await foreman.alarm();
  await vi.waitFor(() => expect(away).toHaveBeenCalled(), EVENTUALLY);
  await scheduler.wait(200);
  expect(away.mock.calls.filter(([key]) => key.startsWith('objects/')).length).toBeLessThanOrEqual(AT_ONCE);
  expect(failures()).toBeGreaterThan(0);
}, 60_000);

test('four builds that the store never answers for, and it alone knows why, hold up none behind them', async () => {
  const orders = [];
  for (let at = 0; at <= AT_ONCE; at += 1) orders.push(await ordered());
  const eldest = orders.slice(0, AT_ONCE);
  for (const { requestHash } of eldest) await bucket.put(`builds/${requestHash}.json`, 'no JSON');
  for (const order of orders) await (await built(order))();
  const last = orders[AT_ONCE] as Order;
  await vi.waitFor(async () => {
    vi.setSystemTime(Date.now() + 3_000);
    await foreman.alarm();
    expect((await foreman.calls.status([last.requestHash]))[0]?.state).toBe('done');
  }, EVENTUALLY);
  for (const { requestHash } of eldest) await bucket.delete(`builds/${requestHash}.json`);
}, 60_000);
