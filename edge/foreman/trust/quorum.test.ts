/** How many operators must say the same of a build, and what is published of what they said. */
import { describe, expect, it } from 'vitest';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { env } from '../../edge.fixture.ts';
import { succeeded } from '../../nodes/farm-node.fixture.ts';
import { handedBack, IMAGE, type OpenedForeman } from '../foreman.fixture.ts';
import { pass } from './crowd.fixture.ts';
import {
  crowd,
  detailOf,
  failure,
  image,
  nodeOf,
  prove,
  recordOf,
  statusOf,
  submit,
  submitForTwo,
  volunteer,
  withVolunteers,
} from './verifying.fixture.ts';

let foreman: OpenedForeman;

withVolunteers((opened) => {
  foreman = opened;
});

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
