/** What is taken back must stay away, whatever was in flight in that moment, and nothing that is in the way may hold up the rest. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { ask, env } from '../../edge.fixture.ts';
import { resultKey } from '../../results/result-key.ts';
import { bucket, failed, IMAGE, type OpenedForeman, plansOf, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import { type Crowd, crowdOf, pass } from '../trust/crowd.fixture.ts';
import { nextRecall } from './recall.ts';

/** Ids as nodes have them: the log tells who was revoked. */
const [trusted, other] = ['trusted', 'other'].map((name) => sha256Hex(name)) as [string, string];
let foreman: OpenedForeman;
let crowd: Crowd;

withForeman(async (opened) => {
  foreman = opened;
  crowd = crowdOf(opened);
  await crowd.quiet();
  await foreman.node(trusted, 'op-t');
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

async function published(id = trusted): Promise<Order> {
  await crowd.submit();
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, await foreman.success(id, order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  return order;
}

const revoke = (id = trusted) => foreman.calls.actOnNode(id, 'revoke', '');
const keysOf = ({ requestHash, intentHash }: Order) => [resultKey.build(requestHash), resultKey.intent(intentHash)];
const cached = (order: Order) => Promise.all(keysOf(order).map((key) => env.CACHE.get(key)));
const untilRemoved = (times: number) =>
  vi.waitFor(async () => expect((await foreman.rows('recalled')).map((row) => row.times)).toEqual([times]), EVENTUALLY);

it.each([
  ['a minute later', 90_000],
  ['long after', 10 * 60_000],
])('a copy that is written %s, of a record that was read before, goes as well', async (_, afterMs) => {
  const order = await published();
  const [inFlight = ''] = await cached(order);
  await revoke();
  await untilRemoved(1);
  expect(await cached(order)).toEqual([null, null]);
  pass(afterMs);
  if (afterMs > 120_000) {
    await foreman.alarm();
    await untilRemoved(2);
  }
  for (const key of keysOf(order)) await env.CACHE.put(key, inFlight ?? '');
  await evictDurableObject(foreman.stub);
  pass(20 * 60_000);
  await vi.waitFor(async () => {
    await foreman.alarm();
    expect(await cached(order)).toEqual([null, null]);
  }, EVENTUALLY);
  expect((await ask(`/store/${order.requestHash}/${IMAGE}`)).status).toBe(404);
});

it('a copy that is written while the record goes is read by nobody for more than minutes', async () => {
  const order = await published();
  const [inFlight = ''] = await cached(order);
  const [key = ''] = keysOf(order);
  // As an isolate does that has read the record, and is slower than the removal of its copy.
  const slow = vi.spyOn(env.CACHE, 'delete').mockImplementation(async (name) => {
    slow.mockRestore();
    await env.CACHE.delete(name as string);
    await env.CACHE.put(key, inFlight ?? '');
  });
  await revoke();
  await untilRemoved(1);
  expect(await env.CACHE.get(key)).not.toBeNull();
  expect(await bucket.head(`builds/${order.requestHash}.json`)).toBeNull();
  pass(2 * 60_000);
  await foreman.alarm();
  await untilRemoved(2);
  expect(await cached(order)).toEqual([null, null]);
});

it('after the last removal nothing is left to do, and no alarm rings for it', async () => {
  await published();
  await revoke();
  await untilRemoved(1);
  pass(2 * 60_000);
  await foreman.alarm();
  await untilRemoved(2);
  pass(15 * 60_000);
  await foreman.alarm();
  await vi.waitFor(async () => expect(await foreman.rows('recalled')).toEqual([]), EVENTUALLY);
});

it('a successor that is in KV meanwhile is at worst read from the store once more', async () => {
  const order = await published();
  await revoke();
  await untilRemoved(1);
  await foreman.node(other, 'op-u');
  await foreman.submit({ intentHash: order.intentHash, seenGeneration: 1 });
  const next = await crowd.image(other);
  await foreman.untilState(next.requestHash, 'done');
  pass(20 * 60_000);
  await foreman.alarm();
  await untilRemoved(2);
  expect(await env.CACHE.get(resultKey.build(next.requestHash))).not.toBeNull();
  expect(await (await bucket.get(`intents/${order.intentHash}.json`))?.json()).toMatchObject({ generation: 2 });
});

it('a failure that does not stand goes from KV, and is told to nobody any more', async () => {
  await crowd.submit();
  const order = await foreman.order(trusted);
  await foreman.report(trusted, order.leaseId, 1, failed('conflict', 'a lie'));
  await vi.waitFor(async () => expect((await cached(order)).every((copy) => copy !== null)).toBe(true), EVENTUALLY);
  await revoke();
  await untilRemoved(1);
  expect(await cached(order)).toEqual([null, null]);
  expect(await foreman.status(order.requestHash)).toMatchObject({
    state: 'failed',
    failure: { kind: 'internal', detail: expect.not.stringContaining('a lie') },
  });
  expect(await foreman.submit({ intentHash: order.intentHash })).toMatchObject({ state: 'queued' });
});

it('twenty builds that cannot be published hold up none of those that are to be withdrawn', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await foreman.node(other, 'op-u');
  const [order, second] = [await published(), await published(other)];
  const stuck: Order[] = [];
  for (let at = 0; at < 20; at += 1) {
    await crowd.submit();
    const waiting = await foreman.order(trusted);
    const event = await foreman.success(trusted, waiting.leaseId);
    await bucket.delete(`objects/${waiting.leaseId}/${IMAGE}`);
    await foreman.report(trusted, waiting.leaseId, 1, event);
    stuck.push(waiting);
  }
  // In the way of both.
  await foreman.alter(
    "UPDATE votes SET rowid = rowid + 1000 WHERE request_hash IN (SELECT request_hash FROM builds WHERE state = 'done')",
  );
  await revoke();
  await revoke(other);
  await vi.waitFor(async () => {
    await foreman.alarm();
    for (const { requestHash } of [order, second]) expect(await crowd.isServed(requestHash)).toBe(false);
  }, EVENTUALLY);
  const waits = await Promise.all(stuck.map(({ requestHash }) => foreman.status(requestHash)));
  expect(waits.every((status) => status?.state === 'running')).toBe(true);
  // Those are gone through once they are there.
  expect((await foreman.rows('disowned')).map((row) => row.node_id)).toEqual([trusted]);
  log.mockRestore();
});

it('what is published in the very moment in which it is taken back goes after that', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  await crowd.submit();
  const order = await foreman.order(trusted);
  const whole = await foreman.success(trusted, order.leaseId);
  const down = vi.spyOn(bucket, 'put').mockRejectedValue(new Error('R2 put failed'));
  await foreman.report(trusted, order.leaseId, 1, whole);
  await revoke();
  await foreman.alarm();
  down.mockRestore();
  await vi.waitFor(async () => {
    pass(4_000);
    await foreman.alarm();
    expect(await foreman.rows('disowned')).toEqual([]);
    expect(await crowd.isServed(order.requestHash)).toBe(false);
    expect(await foreman.build(order.requestHash)).toMatchObject({ state: 'done' });
  }, EVENTUALLY);
  expect(await cached(order)).toEqual([null, null]);
  log.mockRestore();
});

it('what is due is found by index', async () => {
  for (const plan of await plansOf(foreman.stub, (db) => nextRecall({ db })))
    expect(plan).toMatch(/USING (COVERING )?INDEX/);
});
