/** What is known of a target: whether it comes out the same each time, and who builds it until that is known. */
import { beforeEach, describe, expect, it, test } from 'vitest';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { type OpenedForeman, submission } from '../foreman.fixture.ts';
import { pass } from './crowd.fixture.ts';
import { crowd, image, nodeOf, prove, statusOf, submit, volunteer, withVolunteers } from './verifying.fixture.ts';

let foreman: OpenedForeman;
const { LEASE_SECONDS } = configOf(env);

withVolunteers((opened) => {
  foreman = opened;
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
