/** What one volunteer alone says: nothing of it is shown, and nothing of it stays once it is put out. */
import { describe, expect, it } from 'vitest';
import { DRAW_PATIENCE_MS } from '../../../shared/trust/draw-operator.ts';
import { env } from '../../edge.fixture.ts';
import { succeeded } from '../../nodes/farm-node.fixture.ts';
import { bucket, type OpenedForeman } from '../foreman.fixture.ts';
import { WHOM } from '../schema.ts';
import { pass } from './crowd.fixture.ts';
import { crowd, failure, image, submit, submitForTwo, volunteer, withVolunteers } from './verifying.fixture.ts';

let foreman: OpenedForeman;

withVolunteers((opened) => {
  foreman = opened;
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
