/** What was published, and stands no more on anybody’s word. */
import { expect, it, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { resultKey } from '../../results/result-key.ts';
import { bucket, failed, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';

const { LEASE_SECONDS } = configOf(env);
let foreman: OpenedForeman;
let intents = 0;

/** Ids as nodes have them: the log tells who was revoked. */
const [trusted, another, liar] = ['trusted', 'another', 'liar'].map((name) => sha256Hex(name)) as [
  string,
  string,
  string,
];

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node(trusted, 'op-t');
  await foreman.node(another, 'op-u');
});

const intentOf = () => sha256Hex(`withdrawn ${intents}`);
async function submit() {
  intents += 1;
  return foreman.submit({ intentHash: intentOf() });
}

async function image(id: string): Promise<Order> {
  vi.setSystemTime(Date.now() + DRAW_PATIENCE_MS * 20);
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, await foreman.success(id, order.leaseId));
  return order;
}

async function published(): Promise<Order> {
  await submit();
  const order = await image(trusted);
  await foreman.untilState(order.requestHash, 'done');
  return order;
}

const isServed = async ({ requestHash }: Order) => (await bucket.head(`builds/${requestHash}.json`)) !== null;
const untilDealtWith = () => vi.waitFor(async () => expect(await foreman.rows('disowned')).toEqual([]), EVENTUALLY);

it('an image that a revoked node alone carried is withdrawn, and the next request builds it anew', async () => {
  const order = await published();
  expect(await env.CACHE.get(resultKey.build(order.requestHash))).not.toBeNull();
  await foreman.calls.actOnNode(trusted, 'revoke', 'stolen');
  await untilDealtWith();
  expect(await isServed(order)).toBe(false);
  for (const key of [resultKey.build(order.requestHash), resultKey.intent(order.intentHash)])
    expect(await env.CACHE.get(key)).toBeNull();
  expect((await foreman.rows('votes')).map(({ verdict }) => verdict)).toEqual(['withdrawn']);
  const again = await foreman.submit({ intentHash: order.intentHash, seenGeneration: 1 });
  expect(again).toMatchObject({ state: 'queued' });
  const second = await image(another);
  expect(second.requestHash).not.toBe(order.requestHash);
  await foreman.untilState(second.requestHash, 'done');
  expect(await isServed(second)).toBe(true);
});

it('one that another trusted node made as well stands', async () => {
  await submit();
  const late = await foreman.order(another);
  const event = await foreman.success(another, late.leaseId);
  vi.setSystemTime(Date.now() + LEASE_SECONDS * 1_000);
  await foreman.alarm();
  const order = await image(trusted);
  await foreman.untilState(order.requestHash, 'done');
  await foreman.report(another, late.leaseId, 1, event);
  await foreman.calls.actOnNode(trusted, 'revoke', '');
  await untilDealtWith();
  expect(await isServed(order)).toBe(true);
});

it('one that a volunteer confirmed, and nobody else is left for, is withdrawn', async () => {
  await foreman.node(liar, 'op-v', 'volunteer');
  await submit();
  await image(liar);
  const order = await image(trusted);
  await foreman.untilState(order.requestHash, 'done');
  await foreman.calls.actOnNode(trusted, 'revoke', '');
  await untilDealtWith();
  expect(await isServed(order)).toBe(false);
});

test('a word that takes the place of a revoked node’s while the store is asked is not withdrawn with it', async () => {
  const order = await published();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  const { get } = bucket;
  const slow = vi.spyOn(bucket, 'get').mockImplementation((async (key: string) => {
    if (key === storeKey.build(order.requestHash)) {
      asked.resolve();
      await answer.promise;
    }
    return get.call(bucket, key);
  }) as R2Bucket['get']);
  await foreman.calls.actOnNode(trusted, 'revoke', '');
  await asked.promise;
  await foreman.alter("UPDATE votes SET node_id = ?, lease_id = 'a later one'", another);
  answer.resolve();
  await untilDealtWith();
  slow.mockRestore();
  expect((await foreman.rows('votes')).map(({ verdict }) => verdict)).toEqual(['right']);
  expect(await isServed(order)).toBe(true);
});

it.each(['drain', 'quarantine'] as const)('to %s a node takes nothing back', async (action) => {
  const order = await published();
  await foreman.calls.actOnNode(trusted, action, '');
  await foreman.alarm();
  expect(await foreman.rows('disowned')).toEqual([]);
  expect(await isServed(order)).toBe(true);
});

test('what two volunteers published goes when one of them is found to lie, and what a trusted one confirmed stays', async () => {
  for (let at = 0; at < 10; at += 1) await foreman.node(`crowd-${at}`, `crowd-${at}`, 'volunteer');
  await foreman.alter("UPDATE nodes SET last_seen_at = last_seen_at - 3600000 WHERE id LIKE 'crowd-%'");
  for (const id of [liar, 'honest']) await foreman.node(id, `op-${id}`, 'volunteer');
  await foreman.alter("UPDATE nodes SET images = 10, joined_at = 0 WHERE id = 'honest'");
  await submit();
  await image(liar);
  const order = await image('honest');
  await foreman.untilState(order.requestHash, 'done');
  await submit();
  await image(liar);
  const confirmed = await image(trusted);
  await foreman.untilState(confirmed.requestHash, 'done');
  await submit();
  const lie = await foreman.order(liar);
  await foreman.report(liar, lie.leaseId, 1, failed('conflict'));
  await image(trusted);
  await untilDealtWith();
  expect(await isServed(order)).toBe(false);
  expect(await isServed(confirmed)).toBe(true);
});

it('however many there are, and a store that fails meanwhile, all are dealt with', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const orders: Order[] = [];
  for (let at = 0; at < 20; at += 1) orders.push(await published());
  const stumbles = vi.spyOn(env.CACHE, 'delete').mockRejectedValueOnce(new Error('KV does not answer'));
  const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  await foreman.calls.actOnNode(trusted, 'revoke', '');
  await vi.waitFor(async () => {
    await foreman.alarm();
    expect(await foreman.rows('disowned')).toEqual([]);
  }, EVENTUALLY);
  expect(log).toHaveBeenCalledWith(expect.stringContaining('KV does not answer'));
  for (const { requestHash, ...order } of orders) {
    expect(await isServed({ requestHash, ...order })).toBe(false);
    expect(await env.CACHE.get(resultKey.build(requestHash))).toBeNull();
  }
  stumbles.mockRestore();
  said.mockRestore();
  log.mockRestore();
});
