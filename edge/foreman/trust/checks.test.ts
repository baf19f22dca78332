/** What holds for every check: how it ends where nobody builds it, that its files go, and what an eviction changes. */
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { LIFETIMES } from '../../lifetimes.ts';
import { bucket, failed, handedBack, type OpenedForeman, plansOf } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import {
  awake,
  canary,
  checks,
  filesGo,
  image,
  nodeOf,
  pass,
  published,
  trusted,
  volunteer,
  withChecks,
} from './checks.fixture.ts';
import { Checks, UPLOADS_STAY_MS } from './checks.ts';
import { KnownImages } from './known-images.ts';

let foreman: OpenedForeman;
const { LEASE_SECONDS } = configOf(env);

withChecks((opened) => {
  foreman = opened;
});

describe('a canary that is not built', () => {
  it.each([
    ['by a fault of its node', 1, (order: Order) => foreman.report('v', order.leaseId, 1, failed('disk_full'))],
    ['since it was handed back', 0, (order: Order) => foreman.report('v', order.leaseId, 1, handedBack)],
    ['since its node was revoked', 0, () => foreman.calls.actOnNode('v', 'revoke', '')],
    ['since nothing was heard of it', 1, async () => pass((LEASE_SECONDS + 1) * 1000)],
  ])('%s ends without a verdict, and its files go', async (_, lost, ends) => {
    const { order } = await canary();
    await foreman.upload('v', order.leaseId);
    await bucket.put(`${storeKey.logs(order.leaseId)}1`, 'a line');
    await ends(order);
    await foreman.alarm();
    await vi.waitFor(
      async () => expect(await checks()).toMatchObject([{ state: 'ended', outcome: 'lost' }]),
      EVENTUALLY,
    );
    expect(await nodeOf('v')).toMatchObject({ builds_right: 0, builds_wrong: 0, builds_lost: lost });
    await filesGo(order);
  });

  it('in words that its node did not sign is a lost lease', async () => {
    const { order } = await canary();
    const success = await foreman.success('v', order.leaseId, 'another image');
    expect(await foreman.report('v', order.leaseId, 1, foreman.unsigned(success))).toBe('ended');
    expect(await nodeOf('v')).toMatchObject({ builds_lost: 1, builds_wrong: 0 });
    expect((await checks()).map(({ kind }) => kind)).toEqual(['canary']);
  });

  it('is not taken once its lease is over', async () => {
    const { order } = await canary();
    const success = await foreman.success('v', order.leaseId, 'another image');
    await foreman.report('v', order.leaseId, 1, handedBack);
    await foreman.report('v', order.leaseId, 2, success);
    expect((await checks()).map(({ kind, said }) => [kind, said])).toEqual([['canary', null]]);
  });
});

test('no line of a log can come after the files of a check were removed', () => {
  // The permit that came with the order; or one that was remembered at the last moment at which its lease was active.
  expect(UPLOADS_STAY_MS).toBeGreaterThan(LIFETIMES.orderPermitMs);
  expect(UPLOADS_STAY_MS).toBeGreaterThan(LIFETIMES.logPermitMs + LIFETIMES.grantMs);
});

test('what was uploaded for a check is removed once nothing of it can come any more', async () => {
  const { known, order } = await canary();
  await bucket.put(`${storeKey.logs(order.leaseId)}1`, 'a line');
  await image('v', order);
  await filesGo(order);
  expect(await bucket.head(storeKey.object(known.leaseId, 'x-squashfs-combined.img.gz'))).not.toBeNull();
});

describe('evicted', () => {
  const lives: Readonly<Record<string, readonly (() => Promise<unknown>)[]>> = {
    'a canary that is another image': [
      async () => trusted(),
      async () => published(),
      async () => volunteer(),
      async () => void orders.push(await foreman.order('v')),
      async () => foreman.upload('v', orders[0]?.leaseId ?? '', undefined, 'another image'),
      async () => image('v', orders[0] as Order, 'another image'),
      async () => void orders.push(await foreman.order('t')),
      async () => foreman.upload('t', orders[1]?.leaseId ?? ''),
      async () => image('t', orders[1] as Order),
    ],
  };
  let orders: Order[] = [];
  beforeEach(() => {
    orders = [];
  });

  it.each(Object.entries(lives))('after each step of %s, it ends as it does undisturbed', async (_, steps) => {
    for (const step of steps) {
      await step();
      await evictDurableObject(foreman.stub);
      await awake();
    }
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined', builds_wrong: 1 });
    expect((await checks()).map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['canary', 'disputed'],
      ['dispute', 'lie'],
    ]);
  });

  it('an order whose answer was lost is given again, the same', async () => {
    await trusted();
    await published();
    await volunteer();
    const order = await foreman.lease('v', 'a key');
    await evictDurableObject(foreman.stub);
    await awake();
    expect(await foreman.lease('v', 'a key')).toEqual(order);
    expect(order).not.toBeNull();
  });
});

test('checks and known images are found by index, however many there are', async () => {
  await canary();
  const plans = await plansOf(foreman.stub, (db) => {
    const known = new KnownImages(db);
    known.drawn('');
    known.drawn('b'.repeat(64));
    known.drawnToMeasure();
    known.of('a');
    known.ofQuorum('abc');
    known.measured({ branch: '24.10', target: 'x86/64' });
    known.forget(0, 1);
    const table = new Checks(db);
    table.byId(1);
    for (const kind of ['dispute', 'rebuild'] as const) table.next(kind);
    table.hadBy('op-v', 'a');
    table.isMeasured({ branch: '24.10', target: 'x86/64' });
    table.isAccused('v');
    table.isRebuilt('a');
    table.lost();
    table.settling();
    table.toClean(0);
    table.nextDueAt();
    table.forget(0, 1);
  });
  expect(plans.filter((plan) => /^SCAN (?!CONSTANT)/.test(plan) && !plan.includes('USING'))).toEqual([]);
  expect(plans.filter((plan) => plan.includes('TEMP B-TREE'))).toEqual([]);
  expect(plans.join('\n')).toContain('known_images_by_builder');
});
