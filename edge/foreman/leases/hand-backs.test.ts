/** Builds that are given back: free for a machine that stops, and no way to keep builds from others for ever. */
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { MOST_HAND_BACKS } from '../../../shared/node/hand-backs.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, handedBack, type OpenedForeman, progress, withForeman } from '../foreman.fixture.ts';

const { BUILD_SECONDS } = configOf(env);
let foreman: OpenedForeman;
let intents = 0;

withForeman((opened) => {
  foreman = opened;
});

const submit = () => foreman.submit({ intentHash: sha256Hex(`given back ${++intents}`) });
const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** A new build, which is given back a second later; whoever else is there is not. */
async function giveBack(id: string): Promise<void> {
  await submit();
  const { leaseId } = await foreman.order(id);
  pass(1_000);
  await foreman.report(id, leaseId, 1, handedBack);
}

async function giveBackAsOftenAsIsAllowed(id: string): Promise<void> {
  for (let times = 0; times < MOST_HAND_BACKS; times += 1) await giveBack(id);
  expect(await nodeOf(id)).toMatchObject({ state: 'active' });
}

describe('a volunteer that gives builds back', () => {
  beforeEach(async () => {
    await foreman.node('v', 'op-v', 'volunteer');
    // There is somebody for what it gave back, so each build that it is given is a new one.
    await foreman.node('w', 'op-w', 'volunteer');
  });

  it('again and again is drained, and told why', async () => {
    await giveBackAsOftenAsIsAllowed('v');
    await giveBack('v');
    expect(await nodeOf('v')).toMatchObject({
      state: 'draining',
      state_by: 'foreman',
      state_reason: `it gave builds back ${MOST_HAND_BACKS + 1} times within an hour and brought none to an end`,
    });
    await submit();
    expect(await foreman.lease('v')).toBeNull();
  });

  it('is counted by a Foreman that was away as well', async () => {
    await giveBackAsOftenAsIsAllowed('v');
    await evictDurableObject(foreman.stub);
    await giveBack('v');
    expect(await nodeOf('v')).toMatchObject({ state: 'draining' });
  });

  it('is not drained where it brings one to an end between', async () => {
    await giveBackAsOftenAsIsAllowed('v');
    await submit();
    const { leaseId } = await foreman.order('v');
    await foreman.report('v', leaseId, 1, failed('conflict'));
    await giveBackAsOftenAsIsAllowed('v');
  });

  it('is drained all the same where it says again what it said of an old one', async () => {
    await submit();
    const { leaseId } = await foreman.order('v');
    await foreman.report('v', leaseId, 1, failed('conflict'));
    await giveBackAsOftenAsIsAllowed('v');
    await foreman.report('v', leaseId, 2, failed('conflict'));
    await giveBack('v');
    expect(await nodeOf('v')).toMatchObject({ state: 'draining' });
  });

  it('is not drained where that took it hours', async () => {
    for (let times = 0; times < 2 * MOST_HAND_BACKS; times += 1) {
      await giveBack('v');
      pass(5 * 60_000);
    }
    expect(await nodeOf('v')).toMatchObject({ state: 'active' });
  });

  it('builds again when an operator says so, with a clean slate', async () => {
    await giveBackAsOftenAsIsAllowed('v');
    await giveBack('v');
    await foreman.calls.actOnNode('v', 'undrain', '');
    await giveBackAsOftenAsIsAllowed('v');
  });

  it('stays drained for it when a fault of its turns out to be nobody’s', async () => {
    await foreman.node('t', 'op-t');
    await submit();
    const lost = await foreman.order('v');
    await foreman.report('v', lost.leaseId, 1, failed('timeout'));
    for (let times = 0; times <= MOST_HAND_BACKS; times += 1) await giveBack('v');
    expect(await nodeOf('v')).toMatchObject({ state: 'draining' });
    await foreman.calls.cancel(lost.requestHash);
    expect(await nodeOf('v')).toMatchObject({ state: 'draining' });
  });

  it('because it stops is not drained, however many it had', async () => {
    const orders = [];
    for (let at = 0; at < 2 * MOST_HAND_BACKS; at += 1) {
      await submit();
      // More than one operator may have at once, but it is one occasion whoever gave them.
      const order = await foreman.lease('v', `of many ${at}`, { slots: 64 });
      if (order) orders.push(order);
    }
    expect(orders.length).toBeGreaterThan(MOST_HAND_BACKS);
    for (const { leaseId } of orders) {
      pass(100);
      await foreman.report('v', leaseId, 1, handedBack);
    }
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_lost: 0 });
  });

  it('long after their time has lost them', async () => {
    await submit();
    const { leaseId } = await foreman.order('v');
    const until = Date.now() + BUILD_SECONDS * 1_000;
    for (let sequence = 1; Date.now() <= until; sequence += 1) {
      pass(45_000);
      await foreman.report('v', leaseId, sequence, progress(8));
    }
    await foreman.report('v', leaseId, 1_000, handedBack);
    expect(await nodeOf('v')).toMatchObject({ builds_lost: 1 });
    expect(await foreman.rows('leases')).toMatchObject([{ end_reason: expect.stringMatching(/^timeout: /) }]);
  });
});

it('a trusted node is not drained for it, and gets what it gave back again', async () => {
  await foreman.node('t', 'op-t');
  await foreman.node('u', 'op-u');
  await submit();
  for (let times = 0; times < 2 * MOST_HAND_BACKS; times += 1) {
    const { leaseId } = await foreman.order('t');
    pass(1_000);
    await foreman.report('t', leaseId, 1, handedBack);
    await foreman.calls.renew('u');
  }
  expect(await nodeOf('t')).toMatchObject({ state: 'active' });
});
