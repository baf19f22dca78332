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

const CALLS = ['versions', 'target', 'profiles', 'arch', 'models', 'check'] as const;

/** As a Worker sees the Catalogue through its binding. `questions` has the name of every call. */
export function catalogueBinding(mirror: Mirror, clock: Clock, questions: string[] = []): Env['CATALOGUE'] {
  const call =
    (name: (typeof CALLS)[number]) =>
    (...args: never[]) => {
      questions.push(name);
      return withCatalogue(mirror, clock, (catalogue) =>
        (catalogue[name] as (...args: never[]) => Promise<unknown>)(...args),
      );
    };
  const stub = Object.fromEntries(CALLS.map((name) => [name, call(name)]));
  return { getByName: () => stub } as unknown as Env['CATALOGUE'];
}

/** KV as it is, every read of a document noted. */
export const countingKv = (reads: string[]): KVNamespace =>
  new Proxy(realEnv.CACHE, {
    get: (kv, name) => {
      const member = Reflect.get(kv, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name === 'get' && String(args[0]).startsWith('catalogue/')) reads.push(String(args[0]));
        return member.apply(kv, args);
      };
    },
  });
