import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { configOf } from '../../config.ts';
import { env, openUpstream } from '../../edge.fixture.ts';
import { AHEAD, type OpenedForeman, openForeman, progress } from '../foreman.fixture.ts';

const abandonedMs = configOf(env).ABANDONED_MINUTES * 60_000;
let foreman: OpenedForeman;
let hash = '';

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

beforeEach(async () => {
  await openUpstream();
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  foreman = openForeman();
  await foreman.node('a');
  const status = await foreman.submit();
  hash = status.state === 'queued' ? status.requestHash : '';
});

describe('a build that waits', () => {
  it('and is asked for stays, however long it takes', async () => {
    for (let minute = 0; minute < 40; minute += 1) {
      pass(60_000);
      expect(await foreman.status(hash)).toMatchObject({ state: 'queued' });
      await foreman.alarm();
    }
  });

  it('and is posted for again stays as well', async () => {
    for (const _ of [1, 2, 3]) {
      pass(abandonedMs - 1_000);
      expect(await foreman.submit()).toMatchObject({ state: 'queued' });
      await foreman.alarm();
    }
  });

  it('and that nobody asks for leaves the queue by itself, and says so to who comes late', async () => {
    expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now() + abandonedMs + 1);
    await foreman.elapse(abandonedMs + 1);
    expect((await foreman.calls.stats()).waiting).toBe(0);
    expect(await foreman.status(hash)).toMatchObject({
      state: 'failed',
      failure: { kind: 'cancelled', detail: expect.stringContaining('Nobody asked for this build') },
    });
    expect(await foreman.lease('a')).toBeNull();
    expect(await foreman.rows('counters')).toEqual([]);
  });

  it('and left begins anew when it is asked for again', async () => {
    await foreman.elapse(abandonedMs + 1);
    expect(await foreman.submit()).toMatchObject({ state: 'queued', position: 0 });
  });

  it('is not held to have been left while the Foreman was away', async () => {
    await evictDurableObject(foreman.stub);
    pass(10 * abandonedMs);
    await foreman.calls.stats();
    await foreman.alarm();
    expect(await foreman.status(hash)).toMatchObject({ state: 'queued' });
  });
});

it('a build that runs is finished, whether somebody asks for it or not', async () => {
  const { leaseId } = await foreman.order('a');
  for (let minute = 1; minute <= 4; minute += 1) {
    pass(60_000);
    expect(await foreman.report('a', leaseId, minute, progress(2))).toBe('active');
    await foreman.alarm();
  }
  expect(await foreman.status(hash)).toMatchObject({ state: 'running' });
});

describe('an operator', () => {
  it('stops what waits', async () => {
    expect(await foreman.calls.cancel(hash)).toBe(true);
    expect(await foreman.status(hash)).toMatchObject({ state: 'failed', failure: { kind: 'cancelled' } });
    expect(await foreman.calls.cancel(hash)).toBe(false);
  });

  it('stops what runs: the node is told, and what it brings is not taken', async () => {
    const { leaseId } = await foreman.order('a');
    const image = await foreman.success('a', leaseId);
    expect(await foreman.calls.cancel(hash)).toBe(true);
    expect(await foreman.report('a', leaseId, 1, image)).toBe('ended');
    expect(await foreman.status(hash)).toMatchObject({ state: 'failed', failure: { kind: 'cancelled' } });
  });

  it('cannot stop what is done, or what nobody knows', async () => {
    const { leaseId } = await foreman.order('a');
    await foreman.report('a', leaseId, 1, await foreman.success('a', leaseId));
    await foreman.untilState(hash, 'done');
    expect(await foreman.calls.cancel(hash)).toBe(false);
    expect(await foreman.calls.cancel(sha256Hex('another'))).toBe(false);
  });
});
