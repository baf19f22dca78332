/** How many builds one node, and one operator of volunteers, can have at once, by however many connections it asks. */
import { describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, handedBack, NEWS, type OpenedForeman, withForeman } from '../foreman.fixture.ts';

const { LEASE_SECONDS, MAX_VOLUNTEER_LEASES } = configOf(env);
let foreman: OpenedForeman;
let intents = 0;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('v', 'op-v', 'volunteer');
});

async function submit(times: number): Promise<void> {
  for (let at = 0; at < times; at += 1) await foreman.submit({ intentHash: sha256Hex(`limits ${++intents}`) });
}

const active = async () => (await foreman.rows('leases')).filter(({ state }) => state === 'active').length;

/** Asks, and waits for longer than a test may take. Resolves when the question has come. */
async function ask(id: string, idempotencyKey: string) {
  const calls = (await foreman.calls.stats()).calls.lease ?? 0;
  const told = { ...NEWS, idempotencyKey, network: `network of op-${id}`, waitMs: 120_000 };
  const waiting = foreman.calls.lease(id, told);
  await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(calls + 1), EVENTUALLY);
  return { answer: waiting.then((answer) => ('refused' in answer ? null : answer.order)) };
}

describe('a volunteer with two slots', () => {
  it('has two builds, by however many questions at once', async () => {
    await submit(8);
    const orders = await Promise.all(Array.from({ length: 8 }, (_, at) => foreman.lease('v', `q${at}`, { slots: 2 })));
    expect(orders.filter((order) => order !== null)).toHaveLength(2);
    expect(await active()).toBe(2);
  });

  it('is told again what it has, its answer having been lost', async () => {
    await submit(3);
    const first = await foreman.lease('v', 'one', { slots: 2 });
    await foreman.lease('v', 'two', { slots: 2 });
    expect(await foreman.lease('v', 'three', { slots: 2 })).toBeNull();
    expect(await foreman.lease('v', 'one', { slots: 2 })).toEqual(first);
  });

  it('gets the next one when one has ended, or was lost', async () => {
    await submit(4);
    for (const key of ['one', 'two']) await foreman.lease('v', key, { slots: 2 });
    const [{ id: leaseId } = { id: '' }] = await foreman.rows('leases');
    await foreman.report('v', String(leaseId), 1, failed('conflict'));
    expect(await foreman.lease('v', 'three', { slots: 2 })).not.toBeNull();
    expect(await foreman.lease('v', 'four', { slots: 2 })).toBeNull();
    vi.setSystemTime(Date.now() + LEASE_SECONDS * 1_000);
    await foreman.alarm();
    expect(await active()).toBe(0);
    expect(await foreman.lease('v', 'five', { slots: 2 })).not.toBeNull();
  });
});

describe('a question that came before the end of a build was told', () => {
  it('is answered as soon as it is', async () => {
    await submit(2);
    const { leaseId, requestHash } = await foreman.order('v');
    const { answer } = await ask('v', 'next');
    await foreman.report('v', leaseId, 1, failed('conflict'));
    const next = await answer;
    expect(next).not.toBeNull();
    expect(next?.requestHash).not.toBe(requestHash);
  });

  it('also where that end is the alarm’s', async () => {
    await submit(2);
    await foreman.order('v');
    const { answer } = await ask('v', 'next');
    vi.setSystemTime(Date.now() + LEASE_SECONDS * 1_000);
    await foreman.alarm();
    expect(await answer).not.toBeNull();
  });

  it('and is over where the build was given back, since the node may stop', async () => {
    await submit(2);
    const { leaseId } = await foreman.order('v');
    const { answer } = await ask('v', 'next');
    await foreman.report('v', leaseId, 1, handedBack);
    expect(await answer).toBeNull();
  });

  it('does not take the place of one that could take what comes', async () => {
    await submit(1);
    await foreman.order('v');
    // More than are woken at once, all of them full, and before the other in the room.
    for (let at = 0; at < 5; at += 1) await ask('v', `full ${at}`);
    await foreman.node('w', 'op-w', 'volunteer');
    const { answer } = await ask('w', 'free');
    await submit(1);
    expect(await answer).not.toBeNull();
  });
});

it('the volunteers of one operator have so many together, and another one is not kept from work by them', async () => {
  await submit(MAX_VOLUNTEER_LEASES + 2);
  await foreman.node('v2', 'op-v', 'volunteer');
  for (let at = 0; at < MAX_VOLUNTEER_LEASES; at += 1)
    expect(await foreman.lease(at % 2 === 0 ? 'v' : 'v2', `${at}`, { slots: 64 })).not.toBeNull();
  for (const id of ['v', 'v2']) expect(await foreman.lease(id, 'more', { slots: 64 })).toBeNull();
  await foreman.node('w', 'op-w', 'volunteer');
  expect(await foreman.lease('w')).not.toBeNull();
  const [{ id: leaseId, node_id: id } = { id: '', node_id: '' }] = await foreman.rows('leases');
  await foreman.report(String(id), String(leaseId), 1, failed('conflict'));
  expect(await foreman.lease('v2', 'again', { slots: 64 })).not.toBeNull();
});

it('a trusted node that asks is taken at its word', async () => {
  await foreman.node('t', 'op-t');
  await submit(3);
  for (let at = 0; at < 3; at += 1) expect(await foreman.lease('t')).not.toBeNull();
});
