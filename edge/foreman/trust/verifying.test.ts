/** Builds that more than one must make: whom they are given to, what decides them, and what is told meanwhile. */
import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { waitingDetail } from '../../../shared/trust/waits-for.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { succeeded } from '../../nodes/farm-node.fixture.ts';
import {
  bucket,
  failed,
  handedBack,
  IMAGE,
  type OpenedForeman,
  progress,
  submission,
  withForeman,
} from '../foreman.fixture.ts';
import type { Order } from '../leases/give-lease.ts';
import { WHOM } from '../schema.ts';

const { MAX_ATTEMPTS, LEASE_SECONDS } = configOf(env);
const DAY_MS = 24 * 3_600_000;
let foreman: OpenedForeman;
let intents = 0;

withForeman((opened) => {
  foreman = opened;
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const submit = () => foreman.submit({ intentHash: sha256Hex(`verifying ${++intents}`) });
const nodeOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
const volunteer = (id: string, operator = `op-${id}`) => foreman.node(id, operator, 'volunteer');

/** Operators of volunteers that were there an hour ago: they count, and are not drawn. */
async function crowd(n = 10): Promise<void> {
  for (let at = 0; at < n; at += 1) await volunteer(`crowd-${at}`);
  await foreman.alter("UPDATE nodes SET last_seen_at = last_seen_at - 3600000 WHERE id LIKE 'crowd-%'");
}

/** As if it had built right for long. */
const prove = (id: string, images = 10, days = 31) =>
  foreman.alter(
    'UPDATE nodes SET images = ?, joined_at = ? WHERE id = ?',
    String(images),
    String(Date.now() - days * DAY_MS),
    id,
  );

/** A build, and two volunteers for it, of whom `v` is proven. */
async function submitForTwo(): Promise<void> {
  for (const id of ['v', 'w']) await volunteer(id);
  await prove('v');
  await submit();
}

async function image(id: string, text = 'an image', given?: Order): Promise<Order> {
  // Whoever else was drawn has had its time.
  pass(DRAW_PATIENCE_MS * 20);
  const order = given ?? (await foreman.order(id));
  await foreman.report(id, order.leaseId, 1, await foreman.success(id, order.leaseId, text));
  return order;
}

async function failure(id: string, kind = 'conflict', detail?: string): Promise<Order> {
  pass(DRAW_PATIENCE_MS * 20);
  const order = await foreman.order(id);
  await foreman.report(id, order.leaseId, 1, failed(kind, detail));
  return order;
}

const recordOf = async ({ requestHash }: Order) => (await bucket.get(`builds/${requestHash}.json`))?.json();
const statusOf = ({ requestHash }: Order) => foreman.status(requestHash);
async function detailOf(order: Order): Promise<string> {
  const status = await statusOf(order);
  return status?.state === 'queued' ? waitingDetail(status.waitsFor) : String(status?.state);
}

describe('k operators that agree', () => {
  it('are two where one of them is proven, and the image is published', async () => {
    await crowd();
    await submitForTwo();
    const order = await image('w');
    expect(await statusOf(order)).toMatchObject({ state: 'queued' });
    const second = await image('v');
    expect(second.requestHash).toBe(order.requestHash);
    await foreman.untilState(order.requestHash, 'done');
    expect(await recordOf(order)).toMatchObject({ leaseId: second.leaseId, files: [{ name: IMAGE }] });
    expect(await nodeOf('w')).toMatchObject({ images: 1, builds_wrong: 0 });
  });

  it('publish the images that all of them told, and no file that is one’s alone', async () => {
    await crowd();
    await submitForTwo();
    const order = await image('w');
    pass(DRAW_PATIENCE_MS * 20);
    const { leaseId } = await foreman.order('v');
    const files = [
      await foreman.upload('v', leaseId),
      await foreman.upload('v', leaseId, 'profiles.json', '{"evil":1}'),
    ];
    await foreman.report('v', leaseId, 1, succeeded(files));
    await foreman.untilState(order.requestHash, 'done');
    expect(await recordOf(order)).toMatchObject({ leaseId, files: [{ name: IMAGE }] });
  });

  it('must hold their leases still: nobody chooses himself by keeping a word back', async () => {
    await crowd();
    await submitForTwo();
    const { leaseId, requestHash } = await foreman.order('v');
    const kept = await foreman.success('v', leaseId);
    await foreman.report('v', leaseId, 1, handedBack);
    expect((await image('w')).requestHash).toBe(requestHash);
    await foreman.report('v', leaseId, 2, kept);
    expect(await foreman.status(requestHash)).toMatchObject({ state: 'queued', waitsFor: { built: 1 } });
    expect(await foreman.rows('votes')).toMatchObject([{ node_id: 'w' }]);
  });

  it.each([
    ['nine images', 9, 31],
    ['twenty-nine days', 10, 29],
  ])('are three where the best of them has shown no more than %s', async (_, images, days) => {
    await crowd();
    for (const id of ['v', 'w', 'x']) await volunteer(id);
    await prove('v', images, days);
    await submit();
    const order = await image('v', 'an image');
    await image('w');
    expect(await statusOf(order)).toMatchObject({ state: 'queued' });
    await image('x');
    await foreman.untilState(order.requestHash, 'done');
  });

  it('decide a failure that is the request’s as well, and below that it is neither told nor remembered', async () => {
    await crowd();
    await submitForTwo();
    const order = await failure('v');
    expect(await statusOf(order)).toMatchObject({ state: 'queued' });
    expect(await env.CACHE.get(`build:${order.requestHash}`)).toBeNull();
    await failure('w');
    expect(await statusOf(order)).toMatchObject({
      state: 'failed',
      failure: { kind: 'conflict', detail: 'said the node' },
    });
  });

  it('that tell it in different words are not believed the words', async () => {
    await crowd();
    await submitForTwo();
    const order = await failure('v', 'conflict', 'a and b conflict');
    await failure('w', 'conflict', 'visit evil.example');
    expect(await statusOf(order)).toMatchObject({
      state: 'failed',
      failure: { kind: 'conflict', detail: 'Error: Impossible package selection' },
    });
  });

  it('publish nothing in a farm of fewer than ten operators: a trusted node has to say so too', async () => {
    await crowd(7);
    await submitForTwo();
    const order = await image('v');
    await image('w');
    expect(await detailOf(order)).toBe(
      'verifying: built once, and to be built by a trusted node; none is here now, so it waits for one',
    );
    await foreman.node('t', 'op-t');
    await image('t');
    await foreman.untilState(order.requestHash, 'done');
    expect(await recordOf(order)).toMatchObject({ nodeId: 't' });
  });

  it('are counted by operators that were there within a day', async () => {
    await crowd();
    await foreman.alter('UPDATE nodes SET last_seen_at = last_seen_at - 86400000');
    await submitForTwo();
    const order = await image('v');
    await image('w');
    expect(await statusOf(order)).toMatchObject({ state: 'queued', waitsFor: { kind: 'a trusted node' } });
  });
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

describe('a lying node', () => {
  beforeEach(async () => {
    await crowd();
    for (const id of ['v', 'w', 'x']) await volunteer(id);
    await foreman.node('t', 'op-t');
    await submit();
  });

  it('that gives a wrong digest opens a dispute; a trusted node ends it, and the liar is quarantined', async () => {
    await image('v', 'evil image');
    const order = await image('w');
    pass(DRAW_PATIENCE_MS * 20);
    expect(await foreman.lease('x')).toBeNull();
    await image('t');
    await foreman.untilState(order.requestHash, 'done');
    expect(await recordOf(order)).toMatchObject({ nodeId: 't' });
    expect(await nodeOf('v')).toMatchObject({
      state: 'quarantined',
      state_by: 'foreman',
      state_reason: expect.stringContaining(order.requestHash),
      builds_wrong: 1,
    });
    expect(await nodeOf('w')).toMatchObject({ state: 'active', builds_right: 1, images: 1 });
    expect(await foreman.rows('reproducibility')).toMatchObject([{ agreed: 6, explained: 1, unexplained: 0 }]);
  });

  it('with a false failure denies nobody an image, and is quarantined', async () => {
    const order = await failure('v', 'conflict');
    await image('t');
    await foreman.untilState(order.requestHash, 'done');
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined', builds_wrong: 1 });
  });

  it('is not believed about what is undecided still, and gets nothing new', async () => {
    const other = await submit();
    const first = await image('v', 'evil image');
    const second = await image('v', 'another evil image');
    expect('requestHash' in other && other.requestHash).toBe(second.requestHash);
    await image('t');
    await foreman.untilState(first.requestHash, 'done');
    expect((await foreman.rows('votes')).map((vote) => [vote.node_id, vote.verdict])).toEqual([
      ['v', 'wrong'],
      ['t', 'right'],
    ]);
    await submit();
    expect(await foreman.lease('v')).toBeNull();
    expect(await foreman.lease('w')).not.toBeNull();
  });

  it('that comes late is found as well', async () => {
    const late = await foreman.order('v');
    const event = await foreman.success('v', late.leaseId, 'evil image');
    pass(LEASE_SECONDS * 1_000);
    await foreman.alarm();
    await image('t');
    await foreman.untilState(late.requestHash, 'done');
    await foreman.report('v', late.leaseId, 1, event);
    expect(await nodeOf('v')).toMatchObject({ state: 'quarantined' });
    expect(await recordOf(late)).toMatchObject({ nodeId: 't' });
  });

  it('of another operator’s lease says nothing', async () => {
    const order = await foreman.order('v');
    expect(await foreman.report('w', order.leaseId, 1, failed('conflict'))).toBe('ended');
    expect(await foreman.rows('votes')).toEqual([]);
  });

  it('that was revoked is not counted among those that agree', async () => {
    const revoked = await volunteer(sha256Hex('revoked'), 'op-r');
    await prove('w');
    await image(revoked);
    await foreman.calls.actOnNode(revoked, 'revoke', '');
    const order = await image('w');
    expect(await statusOf(order)).toMatchObject({ state: 'queued', waitsFor: { built: 1 } });
  });

  it('makes none of its operator’s other nodes proven', async () => {
    await volunteer('w2', 'op-w');
    for (const id of ['w', 'w2']) await prove(id);
    await foreman.calls.actOnNode('w2', 'quarantine', '');
    await image('v');
    const order = await image('w');
    expect(await statusOf(order)).toMatchObject({ state: 'queued', waitsFor: { built: 2, of: 3 } });
  });
});

describe('a target that differs with every build', () => {
  beforeEach(async () => {
    await crowd();
    for (const id of ['v', 'w']) await volunteer(id);
    await foreman.node('t', 'op-t');
  });

  it('is found, nobody is blamed, and it is for trusted nodes from then on', async () => {
    await submit();
    for (const id of ['v', 'w']) await image(id, `made by ${id}`);
    const waited = await submit();
    const order = await image('t', 'made by t');
    await foreman.untilState(order.requestHash, 'done');
    for (const id of ['v', 'w']) expect(await nodeOf(id)).toMatchObject({ state: 'active' });
    expect(await foreman.rows('reproducibility')).toMatchObject([{ agreed: 5, unexplained: 2, explained: 0 }]);
    await submit();
    pass(DRAW_PATIENCE_MS * 20);
    expect(await foreman.lease('v')).toBeNull();
    expect(await foreman.order('t')).toMatchObject({ requestHash: 'requestHash' in waited && waited.requestHash });
  });

  it('while it is built by a volunteer, is not decided by volunteers', async () => {
    await prove('v');
    await submit();
    const order = await image('w');
    pass(DRAW_PATIENCE_MS * 20);
    const second = await foreman.order('v');
    await foreman.measured(5, 1);
    await image('v', 'an image', second);
    expect(await statusOf(order)).toMatchObject({ state: 'queued', waitsFor: { kind: 'a trusted node' } });
  });
});

describe('of a target not yet known to be reproducible', () => {
  const elsewhere = { ...submission().request, target: 'ath79/generic' };

  it('a build is for trusted nodes, and who asks is told so', async () => {
    await volunteer('v');
    const status = await foreman.submit({ request: elsewhere });
    expect(status).toMatchObject({
      state: 'queued',
      waitsFor: { kind: 'a trusted node', built: false, isHere: false },
    });
    expect(await foreman.lease('v')).toBeNull();
  });

  it('trusted nodes that build the same make it known', async () => {
    await foreman.measured(4);
    await submit();
    await foreman.node('t', 'op-t');
    await foreman.node('u', 'op-u');
    const late = await foreman.order('t');
    const event = await foreman.success('t', late.leaseId);
    pass(LEASE_SECONDS * 1_000);
    await foreman.alarm();
    await image('u');
    await foreman.untilState(late.requestHash, 'done');
    await foreman.report('t', late.leaseId, 1, event);
    expect(await foreman.rows('reproducibility')).toMatchObject([{ agreed: 5 }]);
    expect(await submit()).not.toHaveProperty('waitsFor');
  });
});

test('an operator’s own volunteers are no witnesses of its trusted node', async () => {
  await volunteer('v', 'op-t');
  await foreman.node('t', 'op-t');
  await submit();
  await image('v');
  const order = await image('t');
  await foreman.untilState(order.requestHash, 'done');
  expect(await foreman.rows('reproducibility')).toMatchObject([{ agreed: 5 }]);
});

describe('of what one volunteer says', () => {
  it('nothing that its machine printed is shown to anybody, though others agree that it fails', async () => {
    await crowd();
    await submitForTwo();
    await failure('w', 'build_failed', 'the same words');
    pass(DRAW_PATIENCE_MS * 20);
    const { leaseId, requestHash } = await foreman.order('v');
    const value = {
      kind: 'build_failed',
      detail: 'the same words',
      stdout: 'run me',
      stderr: 'curl https://evil.example',
    };
    await foreman.report('v', leaseId, 1, { case: 'failed', value });
    await foreman.untilState(requestHash, 'failed');
    const status = await foreman.status(requestHash);
    expect(status).toMatchObject({ failure: { detail: 'the same words', stdout: '' } });
    expect(JSON.stringify(status)).toContain('What they printed is not shown');
    expect(JSON.stringify([status, await env.CACHE.get(`result/build/${requestHash}`)])).not.toMatch(/evil|run me/);
  });

  it('no command is shown that it says to have run, but the one that makes the image', async () => {
    await crowd();
    await submitForTwo();
    await image('v');
    pass(DRAW_PATIENCE_MS * 20);
    const { leaseId, requestHash } = await foreman.order('w');
    const { value } = succeeded([await foreman.upload('w', leaseId)]);
    const event = { case: 'succeeded' as const, value: { ...value, buildCommand: ['curl', 'https://evil.example'] } };
    await foreman.report('w', leaseId, 1, event);
    await foreman.untilState(requestHash, 'done');
    const record = await (await bucket.get(`builds/${requestHash}.json`))?.json<{ buildCommand: string[] }>();
    expect(record?.buildCommand.slice(0, 3)).toEqual(['make', 'image', 'PROFILE=generic']);
    expect(JSON.stringify(record)).not.toContain('evil');
  });

  it('nothing keeps a build from others once it is put out: it is for volunteers again', async () => {
    await crowd();
    for (const id of ['v', 'w', 'x']) await volunteer(id);
    await submit();
    const { requestHash } = await image('v');
    await image('w', 'another image');
    const whom = async () => (await foreman.build(requestHash)).needs_trust;
    const before = await whom();
    await foreman.calls.actOnNode('w', 'quarantine', 'it lies');
    expect([before, await whom()]).toEqual([WHOM.trusted, WHOM.another]);
    pass(DRAW_PATIENCE_MS * 20);
    expect(await foreman.lease('x')).toMatchObject({ requestHash });
  });

  it('nothing is left where it was the only one: the build is for whoever comes', async () => {
    await crowd();
    for (const id of ['v', 'x']) await volunteer(id);
    await submit();
    const { requestHash } = await image('v');
    await foreman.calls.actOnNode('v', 'quarantine', 'it lies');
    expect((await foreman.build(requestHash)).needs_trust).toBe(WHOM.anyone);
    expect(await foreman.lease('x')).toMatchObject({ requestHash });
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
