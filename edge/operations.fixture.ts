/**
 * The bindings of the Worker, counted: what each route asks of KV, the store and the Durable Objects is what it costs, and a hit that
 * quietly began to ask the Foreman would look like any other in every other test.
 */
import type { Env } from './env.ts';

/** `kv.get` and the like → how often. */
export type Operations = Record<string, number>;

export interface CountedEnv {
  readonly env: Env;
  /** Since they were taken last. */
  take(): Operations;
}

export function countedEnv(env: Env): CountedEnv {
  let counts: Operations = {};
  const note = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  const objects = (name: string, namespace: object): object =>
    spied(namespace, (method, made) =>
      method === 'get' || method === 'getByName'
        ? spied(
            made,
            () => undefined,
            () => note(name),
          )
        : undefined,
    );
  return {
    env: {
      ...env,
      CACHE: spied(env.CACHE, undefined, (method) => note(`kv.${method}`)),
      IMAGES: env.IMAGES && spied(env.IMAGES, undefined, (method) => note(`store.${method}`)),
      FOREMAN: objects('foreman', env.FOREMAN),
      CATALOGUE: objects('catalogue', env.CATALOGUE),
    } as Env,
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
  };
}

type Replacement = (method: string, made: object) => object | undefined;

/** The same object, of which each call is told. `replace`: what is given back instead. */
function spied<Spied extends object>(target: Spied, replace?: Replacement, note?: (method: string) => void): Spied {
  return new Proxy(target, {
    get(_, name) {
      const value = Reflect.get(target, name);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      return (...args: unknown[]) => {
        note?.(name);
        const made = Reflect.apply(value, target, args);
        return replace?.(name, made) ?? made;
      };
    },
  });
}
