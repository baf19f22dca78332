/** Trusted nodes build again what volunteers have published. */
import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import { imageHash } from '../../../shared/seed/file-path.ts';
import { MAX_REBUILDS } from '../../../shared/trust/checks.ts';
import { trustPolicySchema } from '../../../shared/trust/policy.ts';
import { bucket, failed, handedBack, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';

const DEFAULTS = trustPolicySchema.parse({});
const DAY_MS = 24 * 3_600_000;
let foreman: OpenedForeman;
let intents = 0;

withForeman((opened) => {
  foreman = opened;
});

const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
const checks = () => foreman.rows('checks');
const known = () => foreman.rows('known_images');

async function farm(fields: object = {}): Promise<void> {
  await foreman.policy({ ...DEFAULTS, canary_one_in: 0, rebuild_one_in: 1, ...fields });
  for (let at = 0; at < 10; at += 1) await foreman.node(`crowd-${at}`, `crowd-${at}`, 'volunteer');
  await foreman.alter("UPDATE nodes SET last_seen_at = last_seen_at - 3600000 WHERE id LIKE 'crowd-%'");
  for (const id of ['v', 'w']) await foreman.node(id, `op-${id}`, 'volunteer');
  await foreman.alter("UPDATE nodes SET images = 10, builds_right = 10, joined_at = ? WHERE id = 'v'", '0');
}

async function image(id: string, { leaseId }: Order, text: string): Promise<void> {
  await foreman.report(id, leaseId, 1, await foreman.success(id, leaseId, text));
}

/** Published by two operators of volunteers that agree, be it on the truth or not. */
async function published(text = 'an image'): Promise<Order> {
  await foreman.submit({ intentHash: sha256Hex(`rebuilds ${++intents}`) });
  const order = await foreman.order('w');
  await image('w', order, text);
  vi.setSystemTime(Date.now() + 10 * 60_000);
  await image('v', await foreman.order('v'), text);
  await foreman.untilState(order.requestHash, 'done');
  return order;
}

const settled = () =>
  vi.waitFor(
    async () => expect((await checks()).at(-1)).toMatchObject({ state: 'ended', outcome: 'settle' }),
    EVENTUALLY,
  );

describe('an image that volunteers published', () => {
  it('is built again, and taken back where they had colluded; who agreed upon it is put out', async () => {
    await farm();
    const order = await published('a wrong image');
    await foreman.node('t', 'farm');
    const again = await foreman.order('t');
    expect(again).toMatchObject({
      requestHash: order.requestHash,
      request: order.request,
      pins: order.pins,
      attempt: 1,
    });
    await image('t', again, 'an image');
    await settled();
    for (const id of ['v', 'w']) expect(await nodeOf(id)).toMatchObject({ state: 'quarantined', state_by: 'foreman' });
    await foreman.alarm();
    await vi.waitFor(async () => expect(await bucket.head(storeKey.build(order.requestHash))).toBeNull(), EVENTUALLY);
    expect(await known()).toEqual([]);
  });

  it('is what canaries are made of once a trusted node has made the same', async () => {
    await farm();
    const order = await published();
    expect(await known()).toMatchObject([{ word: 'quorum' }]);
    await foreman.node('t', 'farm');
    await image('t', await foreman.order('t'), 'an image');
    await settled();
    expect(await known()).toMatchObject([{ word: 'trusted', node_id: 't', operator: 'farm' }]);
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'done' });
    await foreman.policy({ canary_one_in: 20 });
    await foreman.node('x', 'op-x', 'volunteer');
    await foreman.order('x');
    expect(await checks()).toMatchObject([{ kind: 'rebuild' }, { kind: 'canary', request_hash: order.requestHash }]);
  });

  it('waits for it behind everything that somebody waits for', async () => {
    await farm();
    await published();
    await foreman.node('t', 'farm');
    const { requestHash } = (await foreman.submit({ intentHash: sha256Hex('a client waits') })) as {
      requestHash: string;
    };
    expect((await foreman.order('t')).requestHash).toBe(requestHash);
    // One that is half busy keeps the rest of it free.
    expect(await foreman.lease('t', 'a key', { slots: 2 })).toBeNull();
    expect(await foreman.lease('t', 'another key', { slots: 3 })).not.toBeNull();
    expect(await checks()).toMatchObject([{ kind: 'rebuild', state: 'leased' }]);
  });

  it('waits for it behind what is built ahead, or a node of one slot would build nothing ahead', async () => {
    await farm();
    await published();
    await foreman.node('t', 'farm');
    await foreman.submit({ intentHash: sha256Hex('a prebuild') });
    await foreman.alter(`UPDATE builds SET turn = ${PREBUILD_TURN} WHERE state = 'queued'`);
    const order = await foreman.order('t');
    expect(await checks()).toMatchObject([{ kind: 'rebuild', state: 'waiting' }]);
    await image('t', order, 'an image');
    expect(await foreman.lease('t')).not.toBeNull();
    expect(await checks()).toMatchObject([{ kind: 'rebuild', state: 'leased' }]);
  });

  it('stays where it cannot be built any more: that says nothing of the image', async () => {
    await farm();
    const order = await published();
    await foreman.node('t', 'farm');
    await foreman.report('t', (await foreman.order('t')).leaseId, 1, failed('build_failed'));
    expect(await checks()).toMatchObject([{ state: 'ended', outcome: 'unclear' }]);
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'done' });
    expect(await nodeOf('v')).toMatchObject({ state: 'active' });
  });

  it('is given to a trusted node once more where one lost it', async () => {
    await farm();
    await published();
    for (const id of ['t', 'u']) await foreman.node(id, 'farm');
    await foreman.report('t', (await foreman.order('t')).leaseId, 1, handedBack);
    await foreman.alarm();
    await vi.waitFor(
      async () => expect(await checks()).toMatchObject([{ outcome: 'lost' }, { state: 'waiting' }]),
      EVENTUALLY,
    );
    expect(await foreman.lease('t')).toBeNull();
    expect(await foreman.lease('u')).not.toBeNull();
  });

  it('is brought to nobody', async () => {
    await farm();
    await published();
    await foreman.node('t', 'farm');
    await foreman.calls.setAddress('t', 'https://node.example');
    expect(await foreman.calls.orderToBring('t')).toBeNull();
    expect(await foreman.order('t')).toMatchObject({ attempt: 1 });
  });

  it('is settled by whoever wakes where the Foreman was evicted before that, and once', async () => {
    await farm();
    const order = await published('a wrong image');
    await foreman.node('t', 'farm');
    const again = await foreman.order('t');
    const down = vi.spyOn(bucket, 'get').mockRejectedValue(new Error('R2 get failed'));
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await image('t', again, 'an image');
    await vi.waitFor(() => expect(JSON.stringify(log.mock.calls)).toContain('minding the checks failed'), EVENTUALLY);
    expect((await checks()).at(-1)).toMatchObject({ state: 'settling' });
    await evictDurableObject(foreman.stub);
    down.mockRestore();
    log.mockRestore();
    await foreman.alarm();
    await settled();
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined', builds_wrong: 1 });
    expect(await foreman.lease('t')).toBeNull();
    expect(order.requestHash).toHaveLength(64);
  });
});

describe('of those that are handed out most', () => {
  const served = (order: Order, times: number) =>
    foreman.alter(
      "INSERT INTO counters (what, day, branch, name, n) VALUES ('image', ?, '', ?, ?)",
      String(Math.floor(Date.now() / DAY_MS)),
      imageHash(order.requestHash),
      String(times),
    );

  it('so many a day are built again as is set, the most wanted first, each once', async () => {
    await farm({ rebuild_one_in: 0, rebuilds_a_day: 1 });
    const orders = [await published(), await published(), await published()] as const;
    await served(orders[0], 7);
    await served(orders[1], 9);
    await served(orders[2], 2);
    await foreman.node('t', 'farm');
    for (const order of [orders[1], orders[0]]) {
      await image('t', await foreman.order('t'), 'an image');
      await settled();
      expect((await checks()).at(-1)).toMatchObject({ request_hash: order.requestHash });
      expect(await foreman.lease('t')).toBeNull();
      vi.setSystemTime((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS);
    }
    // Hardly anybody has the third one.
    expect(await foreman.lease('t')).toBeNull();
  });

  it('one of which nothing was learnt is built again another day, and not for ever', async () => {
    await farm({ rebuild_one_in: 0, rebuilds_a_day: 1 });
    const order = await published();
    await foreman.node('t', 'farm');
    for (let day = 1; day <= MAX_REBUILDS; day += 1) {
      await served(order, 9);
      await foreman.report('t', (await foreman.order('t')).leaseId, 1, failed('build_failed'));
      expect((await checks()).map(({ outcome }) => outcome)).toEqual(Array(day).fill('unclear'));
      expect(await foreman.lease('t')).toBeNull();
      vi.setSystemTime(Date.now() + DAY_MS);
    }
    await served(order, 9);
    expect(await foreman.lease('t')).toBeNull();
  });

  it('none are where that is set, nor of those by a trusted node', async () => {
    await farm({ rebuild_one_in: 0, rebuilds_a_day: 0 });
    const order = await published();
    await served(order, 9);
    await foreman.node('t', 'farm');
    expect(await foreman.lease('t')).toBeNull();
    await foreman.policy({ rebuilds_a_day: 10 });
    await foreman.alter("UPDATE known_images SET word = 'trusted'");
    expect(await foreman.lease('t')).toBeNull();
  });
});
