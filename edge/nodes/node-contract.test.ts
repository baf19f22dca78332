/**
 * One contract for both ways by which an order reaches a node: the node asks (leased), or the edge calls it (callable). From its
 * first report on nobody can tell the one lease from the other; these are the same tests with the same ends for both.
 */

import { runDurableObjectAlarm } from 'cloudflare:test';
import { Code } from '@connectrpc/connect';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BuildOrder } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { LeaseStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { configOf } from '../config.ts';
import { ask, env, foremanStats, foremanStub, openUpstream, rowsOf } from '../edge.fixture.ts';
import { AHEAD, failed, handedBack, progress } from '../foreman/foreman.fixture.ts';
import { emptyQueue, hashOf, wish } from '../routes/build-steps.fixture.ts';
import {
  type Answering,
  asAdmin,
  type CallableNode,
  isBusy,
  losesItsAnswer,
  openCallableNode,
  openHosts,
  refuses,
} from './callable-host.fixture.ts';
import {
  type FarmNode,
  finish,
  IMAGE_NAME,
  joinNode,
  lease,
  orderFor,
  report,
  succeeded,
  upload,
} from './farm-node.fixture.ts';

const { LEASE_SECONDS } = configOf(env);
let seeds = 100;
/** Whoever is there to build what the node under test does not. */
let other: FarmNode;
const open: CallableNode[] = [];

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  await openUpstream();
  openHosts();
  other = await joinNode(++seeds, { operator: 'other' });
});
afterEach(async () => {
  for (const callable of open.splice(0)) await callable.leave();
  await emptyQueue(other);
});
afterAll(() => {
  vi.useRealTimers();
});

interface Subject {
  readonly node: FarmNode;
  /** The build that is asked for and given to it. */
  begin(): Promise<BuildOrder>;
  /** The same, and it does not take it. */
  refuse(how: 'busy' | 'unable'): Promise<string>;
}

const newNode = () => joinNode(++seeds, { operator: `operator-${seeds}` });

async function leased(): Promise<Subject> {
  const node = await newNode();
  const begin = async () => {
    const hash = await hashOf(wish());
    const order = await orderFor(node);
    expect(order.requestHash).toBe(hash);
    return order;
  };
  return {
    node,
    begin,
    refuse: async () => {
      const { leaseId, requestHash } = await begin();
      await report(node, leaseId, 1, handedBack);
      return requestHash;
    },
  };
}

interface Callable extends Subject {
  readonly host: CallableNode;
  begin(answering?: Answering): Promise<BuildOrder>;
}

async function callable(): Promise<Callable> {
  const node = await newNode();
  const host = await openCallableNode(node);
  open.push(host);
  const begin = async (answering: Answering = () => undefined) => {
    host.answering = answering;
    const hash = await hashOf(wish());
    const order = await vi.waitFor(
      () => {
        const last = host.brought.at(-1);
        if (last?.requestHash !== hash) throw new Error('nothing was brought');
        return last;
      },
      { timeout: 30_000 },
    );
    return order;
  };
  return {
    node,
    host,
    begin,
    refuse: async (how) => {
      const { requestHash, leaseId } = await begin(how === 'busy' ? isBusy : refuses(Code.Unavailable));
      await untilEnded(leaseId);
      return requestHash;
    },
  };
}

const leasesOf = async (hash: string) =>
  (await rowsOf(foremanStub(), 'leases')).filter((row) => row.request_hash === hash);
const rowOf = async (table: 'builds' | 'leases' | 'nodes', column: string, value: string) =>
  (await rowsOf(foremanStub(), table)).find((row) => row[column] === value);
const leaseRow = (id: string) => rowOf('leases', 'id', id);
const buildRow = (hash: string) => rowOf('builds', 'request_hash', hash);
const nodeRow = (node: FarmNode) => rowOf('nodes', 'id', node.id);

const untilDone = (hash: string) =>
  vi.waitFor(async () => expect(await buildRow(hash)).toMatchObject({ state: 'done' }), { timeout: 30_000 });

const untilEnded = (leaseId: string) =>
  vi.waitFor(async () => expect(await leaseRow(leaseId)).toMatchObject({ state: 'ended' }), { timeout: 30_000 });

/** It is the next one for who is there besides. */
async function otherBuilds(hash: string, attempt: number): Promise<void> {
  const order = await orderFor(other);
  expect([order.requestHash, order.attempt]).toEqual([hash, attempt]);
  await finish(other, order);
  await untilDone(hash);
}

async function standingAfter(node: FarmNode, leaseId: string, sequence: number, event = progress(3)) {
  const { acknowledgements } = await report(node, leaseId, sequence, event);
  return acknowledgements[0]?.standing;
}

/** Nothing is heard for a whole lease. */
async function pass(): Promise<void> {
  vi.setSystemTime(Date.now() + LEASE_SECONDS * 1000);
  // Who is there is preferred to who lost it.
  await lease(other);
  await runDurableObjectAlarm(foremanStub());
}

describe.each([
  ['leased', leased],
  ['callable', callable],
] as const)('%s', (_, openSubject) => {
  let subject: Subject;
  beforeEach(async () => {
    subject = await openSubject();
  });

  it('an order, its steps, its files, its image: published, and it was one attempt', async () => {
    const { node } = subject;
    const order = await subject.begin();
    expect(await standingAfter(node, order.leaseId, 1)).toBe(LeaseStanding.ACTIVE);
    expect(await buildRow(order.requestHash)).toMatchObject({ state: 'running', step: 3 });
    await finish(node, order, { sequence: 2 });
    await untilDone(order.requestHash);
    expect(await buildRow(order.requestHash)).toMatchObject({ attempts: 1, lease_id: order.leaseId });
    expect(await nodeRow(node)).toMatchObject({ builds_right: 1, builds_lost: 0, call_failures: 0 });
    const served = await ask(`/store/${order.requestHash}/${IMAGE_NAME}`);
    expect([served.status, await served.text()]).toEqual([200, `image of ${order.requestHash}`]);
  });

  it('a failure of the request is told as one', async () => {
    const { node } = subject;
    const { leaseId, requestHash } = await subject.begin();
    expect(await standingAfter(node, leaseId, 1, failed('build_failed'))).toBe(LeaseStanding.ENDED);
    expect(await buildRow(requestHash)).toMatchObject({ state: 'failed', attempts: 1 });
  });

  it.each(['busy', 'unable'] as const)(
    '%s: it goes to another one at once, and is no attempt and no fault',
    async (how) => {
      const hash = await subject.refuse(how);
      await otherBuilds(hash, 1);
      expect(await nodeRow(subject.node)).toMatchObject({ faults: '[]', builds_lost: 0, state: 'active' });
    },
  );

  it('nothing more is heard after a word: the lease ends, and that was an attempt and a fault', async () => {
    const { leaseId, requestHash } = await subject.begin();
    await report(subject.node, leaseId, 1, progress(3));
    await pass();
    expect(await leaseRow(leaseId)).toMatchObject({ state: 'ended', end_reason: expect.stringMatching(/^node_lost/) });
    expect(await nodeRow(subject.node)).toMatchObject({ builds_lost: 1 });
    await otherBuilds(requestHash, 2);
    expect(await standingAfter(subject.node, leaseId, 2)).toBe(LeaseStanding.ENDED);
  });

  it('a build that is cancelled: the next report is told so, and what comes after it is not heard', async () => {
    const { node } = subject;
    const order = await subject.begin();
    await report(node, order.leaseId, 1, progress(3));
    expect((await asAdmin(`builds/${order.requestHash}/cancel`, {})).status).toBe(200);
    expect(await standingAfter(node, order.leaseId, 2)).toBe(LeaseStanding.ENDED);
    expect(await standingAfter(node, order.leaseId, 3, handedBack)).toBe(LeaseStanding.ENDED);
    expect(await buildRow(order.requestHash)).toMatchObject({ state: 'failed' });
    expect(await lease(other)).toBeNull();
  });

  it('a second copy of an order is the same build: what is said twice counts once', async () => {
    const { node } = subject;
    const order = await subject.begin();
    const file = await upload(node, order.leaseId, IMAGE_NAME, 'an image');
    for (let copy = 0; copy < 2; copy += 1) await report(node, order.leaseId, 1, succeeded([file]));
    await untilDone(order.requestHash);
    expect(await nodeRow(node)).toMatchObject({ builds_right: 1, images: 1 });
    expect(await leasesOf(order.requestHash)).toHaveLength(1);
  });

  it('a lease of it is nobody else’s, however he came by its name', async () => {
    const order = await subject.begin();
    expect(await standingAfter(other, order.leaseId, 1, failed('build_failed'))).toBe(LeaseStanding.ENDED);
    expect(await leaseRow(order.leaseId)).toMatchObject({ state: 'active', last_sequence: 0 });
    await finish(subject.node, order);
    await untilDone(order.requestHash);
  });

  it('a node that is set aside loses it to another one, without an attempt', async () => {
    const { leaseId, requestHash } = await subject.begin();
    await report(subject.node, leaseId, 1, progress(3));
    expect((await asAdmin(`nodes/${subject.node.id}/quarantine`, {})).status).toBe(200);
    expect(await standingAfter(subject.node, leaseId, 2)).toBe(LeaseStanding.ENDED);
    await otherBuilds(requestHash, 1);
    expect((await asAdmin(`nodes/${subject.node.id}/release`, {})).status).toBe(200);
  });
});

describe('an order that was brought', () => {
  it('and whose answer was lost while the node already reports: it builds on, and nobody else does', async () => {
    const { node, begin } = await callable();
    const order = await begin(losesItsAnswer);
    await report(node, order.leaseId, 1, progress(3));
    const calls = async () => (await foremanStats()).calls.bring ?? 0;
    const before = await calls();
    await vi.waitFor(async () => expect(await calls()).toBe(before + 1), { timeout: 30_000 });
    expect(await leaseRow(order.leaseId)).toMatchObject({ state: 'active' });
    expect(await lease(other)).toBeNull();
    await finish(node, order, { sequence: 2 });
    await untilDone(order.requestHash);
    expect(await buildRow(order.requestHash)).toMatchObject({ attempts: 1, lease_id: order.leaseId });
    expect(await nodeRow(node)).toMatchObject({ builds_right: 1, call_failures: 0 });
  });

  it('and whose answer was lost before the node reports: it is told to stop, and another one builds', async () => {
    const { node, begin } = await callable();
    const { leaseId, requestHash } = await begin(losesItsAnswer);
    await untilEnded(leaseId);
    expect(await standingAfter(node, leaseId, 1)).toBe(LeaseStanding.ENDED);
    expect(await nodeRow(node)).toMatchObject({ call_failures: 1, call_fault: 'no answer within 5 s', builds_lost: 0 });
    await otherBuilds(requestHash, 1);
  });

  it('and of which nothing is ever heard: no attempt, no fault, and the node is left alone for a while', async () => {
    const { node, begin } = await callable();
    const { leaseId, requestHash } = await begin();
    await pass();
    expect(await leaseRow(leaseId)).toMatchObject({ end_reason: expect.stringMatching(/^handed back: nothing was/) });
    expect(await nodeRow(node)).toMatchObject({ call_failures: 1, builds_lost: 0, faults: '[]' });
    // It may come for it by itself all the same.
    const asked = await orderFor(node);
    expect(asked.requestHash).toBe(requestHash);
    expect(await leaseRow(asked.leaseId)).toMatchObject({ state: 'active', attempt: 1, node_id: node.id });
  });
});
