/**
 * A Catalogue in a real Durable Object, with its real SQLite and KV; only the mirror and the clock are a test's. Every call is a
 * new instance on the same storage, as after an eviction.
 */
import { runInDurableObject } from 'cloudflare:test';
import { env as workerEnv } from 'cloudflare:workers';
import type { Env } from '../env.ts';
import { Catalogue } from './catalogue.ts';
import type { Mirror } from './mirror.fixture.ts';

export interface Clock {
  ms: number;
}

/** From now on: an alarm that a test sets must not ring before the test is over. */
export const openClock = (): Clock => ({ ms: Date.now() });

export const realEnv = workerEnv as unknown as Env;

export const envOf = (mirror: Mirror, changes: Record<string, unknown> = {}): Env => ({
  ...realEnv,
  UPSTREAM_URL: mirror.url,
  UPSTREAM_KEYS: JSON.stringify([mirror.key.publicKey]),
  ...changes,
});

export function withCatalogue<Result>(
  mirror: Mirror,
  clock: Clock,
  body: (catalogue: Catalogue, state: DurableObjectState) => Promise<Result>,
  env: Env = envOf(mirror),
): Promise<Result> {
  return runInDurableObject(realEnv.CATALOGUE.getByName(mirror.url), async (_, state) => {
    const catalogue = new Catalogue(state, env, { fetch: mirror.fetch, now: () => clock.ms });
    // A request would wait for the constructor's migration by itself; a direct call has to be told.
    await state.blockConcurrencyWhile(async () => {});
    return body(catalogue, state);
  });
}
