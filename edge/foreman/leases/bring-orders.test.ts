import { evictDurableObject } from 'cloudflare:test';
import { describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import {
  handedBack,
  NEWS,
  type OpenedForeman,
  plansOf,
  progress,
  submission,
  withForeman,
} from '../foreman.fixture.ts';
import type { LeaseAnswer } from '../foreman-answers.ts';
import { CallableNodes } from '../nodes/callable-nodes.ts';
import { KEPT_AFTER_MS } from '../queue/kept-requests.ts';
import type { Submission } from '../queue/queue.ts';
import { Leases } from './leases.ts';

const { LEASE_SECONDS } = configOf(env);
const ADDRESS = 'https://node.example';
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('c', 'c');
  await foreman.calls.setAddress('c', ADDRESS);
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const wish = (name: string, fields: Partial<Submission> = {}) => submission({ intentHash: sha256Hex(name), ...fields });

/** A question that waits; its answer is told when it comes. */
async function ask(nodeId: string, told: { readonly slots?: number; readonly held?: readonly string[] } = {}) {
  const before = (await foreman.calls.stats()).calls.lease ?? 0;
  const answer = foreman.calls.lease(nodeId, {
    ...{ idempotencyKey: `${nodeId}-${before}`, ...NEWS, ...told },
    ...{ waitMs: 25_000, knownStanding: 'active' as const },
  }) as Promise<LeaseAnswer>;
  await vi.waitFor(async () => expect((await foreman.calls.stats()).calls.lease).toBe(before + 1), EVENTUALLY);
  await foreman.calls.stats();
  return {
    answer,
    /** Nothing had come, and nothing comes. */
    leave: async () => {
      await foreman.calls.actOnNode(nodeId, 'drain', '');
      expect((await answer).order).toBeNull();
      await foreman.calls.actOnNode(nodeId, 'undrain', '');
    },
  };
}

/** Id of the node that the Worker is told to call for it. */
async function calledFor(name: string, fields: Partial<Submission> = {}): Promise<string | null> {
  const [answer] = (await foreman.calls.submit([wish(name, fields)])).answers;
  if (!answer?.accepted) throw new Error('expected the build to be accepted');
  return answer.calls ?? null;
}

async function bring() {
  const errand = await foreman.calls.orderToBring('c');
  if (!errand) throw new Error('expected an order to be brought');
  return errand;
}

describe('a node that waits and can be called', () => {
  it('is called for what is new, and its question goes on waiting as long as it has a slot more', async () => {
    const question = await ask('c', { slots: 2 });
    expect(await calledFor('one')).toBe('c');
    const { address, order } = await bring();
    expect([address, order.attempt]).toEqual([ADDRESS, 1]);
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running' });
    await question.leave();
  });

  it('waits no more when it is full, so that what comes next wakes another one', async () => {
    const held = ['a'.repeat(64)];
    await foreman.node('asks', 'asks');
    const question = await ask('c', { held });
    expect(await calledFor('one', { imageBuilder: held[0] as string })).toBe('c');
    await bring();
    expect((await question.answer).order).toBeNull();
    // As its software does that has not heard of the order yet: that is no seat to be woken from.
    const again = await ask('c', { held });
    const asks = await ask('asks');
    expect(await calledFor('two', { imageBuilder: held[0] as string })).toBeNull();
    expect((await asks.answer).order).not.toBeNull();
    await again.leave();
  });

  it('that was full asks anew when its build has ended, and not 25 seconds later', async () => {
    const question = await ask('c');
    await calledFor('one');
    const { order } = await bring();
    await question.answer;
    const again = await ask('c');
    await foreman.report('c', order.leaseId, 1, handedBack);
    expect((await again.answer).order).toBeNull();
    expect(await foreman.order('c')).toMatchObject({ requestHash: order.requestHash });
  });

  it('that is called in vain waits no more, and those are woken that have the ImageBuilder', async () => {
    const [ours, other] = ['a'.repeat(64), 'b'.repeat(64)];
    const names = [1, 2, 3, 4, 5].map((n) => `asks-${n}`);
    for (const name of names) await foreman.node(name, name);
    const question = await ask('c', { held: [ours] });
    const asks = [];
    for (const name of names) asks.push(await ask(name, { held: [name === 'asks-5' ? ours : other] }));
    expect(await calledFor('one', { imageBuilder: ours })).toBe('c');
    await foreman.alter('UPDATE nodes SET not_called_before = ? WHERE id = ?', String(Date.now() + 60_000), 'c');
    expect(await foreman.calls.orderToBring('c', ours)).toBeNull();
    expect((await question.answer).order).toBeNull();
    // Four are woken at once; were they those that wait longest, it would not be the fifth.
    expect((await asks[4]?.answer)?.order).not.toBeNull();
    for (const { leave } of asks.slice(0, 4)) await leave();
  });

  it('is not called for what is asked for already: that has been brought, or waits for who can take it', async () => {
    const question = await ask('c');
    expect([await calledFor('one'), await calledFor('one')]).toEqual(['c', null]);
    // The second one woke it.
    expect((await question.answer).order).not.toBeNull();
  });

  it.each<[string, Partial<Submission>]>([
    ['holds a secret', { request: { ...submission().request, defaultsMac: 'm' }, sealedDefaults: 'sealed' }],
    [
      'runs code of a foreign feed',
      { request: { ...submission().request, repositories: ['src/gz x https://feed.example'] } },
    ],
  ])('is not called for what %s: its own question, which is signed, is answered', async (_, fields) => {
    const question = await ask('c');
    expect(await calledFor('secret', fields)).toBeNull();
    expect((await question.answer).order?.requestHash).toBeDefined();
    // Nor is it brought where something else is.
    await foreman.calls.submit([wish('another secret', fields)]);
    expect(await foreman.calls.orderToBring('c')).toBeNull();
  });

  it('is not called where another one is better, and is where it is', async () => {
    await foreman.node('asks', 'asks');
    const called = await ask('c', { held: ['a'.repeat(64)], slots: 2 });
    const asks = await ask('asks', { held: ['b'.repeat(64)] });
    expect(await calledFor('one', { imageBuilder: 'a'.repeat(64) })).toBe('c');
    await bring();
    expect(await calledFor('two', { imageBuilder: 'b'.repeat(64) })).toBeNull();
    expect((await asks.answer).order?.requestHash).toBeDefined();
    await called.leave();
  });

  it('has as many orders as slots, however many are to be brought at once; the rest is for others', async () => {
    await foreman.node('asks', 'asks');
    const called = await ask('c', { slots: 2, held: ['b'.repeat(64)] });
    const asks = await ask('asks');
    const names = ['one', 'two', 'three'];
    expect(await Promise.all(names.map((name) => calledFor(name)))).toEqual(['c', 'c', 'c']);
    const errands = await Promise.all(names.map(() => foreman.calls.orderToBring('c')));
    expect(errands.filter(Boolean)).toHaveLength(2);
    expect((await asks.answer).order?.requestHash).toBeDefined();
    expect((await called.answer).order).toBeNull();
    expect((await foreman.calls.stats()).activeLeases).toBe(3);
  });

  it('of which the Worker died before it called gets the build by its question, when that has waited', async () => {
    expect(await calledFor('one')).toBeNull();
    const order = await foreman.order('c');
    expect(order.attempt).toBe(1);
  });

  it.each(['drain', 'quarantine', 'revoke'] as const)('gets nothing after: %s', async (action) => {
    await calledFor('one');
    await foreman.calls.actOnNode('c', action, '');
    expect(await foreman.calls.orderToBring('c')).toBeNull();
  });
});

describe('a node that could not be called', () => {
  const failsAfter = async (name: string): Promise<void> => {
    await foreman.calls.submit([wish(name)]);
    const { order } = await bring();
    await foreman.calls.notBrought(order.leaseId, 'no answer');
    await foreman.calls.cancel(order.requestHash);
  };
  const isCalled = async (name: string): Promise<boolean> => {
    await foreman.calls.submit([wish(name)]);
    const errand = await foreman.calls.orderToBring('c');
    if (errand) await foreman.report('c', errand.order.leaseId, 1, handedBack);
    return errand !== null;
  };

  it('is asked to ask anew, and then gets what it could not be brought', async () => {
    const question = await ask('c');
    expect(await calledFor('one')).toBe('c');
    const { order } = await bring();
    await foreman.calls.notBrought(order.leaseId, 'no answer');
    expect(await question.answer).toEqual({ order: null, standing: { state: 'active', reason: '' } });
    expect(await foreman.order('c')).toMatchObject({ requestHash: order.requestHash, attempt: 1 });
  });

  it('is left alone for a while, longer each time, and not for ever', async () => {
    for (const pauseMs of [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]) {
      await failsAfter(`fails-${pauseMs}-${Date.now()}`);
      pass(pauseMs - 1);
      expect([pauseMs, await foreman.calls.orderToBring('c')]).toEqual([pauseMs, null]);
      pass(1);
    }
    expect(await isCalled('after all')).toBe(true);
    // It has spoken: that was an order that arrived.
    expect((await foreman.rows('nodes'))[0]).toMatchObject({ call_failures: 0, call_fault: '', not_called_before: 0 });
  });

  it('is called at once when an operator adds it anew', async () => {
    await failsAfter('one');
    await foreman.calls.setAddress('c', ADDRESS);
    expect(await isCalled('two')).toBe(true);
  });

  it('is remembered by a Foreman that was evicted', async () => {
    await failsAfter('one');
    await evictDurableObject(foreman.stub);
    await foreman.calls.submit([wish('two')]);
    expect(await foreman.calls.orderToBring('c')).toBeNull();
  });
});

describe('the end of an order that was brought', () => {
  it('is not what a Worker says that gave up late: the node has spoken, and builds', async () => {
    await foreman.calls.submit([wish('one')]);
    const { order } = await bring();
    expect(await foreman.report('c', order.leaseId, 1, progress(3))).toBe('active');
    await foreman.calls.notBrought(order.leaseId, 'no answer');
    expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'running', step: 3 });
    expect((await foreman.rows('nodes'))[0]).toMatchObject({ call_failures: 0 });
  });

  it('comes by its time where Worker and node are silent, with the Foreman evicted between: no attempt', async () => {
    await foreman.calls.submit([wish('one')]);
    const { order } = await bring();
    // Else it would be seen, when it wakes, that it slept beyond its alarm, and every lease would be renewed.
    pass(KEPT_AFTER_MS);
    await vi.waitFor(async () => {
      await foreman.alarm();
      expect(await foreman.alarmAt()).toBeGreaterThan(Date.now() + KEPT_AFTER_MS);
    }, EVENTUALLY);
    await evictDurableObject(foreman.stub);
    pass(LEASE_SECONDS * 1000 - KEPT_AFTER_MS);
    await foreman.alarm();
    expect(await foreman.build(order.requestHash)).toMatchObject({ state: 'queued', attempts: 0 });
    expect((await foreman.rows('nodes'))[0]).toMatchObject({ builds_lost: 0, faults: '[]', call_failures: 1 });
    expect(await foreman.report('c', order.leaseId, 1, progress(3))).toBe('ended');
    // What comes too late does not say that it can be called.
    expect((await foreman.rows('nodes'))[0]).toMatchObject({ call_failures: 1 });
  });

  it('cannot be excused by a node that makes its key look like one of ours', async () => {
    await foreman.calls.submit([wish('one')]);
    expect(await foreman.lease('c', 'brought-00000000')).not.toBeNull();
    pass(LEASE_SECONDS * 1000);
    await foreman.alarm();
    expect((await foreman.rows('nodes'))[0]).toMatchObject({ builds_lost: 1 });
  });

  it('of a lease that is unknown or over changes nothing', async () => {
    await foreman.calls.notBrought('nosuch', 'x');
    await foreman.calls.submit([wish('one')]);
    const { order } = await bring();
    await foreman.calls.cancel(order.requestHash);
    await foreman.calls.notBrought(order.leaseId, 'x');
    expect((await foreman.rows('nodes'))[0]).toMatchObject({ call_failures: 0 });
  });
});

it('a node that hands a build back while another question of it waits is not given it by that: it may be stopping', async () => {
  await foreman.node('asks', 'asks');
  await foreman.calls.submit([wish('one')]);
  const order = await foreman.order('asks');
  const question = await ask('asks');
  await foreman.report('asks', order.leaseId, 1, handedBack);
  expect((await question.answer).order).toBeNull();
  expect(await foreman.build(order.requestHash)).toMatchObject({ state: 'queued', attempts: 0 });
  // One that goes on asks anew.
  expect(await foreman.order('asks')).toMatchObject({ requestHash: order.requestHash, attempt: 1 });
});

test.each<[string, (of: { nodes: CallableNodes; leases: Leases }) => unknown]>([
  ['an address is put', ({ nodes }) => nodes.putAddress('c', ADDRESS)],
  ['a call failed', ({ nodes }) => nodes.failed({ id: 'c', callFailures: 3 }, 'x', 1)],
  ['an order arrived', ({ nodes }) => nodes.worked('c')],
  ['how many orders a node has', ({ leases }) => leases.activeOf('c')],
])('%s: by an index', async (_, work) => {
  const plans = await plansOf(foreman.stub, (db) =>
    work({ nodes: new CallableNodes(db), leases: new Leases(db, { leaseMs: 1, buildMs: 1 }) }),
  );
  expect(plans.length).toBeGreaterThan(0);
  for (const plan of plans) expect(plan).toMatch(/USING (COVERING )?INDEX/);
});
