/** Builds that more than one must make: whom they are given to, and what is told meanwhile. */
import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, handedBack, type OpenedForeman, progress } from '../foreman.fixture.ts';
import { WHOM } from '../schema.ts';
import { pass } from './crowd.fixture.ts';
import { crowd, detailOf, image, nodeOf, statusOf, submit, volunteer, withVolunteers } from './verifying.fixture.ts';

let foreman: OpenedForeman;
const { MAX_ATTEMPTS } = configOf(env);

withVolunteers((opened) => {
  foreman = opened;
});

describe('a build that volunteers have begun', () => {
  beforeEach(async () => {
    await crowd();
    for (const id of ['v', 'w', 'x']) await volunteer(id);
    await submit();
  });

  it('is not for two nodes of one operator', async () => {
    await volunteer('v2', 'op-v');
    await image('v');
    pass(DRAW_PATIENCE_MS * 20);
    expect(await foreman.lease('v2')).toBeNull();
    expect(await foreman.lease('w')).not.toBeNull();
  });

  it('is not for two operators of one network', async () => {
    await image('v');
    pass(DRAW_PATIENCE_MS * 20);
    expect(await foreman.lease('w', 'key-of-w', { network: 'network of op-v' })).toBeNull();
    expect(await foreman.lease('x')).not.toBeNull();
  });

  it('looks to whoever builds it again like any other', async () => {
    const first = await image('v');
    pass(DRAW_PATIENCE_MS * 20);
    const second = await foreman.order('w');
    const ofItsOwn = { leaseId: '', nodeId: '', deadlineAt: 0 };
    expect({ ...second, ...ofItsOwn }).toEqual({ ...first, ...ofItsOwn });
    await foreman.report('w', second.leaseId, 1, progress(8));
    const status = await statusOf(second);
    expect(status).toMatchObject({ state: 'running', step: 8 });
    expect(JSON.stringify(status)).not.toMatch(/verif|op-v|independent/);
  });

  it('says how many have built it, and not what', async () => {
    const order = await image('v');
    expect(await detailOf(order)).toBe(
      'verifying: built by 1 of 3 independent operators; the others are not here now, so it waits for them or for a trusted node',
    );
    expect(await statusOf(order)).toMatchObject({ etaSeconds: 1200 });
    pass(6_000);
    for (const id of ['w', 'x'])
      await foreman.lease(id, `again-${id}`).then((lease) => lease && foreman.report(id, lease.leaseId, 1, handedBack));
    expect(await detailOf(order)).toBe('verifying: built by 1 of 3 independent operators');
  });

  it('goes to a trusted node as soon as one is free', async () => {
    const order = await image('v');
    await foreman.node('t', 'op-t');
    await image('t');
    await foreman.untilState(order.requestHash, 'done');
  });

  it('spends no attempt by being built more than once', async () => {
    for (const id of ['v', 'w']) await image(id);
    const third = await foreman.order('x');
    expect(third.attempt).toBe(1);
    expect(await foreman.build(third.requestHash)).toMatchObject({ attempts: 1 });
    await foreman.node('t', 'op-t');
    await foreman.report('x', third.leaseId, 1, failed('internal'));
    for (let at = 1; at < MAX_ATTEMPTS; at += 1) {
      const order = await foreman.order('t');
      await foreman.report('t', order.leaseId, 1, failed('internal'));
      expect(await statusOf(order)).toMatchObject({ state: 'queued' });
    }
  });

  it('begins anew where upstream moved meanwhile, and nobody has lied', async () => {
    const first = await image('v', 'of the old feed');
    await foreman.alter("UPDATE votes SET inputs = 'the old feed'");
    const second = await image('w', 'of the new feed');
    expect(await detailOf(second)).toMatch(/^verifying: built by 1 of 3/);
    // Who spoke of the old one may speak of the new one.
    await image('v', 'of the new feed');
    await image('x', 'of the new feed');
    await foreman.untilState(first.requestHash, 'done');
    for (const id of ['v', 'w', 'x']) expect(await nodeOf(id)).toMatchObject({ state: 'active', images: 1 });
  });

  it('is for anyone again where all that was said of it, and disputed, was of an older feed', async () => {
    await image('v', 'of the old feed');
    const second = await image('w', 'another of the old feed');
    expect(await foreman.build(second.requestHash)).toMatchObject({ needs_trust: WHOM.trusted });
    await foreman.alter("UPDATE votes SET inputs = 'the old feed'");
    await foreman.node('t', 'op-t');
    const given = await foreman.order('t');
    await foreman.report('t', given.leaseId, 1, handedBack);
    // The trusted node is stopped; nobody contradicts anybody about the feed as it is.
    expect(await foreman.build(second.requestHash)).toMatchObject({ state: 'queued', needs_trust: WHOM.anyone });
    for (const id of ['v', 'w', 'x']) await image(id, 'of the new feed');
    await foreman.untilState(second.requestHash, 'done');
    for (const id of ['v', 'w', 'x']) expect(await nodeOf(id)).toMatchObject({ state: 'active', images: 1 });
  });

  it('is for those that it was for before an operator took back what it had said of the feed as it is', async () => {
    // Its trusted machine was ordered to build of the old feed, and tells so when its volunteer has built of the new one.
    await foreman.node('t', 'op-v');
    const old = await foreman.order('t');
    await foreman.report('t', old.leaseId, 1, handedBack);
    await foreman.alter(`UPDATE leases SET pins = json_set(pins, '$.revision', 'r0-old') WHERE id = '${old.leaseId}'`);
    await image('v');
    expect(await foreman.build(old.requestHash)).toMatchObject({ needs_trust: WHOM.another });
    await foreman.report('t', old.leaseId, 2, failed('conflict'));
    expect((await foreman.rows('votes')).map(({ verdict }) => verdict)).toEqual(['moot']);
    expect(await foreman.build(old.requestHash)).toMatchObject({ state: 'queued', needs_trust: WHOM.anyone });
  });

  it('does not keep operators that have built it from what is behind it', async () => {
    const begun = await image('v');
    for (let at = 0; at < 300; at += 1) await submit();
    await foreman.alter("UPDATE builds SET needs_trust = 2 WHERE state = 'queued'");
    await foreman.alter(
      `INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, outcome, digest, at, verdict)
       SELECT request_hash, 'op-v', 'v', 'volunteer', 'l' || sequence, 'image', 'd', 0, 'open' FROM builds
       WHERE request_hash <> ?`,
      begun.requestHash,
    );
    const last = await submit();
    expect(await foreman.order('v')).toMatchObject({ requestHash: 'requestHash' in last && last.requestHash });
  });
});

test('who had its say by one node, while upstream was asked for another one of its nodes, is not given it again', async () => {
  for (const id of ['v', 'w']) await volunteer(id, 'op-v');
  await volunteer('x');
  await submit();
  // What memory has of upstream is too old then.
  pass(5 * 3_600_000);
  // No promise of the test's may be waited for in the object.
  const upstream = { isAsked: false, answers: false };
  const get = env.CACHE.get.bind(env.CACHE) as (...args: unknown[]) => Promise<unknown>;
  const slowly = async (...args: unknown[]) => {
    upstream.isAsked = true;
    while (!upstream.answers) await scheduler.wait(5);
    return get(...args);
  };
  const spy = vi.spyOn(env.CACHE, 'get').mockImplementationOnce(slowly as never);
  const slow = foreman.lease('v');
  await vi.waitFor(() => expect(upstream.isAsked).toBe(true), EVENTUALLY);
  const order = await foreman.order('w');
  await foreman.report('w', order.leaseId, 1, await foreman.success('w', order.leaseId));
  upstream.answers = true;
  expect(await slow).toBeNull();
  spy.mockRestore();
});
