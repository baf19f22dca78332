/** A build of what is published already, to see whether its node is honest: who gets it, and that nobody notices. */
import { describe, expect, it, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import { env } from '../../edge.fixture.ts';
import { bucket, type OpenedForeman, progress } from '../foreman.fixture.ts';
import {
  canary,
  checks,
  image,
  MINUTE_MS,
  nodeOf,
  pass,
  published,
  submit,
  tally,
  trusted,
  volunteer,
  withChecks,
} from './checks.fixture.ts';

let foreman: OpenedForeman;
let hoursLater = 0;

withChecks((opened) => {
  foreman = opened;
});

describe('a canary', () => {
  it('is what a newcomer gets first; one that is right makes its node known and measures the target', async () => {
    const { known, order } = await canary();
    expect(await checks()).toMatchObject([{ kind: 'canary', state: 'leased', request_hash: known.requestHash }]);
    await image('v', order);
    expect(await checks()).toMatchObject([{ state: 'ended', outcome: 'right' }]);
    expect(await nodeOf('v')).toMatchObject({ state: 'active', builds_right: 1, images: 0, builds_wrong: 0 });
    expect(await tally()).toMatchObject({ agreed: 6, unexplained: 0, explained: 0 });
    await foreman.policy({ canary_one_in: 1_000_000 });
    const { requestHash } = (await submit()) as { requestHash: string };
    expect((await foreman.order('v')).requestHash).toBe(requestHash);
  });

  it('looks like what it would be as an ordinary order, field by field', async () => {
    const { known, order } = await canary();
    await foreman.report('v', order.leaseId, 1, progress(3));
    await foreman.policy({ canary_one_in: 0 });
    await foreman.node('w', 'op-w', 'volunteer');
    await submit();
    const ordinary = await foreman.order('w');
    const { leaseId, requestHash, intentHash, nodeId, ...rest } = order;
    expect(rest).toEqual({
      attempt: ordinary.attempt,
      deadlineAt: ordinary.deadlineAt,
      request: ordinary.request,
      pins: ordinary.pins,
      versionUrl: ordinary.versionUrl,
      sealedDefaults: ordinary.sealedDefaults,
    });
    expect(Object.keys(order).sort()).toEqual(Object.keys(ordinary).sort());
    expect([leaseId, requestHash, nodeId].map((name) => name.length)).toEqual([36, 64, 1]);
    expect([requestHash, intentHash]).toEqual([known.requestHash, known.intentHash]);
    // Nor by what it may write.
    expect(await foreman.calls.refuseLog('v', leaseId)).toBeNull();
    expect(await foreman.lease('v', 'another question')).toBeNull();
  });

  it('changes nothing of the build that is published, nor of the queue', async () => {
    await trusted();
    const known = await published();
    const shown = async () => ({
      build: await foreman.build(known.requestHash),
      votes: await foreman.rows('votes'),
      record: await (await bucket.get(storeKey.build(known.requestHash)))?.json(),
      counters: await foreman.rows('counters'),
      log: await foreman.rows('log'),
      waiting: (await foreman.calls.stats()).waiting,
      live: (await foreman.calls.stats()).live,
    });
    const before = await shown();
    await volunteer();
    const order = await foreman.order('v');
    await foreman.report('v', order.leaseId, 1, progress(5));
    expect(await shown()).toEqual(before);
    await foreman.report('v', order.leaseId, 2, await foreman.success('v', order.leaseId));
    expect(await shown()).toEqual(before);
    expect(await foreman.status(known.requestHash)).toMatchObject({ state: 'done' });
  });

  it('is given in the place of a build, which is for the next one who comes', async () => {
    await trusted();
    await published();
    await foreman.alter("UPDATE nodes SET builds_right = 1 WHERE tier = 'volunteer'");
    await volunteer('v');
    await foreman.alter("UPDATE nodes SET builds_right = 1 WHERE tier = 'volunteer'");
    await foreman.policy({ canary_one_in: 1 });
    const { requestHash } = (await submit()) as { requestHash: string };
    const order = await foreman.order('v');
    expect(await checks()).toMatchObject([{ kind: 'canary', lease_id: order.leaseId }]);
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'queued', position: 0 });
    expect((await foreman.order('t')).requestHash).toBe(requestHash);
  });

  it.each([
    ['it was answered before: the same twice is no riddle', async () => undefined],
    [
      'upstream has moved',
      async () => {
        await foreman.alter("UPDATE votes SET inputs = 'older'");
        await foreman.alter("UPDATE known_images SET inputs = 'older'");
      },
    ],
    ['it was taken back', () => foreman.alter("UPDATE votes SET verdict = 'withdrawn'")],
    ['its node is revoked', () => foreman.calls.actOnNode('t', 'revoke', '').then(() => undefined)],
    ['its build was forgotten', () => foreman.alter('DELETE FROM builds')],
    ['the operator wants none', () => foreman.policy({ canary_one_in: 0 })],
  ])('is not given where %s, and the farm goes on as it does without', async (why, happens) => {
    await trusted();
    await published();
    await volunteer();
    if (why.startsWith('it was answered')) {
      await image('v', await foreman.order('v'));
      await foreman.alter("UPDATE nodes SET builds_right = 0 WHERE id = 'v'");
    }
    await happens();
    expect(await foreman.lease('v')).toBeNull();
    const { requestHash } = (await submit()) as { requestHash: string };
    expect((await foreman.order('v')).requestHash).toBe(requestHash);
  });

  it.each([
    ['private', { request: normalizedRequest({ defaultsMac: 'a'.repeat(64) }), sealedDefaults: 'sealed' }],
    ['of foreign feeds', { request: normalizedRequest({ repositories: ['mine https://feeds.example/mine'] }) }],
  ])('is never made of a build that is %s', async (_, fields) => {
    await trusted();
    await published('t', fields);
    expect(await foreman.rows('known_images')).toEqual([]);
    await volunteer();
    expect(await foreman.lease('v')).toBeNull();
  });

  it.each([
    ['given to another machine of its operator', 1, async () => undefined],
    ['taken back', 0, () => foreman.alter("UPDATE votes SET verdict = 'withdrawn'")],
    ['disputed', 0, () => foreman.alter("UPDATE known_images SET word = 'disputed'")],
  ])('is not given where it was %s while upstream was asked', async (_, given, happens) => {
    await trusted();
    await published();
    for (const id of ['v', 'v2']) await foreman.node(id, 'op-v', 'volunteer');
    // By then the catalogue's copy in memory, which outlives a test, is too old not to be looked at again.
    hoursLater += 1;
    pass(hoursLater * 60 * MINUTE_MS);
    const get = env.CACHE.get.bind(env.CACHE) as (...asked: unknown[]) => Promise<unknown>;
    const kv = { asked: 0, mayAnswer: false };
    vi.spyOn(env.CACHE, 'get').mockImplementation((async (...asked: unknown[]) => {
      kv.asked += 1;
      while (!kv.mayAnswer) await scheduler.wait(5);
      return get(...asked);
    }) as never);
    const asking = Promise.all([foreman.lease('v'), foreman.lease('v2')]);
    await vi.waitFor(() => expect(kv.asked).toBe(2), EVENTUALLY);
    await happens();
    kv.mayAnswer = true;
    expect((await asking).filter((order) => order !== null)).toHaveLength(given);
  });

  it('is no trusted node’s', async () => {
    await trusted();
    await published();
    await trusted('u', 'another farm');
    expect(await foreman.lease('u')).toBeNull();
  });
});
