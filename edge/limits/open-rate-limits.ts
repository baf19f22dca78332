/** The rate limits of this isolate, as configured: 0 switches one off, and the platform's counters are used where they exist. */
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import type { Env } from '../env.ts';
import { LocationLimit } from './location-limit.ts';
import { type RateLimit, type RateLimits, UNLIMITED } from './rate-limit.ts';
import { TokenBuckets } from './token-buckets.ts';

export function openRateLimits(env: Env, config: EdgeSettings): RateLimits {
  return {
    builds: openRateLimit(config.BUILDS_PER_MINUTE, env.BUILDS_LIMIT),
    misses: openRateLimit(config.MISSES_PER_MINUTE, env.MISSES_LIMIT),
  };
}

function openRateLimit(perMinute: number, binding: Env['BUILDS_LIMIT']): RateLimit {
  if (perMinute === 0) return UNLIMITED;
  const near = new TokenBuckets(perMinute);
  return binding ? new LocationLimit(near, binding) : near;
}
