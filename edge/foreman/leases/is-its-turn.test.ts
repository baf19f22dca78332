/** Who of several is given a build, and that nobody can keep it from being built by being there and taking nothing. */
import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { drawPatienceMs, isDrawn } from '../../../shared/trust/draw-operator.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, handedBack, type OpenedForeman, plansOf, withForeman } from '../foreman.fixture.ts';
import { Operators } from '../nodes/operators.ts';
import type { Order } from './give-lease.ts';
import { Leases } from './leases.ts';

const { LEASE_SECONDS } = configOf(env);
/** Of a farm that has built nothing yet. */
const PATIENCE_MS = drawPatienceMs(60_000);
const MANY_UNDECIDED = 16;
let foreman: OpenedForeman;
let intents = 0;

withForeman((opened) => {
  foreman = opened;
});

const submit = () => foreman.submit({ intentHash: sha256Hex(`turn ${++intents}`) });
const volunteer = (id: string, operator = `op-${id}`) => foreman.node(id, operator, 'volunteer');

/** These are there all the time. */
async function pass(ms: number, ...there: string[]): Promise<void> {
  const until = Date.now() + ms;
  while (Date.now() < until) {
    vi.setSystemTime(Math.min(until, Date.now() + 30_000));
    for (const id of there) await foreman.calls.renew(id);
  }
}

async function build(id: string): Promise<Order> {
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, await foreman.success(id, order.leaseId));
  return order;
}

async function lose(id: string): Promise<Order> {
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, failed('internal'));
  return order;
}

async function giveBack(id: string): Promise<Order> {
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, handedBack);
  return order;
}

describe('of two operators that could build it again', () => {
  let [drawn, other] = ['w', 'x'];
  let hash = '';

  beforeEach(async () => {
    for (const id of ['v', 'w', 'x']) await volunteer(id);
    await submit();
    hash = (await build('v')).requestHash;
    const { draw } = await foreman.build(hash);
    const isFirst = (operator: string) =>
      isDrawn(operator, ['op-w', 'op-x'], String(draw), { waitedMs: 0, patienceMs: 1 });
    [drawn, other] = isFirst('op-w') ? ['w', 'x'] : ['x', 'w'];
  });

  it('it is for the one that is drawn, however often the other one asks meanwhile', async () => {
    for (let ms = 0; ms < PATIENCE_MS; ms += 60_000) {
      expect(await foreman.lease(other)).toBeNull();
      await pass(59_000, drawn, other);
    }
    expect(await foreman.order(drawn)).toMatchObject({ requestHash: hash });
  });

  it('and for the other one as well, once the drawn one was waited for long enough', async () => {
    await pass(PATIENCE_MS, drawn, other);
    expect(await foreman.order(other)).toMatchObject({ requestHash: hash });
  });

  it('and at once where the drawn one is gone', async () => {
    await pass(46_000, other);
    expect(await foreman.order(other)).toMatchObject({ requestHash: hash });
  });

  it('and for the other one where the drawn one lost it', async () => {
    await lose(drawn);
    expect(await foreman.lease(drawn)).toBeNull();
    expect(await foreman.order(other)).toMatchObject({ requestHash: hash });
  });

  it('and is waited for anew after it was lost: that it was under way was no waiting', async () => {
    await pass(46_000, drawn);
    const { leaseId } = await foreman.order(drawn);
    // Not before, or it might be the one that is drawn.
    await volunteer('y');
    await pass(LEASE_SECONDS * 1_000 + PATIENCE_MS, drawn, 'w', 'x', 'y');
    await foreman.report(drawn, leaseId, 1, failed('timeout'));
    const { draw } = await foreman.build(hash);
    const left = [other, 'y'].map((id) => `op-${id}`);
    const isNext = (id: string) => isDrawn(`op-${id}`, left, String(draw), { waitedMs: 0, patienceMs: 1 });
    const last = isNext('y') ? other : 'y';
    expect(await foreman.lease(last)).toBeNull();
    expect(await foreman.lease(isNext('y') ? 'y' : other)).toMatchObject({ requestHash: hash });
  });
});

describe('a build that a volunteer', () => {
  beforeEach(async () => {
    for (const [id, operator] of [
      ['v', 'op-v'],
      ['v2', 'op-v'],
      ['w', 'op-w'],
    ])
      await volunteer(id as string, operator);
    await submit();
  });

  it.each([
    ['lost', lose],
    ['gave back', giveBack],
  ])('%s is for no machine of that operator, as long as another one is there', async (_, end) => {
    const { requestHash } = await end('v');
    for (const id of ['v', 'v2']) expect(await foreman.lease(id)).toBeNull();
    expect(await foreman.order('w')).toMatchObject({ requestHash, attempt: 1 });
  });

  it.each([
    ['lost', lose],
    ['gave back', giveBack],
  ])('%s comes again to it when the others are gone, but not to and fro', async (_, end) => {
    const { requestHash } = await end('v');
    await pass(46_000, 'v');
    expect(await foreman.lease('v')).toBeNull();
    await pass(15_000, 'v');
    expect(await foreman.order('v')).toMatchObject({ requestHash });
  });

  it('lost does not wait for ever for one that is there and takes nothing', async () => {
    const { requestHash } = await lose('v');
    await pass(PATIENCE_MS - 1_000, 'v', 'w');
    expect(await foreman.lease('v')).toBeNull();
    await pass(1_000, 'v', 'w');
    expect(await foreman.order('v')).toMatchObject({ requestHash });
  });

  it('keeps by being there is built by the trusted node that lost it once', async () => {
    await foreman.node('t', 'op-t');
    const { requestHash } = await lose('t');
    expect(await foreman.lease('t')).toBeNull();
    await pass(PATIENCE_MS, 't', 'v', 'w');
    expect(await foreman.order('t')).toMatchObject({ requestHash, attempt: 2 });
  });

  it('could not be brought is for whoever asks, that one too: nobody gave it back', async () => {
    await foreman.alter("UPDATE nodes SET address = 'https://v.example' WHERE id = 'v'");
    const errand = await foreman.calls.orderToBring('v');
    await foreman.calls.notBrought(errand?.order.leaseId ?? '', 'no answer');
    expect(await foreman.order('v')).toMatchObject({ requestHash: errand?.order.requestHash });
  });
});

describe('an operator with many undecided builds', () => {
  /** Replicas are for others, so what is given is always a new build. */
  async function beginMany(): Promise<void> {
    for (let at = 0; at < MANY_UNDECIDED; at += 1) {
      await submit();
      await build('v');
    }
    await submit();
  }

  beforeEach(async () => {
    await volunteer('v');
  });

  it('leaves new ones to others that are there, for a while', async () => {
    await volunteer('w');
    await beginMany();
    await foreman.calls.renew('w');
    expect(await foreman.lease('v')).toBeNull();
    await pass(PATIENCE_MS, 'v', 'w');
    expect(await foreman.lease('v')).not.toBeNull();
  });

  it('goes on where all others have begun as many: they would wait for each other', async () => {
    await volunteer('w');
    await beginMany();
    await foreman.alter(`INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, outcome, digest, at, verdict)
      SELECT request_hash, 'op-w', 'w', tier, 'of w ' || lease_id, outcome, digest, at, verdict FROM votes`);
    await foreman.calls.renew('w');
    expect(await foreman.lease('v')).not.toBeNull();
  });

  it.each([
    ['leaves new ones to a trusted node that has nothing to do', 0],
    ['goes on where the trusted node that is there has all that it can do', 1],
  ])('%s', async (_, orders) => {
    await beginMany();
    await foreman.node('t', 'op-t');
    for (let at = 0; at < orders; at += 1) await foreman.order('t');
    await submit();
    await foreman.calls.renew('t');
    expect((await foreman.lease('v')) === null).toBe(orders === 0);
  });

  it('goes on where nobody else is there', async () => {
    await beginMany();
    expect(await foreman.lease('v')).not.toBeNull();
  });

  it('begins new ones again once they are decided', async () => {
    await volunteer('w');
    await beginMany();
    await foreman.calls.renew('w');
    await foreman.alter("UPDATE votes SET verdict = 'right' WHERE rowid = (SELECT min(rowid) FROM votes)");
    expect(await foreman.lease('v')).not.toBeNull();
  });
});

test('what is asked for that is read by an index', async () => {
  await foreman.calls.stats();
  const times = { leaseMs: 1, buildMs: 1 };
  const plans = await plansOf(foreman.stub, (db) => {
    new Operators(db).hasUndecided('op', 16);
    new Leases(db, times).activeOf('n');
    new Leases(db, times).activeOfVolunteers('op');
  });
  expect(plans.length).toBeGreaterThan(2);
  for (const plan of plans) expect(plan).toMatch(/USING (COVERING )?INDEX|^(LIST SUBQUERY \d+|CREATE BLOOM FILTER)$/);
  // Of one node each time: all that are active anywhere are thousands.
  const ofLeases = plans.filter((plan) => plan.includes(' leases '));
  expect(ofLeases).not.toEqual([]);
  for (const plan of ofLeases) expect(plan).toContain('leases_active (node_id=?)');
});
