/** What volunteers published, and somebody contradicts: until a trusted node has spoken nothing follows, and then everything does. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { env } from '../../edge.fixture.ts';
import { resultKey } from '../../results/result-key.ts';
import { bucket, failed, handedBack, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import { type Crowd, crowdOf, pass } from './crowd.fixture.ts';

let foreman: OpenedForeman;
let crowd: Crowd;

withForeman(async (opened) => {
  foreman = opened;
  crowd = crowdOf(opened);
  await crowd.join();
  await crowd.volunteers('v', 'w', 'x', 'y');
  await crowd.prove('v', 'w');
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

/** A failure of a lease that has ended, to be told later. */
async function lateFailure(id: string): Promise<() => Promise<string>> {
  pass(300_000);
  const { leaseId } = await foreman.order(id);
  await foreman.report(id, leaseId, 1, handedBack);
  return () => foreman.report(id, leaseId, 2, failed('build_failed'));
}

/** By v and w, once these have been given it whose words come later. */
async function published(text = 'an image'): Promise<Order> {
  await crowd.image('v', text);
  const order = await crowd.image('w', text);
  await foreman.untilState(order.requestHash, 'done');
  return order;
}

const tally = async () => (await foreman.rows('reproducibility'))[0];
const isKept = ({ requestHash }: Order) => crowd.isServed(requestHash);
const untilGone = ({ requestHash }: Order) =>
  vi.waitFor(async () => {
    pass(3_000);
    await foreman.alarm();
    expect(await crowd.isServed(requestHash)).toBe(false);
    expect(await env.CACHE.get(resultKey.build(requestHash))).toBeNull();
  }, EVENTUALLY);
const standings = async (...ids: string[]) => Promise.all(ids.map(async (id) => [id, (await crowd.nodeOf(id))?.state]));

describe('a volunteer that contradicts what others published', () => {
  let order: Order;
  beforeEach(async () => {
    await crowd.submit();
    const tell = await crowd.late('x', 'another image');
    order = await published();
    await tell();
  });

  it('closes no target, and puts nobody out: a trusted node is to build the same', async () => {
    expect(await tally()).toMatchObject({ agreed: 6, unexplained: 0, explained: 0 });
    expect(await standings('v', 'w', 'x')).toEqual([
      ['v', 'active'],
      ['w', 'active'],
      ['x', 'active'],
    ]);
    expect(await foreman.rows('checks')).toMatchObject([{ kind: 'rebuild', request_hash: order.requestHash }]);
    await crowd.submit();
    expect(await foreman.lease('y')).not.toBeNull();
  });

  it('is found to lie where that node made what was published', async () => {
    await foreman.node('t', 'op-t');
    await crowd.image('t');
    await vi.waitFor(async () => expect(await crowd.nodeOf('x')).toMatchObject({ state: 'quarantined' }), EVENTUALLY);
    expect(await tally()).toMatchObject({ unexplained: 0, explained: 1 });
    expect(await standings('v', 'w')).toEqual([
      ['v', 'active'],
      ['w', 'active'],
    ]);
    expect(await isKept(order)).toBe(true);
  });

  it('is found to be right where that node made the same: what was published goes, and so do they who published it', async () => {
    await foreman.node('t', 'op-t');
    await crowd.image('t', 'another image');
    await untilGone(order);
    expect(await standings('v', 'w', 'x')).toEqual([
      ['v', 'quarantined'],
      ['w', 'quarantined'],
      ['x', 'active'],
    ]);
    expect(await tally()).toMatchObject({ unexplained: 0, explained: 2 });
    expect(await crowd.nodeOf('x')).toMatchObject({ images: 1, builds_wrong: 0 });
    const again = await foreman.submit({ intentHash: order.intentHash, seenGeneration: 1 });
    expect(again).toMatchObject({ state: 'queued' });
  });

  it('asks for that once, however often it is contradicted', async () => {
    await crowd.submit();
    const tell = await crowd.late('x', 'a third image');
    const other = await published();
    await tell();
    expect((await foreman.rows('checks')).map((check) => check.request_hash)).toEqual([
      order.requestHash,
      other.requestHash,
    ]);
  });
});

describe('a late trusted word', () => {
  it('takes back what it contradicts, and who published it is put out', async () => {
    await foreman.node('t', 'op-t');
    await crowd.submit();
    const tell = await crowd.late('t', 'another image');
    const order = await published();
    await tell();
    await untilGone(order);
    expect(await standings('v', 'w', 't')).toEqual([
      ['v', 'quarantined'],
      ['w', 'quarantined'],
      ['t', 'active'],
    ]);
    expect(await crowd.nodeOf('t')).toMatchObject({ builds_right: 1, builds_wrong: 0 });
    expect(await crowd.nodeOf('v')).toMatchObject({ images: 10, builds_right: 0, builds_wrong: 1 });
  });

  it('that is the same leaves all as it is', async () => {
    await foreman.node('t', 'op-t');
    await crowd.submit();
    const tell = await crowd.late('t', 'an image');
    const order = await published();
    await tell();
    await foreman.alarm();
    expect(await isKept(order)).toBe(true);
    expect(await tally()).toMatchObject({ agreed: 7, unexplained: 0, explained: 0 });
  });

  it('takes back a failure that volunteers agreed upon: it is told no more, and who asks again has it built', async () => {
    await foreman.node('t', 'op-t');
    const status = await crowd.submit();
    const tell = await crowd.late('t', 'an image');
    for (const id of ['v', 'w']) {
      pass(300_000);
      const { leaseId } = await foreman.order(id);
      await foreman.report(id, leaseId, 1, failed('conflict'));
    }
    const { requestHash = '' } = 'requestHash' in status ? status : {};
    const { intent_hash: intentHash } = await foreman.build(requestHash);
    await foreman.untilState(requestHash, 'failed');
    await vi.waitFor(async () => expect(await env.CACHE.get(resultKey.build(requestHash))).not.toBeNull(), EVENTUALLY);
    await tell();
    await vi.waitFor(async () => {
      pass(3_000);
      await foreman.alarm();
      for (const key of [resultKey.build(requestHash), resultKey.intent(String(intentHash))])
        expect(await env.CACHE.get(key)).toBeNull();
    }, EVENTUALLY);
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'failed', failure: { kind: 'internal' } });
    expect(await foreman.submit({ intentHash: String(intentHash) })).toMatchObject({ state: 'queued' });
  });
});

describe('a late trusted failure', () => {
  let order: Order;
  beforeEach(async () => {
    await foreman.node('t', 'op-t');
    await crowd.submit();
    const tell = await lateFailure('t');
    order = await published();
    await tell();
  });

  it('takes back no image: it may be that machine that is sick, so a trusted node is to build the same', async () => {
    await foreman.alarm();
    expect(await foreman.rows('recalled')).toEqual([]);
    expect(await isKept(order)).toBe(true);
    expect(await standings('v', 'w')).toEqual([
      ['v', 'active'],
      ['w', 'active'],
    ]);
    expect(await crowd.nodeOf('v')).toMatchObject({ builds_right: 1, builds_wrong: 0 });
    expect(await crowd.nodeOf('t')).toMatchObject({ builds_right: 0, builds_wrong: 0 });
    expect(await foreman.rows('checks')).toMatchObject([{ kind: 'rebuild', request_hash: order.requestHash }]);
  });

  it('and then another image of the same machine takes it back, and who published it is put out', async () => {
    await crowd.image('t', 'another image');
    await untilGone(order);
    expect(await standings('v', 'w', 't')).toEqual([
      ['v', 'quarantined'],
      ['w', 'quarantined'],
      ['t', 'active'],
    ]);
  });
});

describe('while what volunteers decided is being published', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** As far as the store, which answers once `go` was called. */
  async function publishing(): Promise<{ readonly order: Order; readonly go: () => void }> {
    const { put } = bucket;
    let mayGo = false;
    const slow = vi.spyOn(bucket, 'put').mockImplementation((async (...args: Parameters<typeof put>) => {
      while (!mayGo && String(args[0]).startsWith('builds/')) await new Promise((resolve) => setTimeout(resolve, 20));
      return put.apply(bucket, args);
    }) as typeof put);
    await crowd.image('v', 'an image');
    const order = await crowd.image('w', 'an image');
    await vi.waitFor(
      () => expect(slow.mock.calls.map(([key]) => key)).toContain(`builds/${order.requestHash}.json`),
      EVENTUALLY,
    );
    return {
      order,
      go: () => {
        mayGo = true;
        slow.mockRestore();
      },
    };
  }

  it('another image by a trusted node ends it: it is never known or logged, its copies go, and who asks has it built', async () => {
    await foreman.node('t', 'op-t');
    await crowd.submit();
    const tell = await crowd.late('t', 'another image');
    const { order, go } = await publishing();
    await tell();
    go();
    await foreman.untilState(order.requestHash, 'failed');
    expect(await foreman.status(order.requestHash)).toMatchObject({ failure: { kind: 'internal' } });
    expect(await foreman.rows('known_images')).toEqual([]);
    await untilGone(order);
    expect((await foreman.rows('log')).map((row) => row.request_hash)).not.toContain(order.requestHash);
    expect(await standings('v', 'w')).toEqual([
      ['v', 'quarantined'],
      ['w', 'quarantined'],
    ]);
    expect(await foreman.submit({ intentHash: order.intentHash })).toMatchObject({ state: 'queued' });
  });

  it('which the store does not take yet, another image by a trusted node keeps it from being published at all', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await foreman.node('t', 'op-t');
    await crowd.submit();
    const tell = await crowd.late('t', 'another image');
    await crowd.image('v');
    const order = await foreman.order('w');
    const event = await foreman.success('w', order.leaseId);
    const down = vi.spyOn(bucket, 'put').mockRejectedValue(new Error('R2 put failed'));
    await foreman.report('w', order.leaseId, 1, event);
    await vi.waitFor(() => expect(down).toHaveBeenCalled(), EVENTUALLY);
    await tell();
    down.mockRestore();
    const up = vi.spyOn(bucket, 'put');
    await vi.waitFor(async () => {
      pass(3_000);
      await foreman.alarm();
      expect(await foreman.status(order.requestHash)).toMatchObject({ state: 'failed' });
    }, EVENTUALLY);
    expect(up.mock.calls.map(([key]) => key)).not.toContain(`builds/${order.requestHash}.json`);
  });

  it('a failure of a trusted node has it built again, as soon as it is there', async () => {
    await foreman.node('t', 'op-t');
    await crowd.submit();
    const tell = await lateFailure('t');
    const { order, go } = await publishing();
    await tell();
    go();
    await foreman.untilState(order.requestHash, 'done');
    expect(await foreman.rows('checks')).toMatchObject([{ kind: 'rebuild', request_hash: order.requestHash }]);
  });
});

describe('a trusted node of the same operator as a volunteer', () => {
  beforeEach(() => foreman.node('t', 'op-v'));

  it('decides, and the volunteer that had made another image is put out as any other', async () => {
    await crowd.submit();
    await crowd.image('v', 'evil image');
    const order = await crowd.image('t');
    await foreman.untilState(order.requestHash, 'done');
    expect(await crowd.nodeOf('v')).toMatchObject({ state: 'quarantined', builds_right: 0, builds_wrong: 1 });
  });

  it('contradicts what that one published with another: both are put out', async () => {
    await crowd.submit();
    const tell = await crowd.late('t', 'another image');
    const order = await published();
    await tell();
    await untilGone(order);
    for (const id of ['v', 'w'])
      expect(await crowd.nodeOf(id)).toMatchObject({
        state: 'quarantined',
        images: 10,
        builds_right: 0,
        builds_wrong: 1,
      });
  });

  it('says the same: that volunteer was right', async () => {
    await crowd.submit();
    await crowd.image('v');
    const order = await crowd.image('t');
    await foreman.untilState(order.requestHash, 'done');
    expect(await crowd.nodeOf('v')).toMatchObject({ state: 'active', builds_right: 1, builds_wrong: 0 });
  });

  it('could not build what that one published: its vote stays, and a trusted node is to build it again', async () => {
    await crowd.submit();
    const tell = await lateFailure('t');
    const order = await published();
    await tell();
    expect(await foreman.rows('votes')).toMatchObject([
      { node_id: 'v', verdict: 'right' },
      { node_id: 'w', verdict: 'right' },
    ]);
    expect(await crowd.nodeOf('v')).toMatchObject({ state: 'active', builds_right: 1 });
    expect(await foreman.rows('checks')).toMatchObject([{ kind: 'rebuild', request_hash: order.requestHash }]);
  });
});

describe('built again by a trusted node', () => {
  beforeEach(() => foreman.policy({ rebuild_one_in: 1 }));

  it('and made another: it is withdrawn', async () => {
    await crowd.submit();
    const order = await published('evil image');
    await foreman.node('t', 'op-t');
    await crowd.image('t');
    await untilGone(order);
    expect(await standings('v', 'w', 't')).toEqual([
      ['v', 'quarantined'],
      ['w', 'quarantined'],
      ['t', 'active'],
    ]);
  });

  it('by one, and by another one that made another: the target is at fault, nobody is, and the image stays', async () => {
    await foreman.node('t', 'op-t');
    await foreman.node('u', 'op-u');
    await crowd.submit();
    const tell = await crowd.late('t', 'an image');
    const order = await published();
    await tell();
    await crowd.image('u', 'made by u');
    await vi.waitFor(async () => expect(await tally()).toMatchObject({ unexplained: 1, explained: 0 }), EVENTUALLY);
    await foreman.alarm();
    expect(await standings('v', 'w', 't', 'u')).toEqual(['v', 'w', 't', 'u'].map((id) => [id, 'active']));
    expect(await isKept(order)).toBe(true);
  });
});
