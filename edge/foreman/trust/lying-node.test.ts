/** A node that says what is not true of a build: it publishes nothing, and denies nobody an image. */
import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { failed, type OpenedForeman } from '../foreman.fixture.ts';
import { pass } from './crowd.fixture.ts';
import {
  crowd,
  failure,
  image,
  nodeOf,
  prove,
  recordOf,
  statusOf,
  submit,
  volunteer,
  withVolunteers,
} from './verifying.fixture.ts';

let foreman: OpenedForeman;
const { LEASE_SECONDS } = configOf(env);

withVolunteers((opened) => {
  foreman = opened;
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
