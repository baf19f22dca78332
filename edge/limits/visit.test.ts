import { describe, expect, it, vi } from 'vitest';
import { LIFETIMES } from '../lifetimes.ts';
import { FullQueue } from './full-queue.ts';
import { TokenBuckets } from './token-buckets.ts';
import { Visit } from './visit.ts';

const REQUEST = { signal: new AbortController().signal };

const still = { now: () => 0 };
const limits = (builds: number, misses: number) => ({
  builds: new TokenBuckets(builds, still),
  misses: new TokenBuckets(misses, still),
});
const refusal = expect.objectContaining({ kind: 'too_many_requests' });

describe('a visit', () => {
  it('is refused where its client has spent what it needs, before anything is taken of the rest', async () => {
    const open = limits(1, 10);
    await new Visit(open, () => 'a', REQUEST).charge('builds');
    const visit = new Visit(open, () => 'a', REQUEST);
    expect(() => visit.refuseIfSpent('misses', 'builds')).toThrow(refusal);
    expect(() => visit.refuseIfSpent('misses')).not.toThrow();
    expect(() => new Visit(open, () => 'b', REQUEST).refuseIfSpent('misses', 'builds')).not.toThrow();
  });

  it('is refused when it would take more than is left', async () => {
    const visit = new Visit(limits(1, 2), () => 'a', REQUEST);
    await visit.charge('misses');
    await visit.charge('misses');
    await expect(visit.charge('misses')).rejects.toThrow(refusal);
  });

  it('gets back what it reserved and did not use', async () => {
    const open = limits(1, 1);
    const visit = new Visit(open, () => 'a', REQUEST);
    visit.reserve('builds');
    expect(() => new Visit(open, () => 'a', REQUEST).reserve('builds')).toThrow(refusal);
    await visit.settle('builds', false);
    visit.reserve('builds');
    await visit.settle('builds', true);
    expect(() => visit.reserve('builds')).toThrow(refusal);
  });

  it('of nobody that can be told from others is never refused', async () => {
    const visit = new Visit(limits(1, 1), () => null, REQUEST);
    for (let times = 0; times < 5; times++) await visit.charge('misses');
    for (let times = 0; times < 5; times++) visit.reserve('builds');
    await visit.settle('builds', true);
    visit.refuseIfSpent('misses', 'builds');
  });

  it('finds out who asks once, and not before it has to', async () => {
    const find = vi.fn(() => null);
    const visit = new Visit(limits(1, 1), find, REQUEST);
    expect(find).not.toHaveBeenCalled();
    await visit.charge('misses');
    visit.refuseIfSpent('builds');
    expect(find).toHaveBeenCalledTimes(1);
  });
});

it('a queue that was full counts as full for a moment', () => {
  let now = 5;
  const queue = new FullQueue({ now: () => now });
  expect(queue.isNow).toBe(false);
  queue.remember();
  now += LIFETIMES.queueFullMs - 1;
  expect(queue.isNow).toBe(true);
  now += 1;
  expect(queue.isNow).toBe(false);
});
