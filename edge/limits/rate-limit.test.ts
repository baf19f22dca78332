import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { configOf } from '../config.ts';
import { env } from '../edge.fixture.ts';
import { LocationLimit } from './location-limit.ts';
import { openRateLimits } from './open-rate-limits.ts';
import { describeRateLimit } from './rate-limit.contract.ts';
import { TokenBuckets } from './token-buckets.ts';

/** As in wrangler.toml. */
const BUILDS_IN_A_LOCATION = 120;
const binding = () => {
  if (!env.BUILDS_LIMIT) throw new Error('expected wrangler.toml to bind BUILDS_LIMIT');
  return env.BUILDS_LIMIT;
};
/** Within one instant: nothing is refilled while a test asks. */
const still = { now: () => 0 };

describeRateLimit('in memory', 40, () => new TokenBuckets(40, still));
describeRateLimit(
  'of a location, where it is the tighter one',
  BUILDS_IN_A_LOCATION,
  () => new LocationLimit(new TokenBuckets(10_000, still), binding()),
);
describeRateLimit(
  'of a location, where the isolate’s own is the tighter one',
  30,
  () => new LocationLimit(new TokenBuckets(30, still), binding()),
);
describeRateLimit(
  'as it is configured',
  25,
  () => openRateLimits({ ...env, BUILDS_LIMIT: undefined }, { ...configOf(env), BUILDS_PER_MINUTE: 25 }).builds,
);

afterEach(() => vi.restoreAllMocks());

describe('a bucket', () => {
  const spend = async (buckets: TokenBuckets, client: string): Promise<number> => {
    let taken = 0;
    while (await buckets.take(client)) taken++;
    return taken;
  };

  it('fills up steadily, and not beyond a minute’s worth', async () => {
    let now = 0;
    const buckets = new TokenBuckets(60, { now: () => now });
    expect(await spend(buckets, 'a')).toBe(60);
    now += 999;
    expect(await spend(buckets, 'a')).toBe(0);
    now += 1;
    expect(await spend(buckets, 'a')).toBe(1);
    now += 10_000;
    expect(await spend(buckets, 'a')).toBe(10);
    now += 3_600_000;
    expect(await spend(buckets, 'a')).toBe(60);
  });

  it('is never more than full, whatever is given back', async () => {
    const buckets = new TokenBuckets(3, still);
    await buckets.settle('a', false);
    expect(await spend(buckets, 'a')).toBe(3);
  });

  it('owes a minute’s worth at most', async () => {
    let now = 0;
    const buckets = new TokenBuckets(60, { now: () => now });
    for (let owed = 0; owed < 500; owed++) await buckets.owe('a');
    now += 59_999;
    expect(await spend(buckets, 'a')).toBe(0);
    now += 1;
    expect(await spend(buckets, 'a')).toBe(1);
  });

  it('is not emptied by a clock that goes back', async () => {
    let now = 60_000;
    const buckets = new TokenBuckets(60, { now: () => now });
    expect(await buckets.take('a')).toBe(true);
    now = 0;
    expect(buckets.isSpent('a')).toBe(false);
  });

  it('is one of so many, however many networks ask', async () => {
    const buckets = new TokenBuckets(1, still);
    for (let client = 0; client < 30_000; client++) await buckets.take(`client-${client}`);
    // The first was forgotten, the last was not.
    expect([buckets.isSpent('client-0'), buckets.isSpent('client-29999')]).toEqual([false, true]);
  });
});

describe('the limit of a location', () => {
  it('is not asked for what the isolate refuses already, so that a refusal is cheap', async () => {
    const limit = vi.fn(async () => ({ success: false }));
    const both = new LocationLimit(new TokenBuckets(100, still), { limit });
    for (let times = 0; times < 50; times++) expect(await both.take('a')).toBe(false);
    expect(limit).toHaveBeenCalledTimes(1);
  });

  it('that has had enough is believed for a minute, also where it is asked afterwards', async () => {
    const clock = { ms: 0, now: () => clock.ms };
    const both = new LocationLimit(new TokenBuckets(120, clock), { limit: async () => ({ success: false }) });
    let built = 0;
    for (; clock.ms < 10 * 60_000; clock.ms += 500)
      if (both.reserve('a')) {
        built++;
        await both.settle('a', true);
      }
    expect(built).toBeLessThanOrEqual(10);
  });

  it('that does not answer refuses nobody', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const both = new LocationLimit(new TokenBuckets(2, still), { limit: () => Promise.reject(new Error('gone')) });
    expect([await both.take('a'), await both.take('a'), await both.take('a')]).toEqual([true, true, false]);
    expect(log).toHaveBeenCalledTimes(2);
  });
});

test('a limit of 0 is none, with a binding and without', async () => {
  for (const bindings of [env, { ...env, MISSES_LIMIT: undefined }]) {
    const { misses } = openRateLimits(bindings, { ...configOf(env), MISSES_PER_MINUTE: 0 });
    const taken = await Promise.all(Array.from({ length: 5_000 }, () => misses.take('a')));
    expect(taken).not.toContain(false);
    expect(misses.isSpent('a')).toBe(false);
  }
});
