/**
 * The platform may evict the Foreman between any two events. Whatever it held in memory alone is gone then, so each life of
 * a build must end as the undisturbed one does.
 */
import { evictDurableObject } from 'cloudflare:test';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { foremanStats, foremanStub, openUpstream } from '../edge.fixture.ts';
import { IMAGE_NAME } from '../nodes/farm-node.fixture.ts';
import { beginLife, LIVES, outcomeOf, type Step } from './build-life.fixture.ts';
import { LARGE_FILE } from './leases/upload-in-parts.fixture.ts';

const DAY_MS = 24 * 3_600_000;
/** Ahead, as alarms are not to ring by themselves; and early in a day, since what is compared counts by day. */
const TOMORROW = (Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS + 3_600_000;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: TOMORROW });
  await openUpstream();
});
afterAll(() => {
  vi.useRealTimers();
});

async function evict(): Promise<void> {
  await evictDurableObject(foremanStub());
  // An object that has not been asked anything yet: it is a new one.
  expect((await foremanStats()).calls).toEqual({});
}

async function live(steps: readonly Step[], fields: object | undefined, isEvictedAfter: (step: number) => boolean) {
  const life = await beginLife(fields);
  for (const [at, [, happens]] of steps.entries()) {
    await happens(life);
    if (isEvictedAfter(at)) await evict();
  }
  return outcomeOf(life);
}

describe.each(Object.entries(LIVES))('%s', (name, { steps, fields }) => {
  let undisturbed: unknown;
  beforeAll(async () => {
    undisturbed = await live(steps, fields, () => false);
  });

  it('ends as it should', () => {
    const isImage = name !== 'a failure of the request';
    const isInParts = name.includes('parts');
    const complete = { state: 'complete' };
    const small = [expect.stringContaining(IMAGE_NAME), { size: 8 }];
    const large = [expect.stringContaining(LARGE_FILE.name), { sha256: LARGE_FILE.sha256 }];
    expect(undisturbed).toMatchObject({
      answer: [isImage ? 200 : 500, { request_hash: 'HASH' }],
      image: isImage ? [200, 'an image'] : [404, ''],
      build: {
        state: isImage ? 'done' : 'failed',
        attempts: name.includes('lost') ? 2 : 1,
        lease_id: expect.anything(),
      },
      leases: isInParts ? [{ state: 'ended' }] : [{ state: 'ended' }, { state: 'ended' }],
      uploads: isInParts ? [complete, complete] : [complete],
      stored: isInParts ? [large, small] : [small],
      votes: [{ node_id: 'SECOND', verdict: 'right' }],
      queue: { waiting: 0, live: 0, activeLeases: 0 },
    });
  });

  it.each(steps.map(([step], at) => [step, at] as const))('evicted after: %s', async (_, at) => {
    expect(await live(steps, fields, (step) => step === at)).toEqual(undisturbed);
  });

  it('evicted after every step', async () => {
    expect(await live(steps, fields, () => true)).toEqual(undisturbed);
  });
});
