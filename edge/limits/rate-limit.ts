/**
 * The port of rate limits: may this client have one more this minute? Today's clients cannot be told to wait (they ask again
 * every 5 s whatever they are told), so a limit is there for floods alone, and a refusal has to be as cheap as a hit.
 */
export interface RateLimit {
  /** Takes one; false where nothing is left. A counter that does not answer lets everybody through. */
  take(client: string): Promise<boolean>;
  /** Takes one for something that may turn out to cost nothing: `settle` says so. Of this isolate alone; asks nobody. */
  reserve(client: string): boolean;
  /** Ends what `reserve` began: it is used, or given back. */
  settle(client: string, isUsed: boolean): Promise<void>;
  /** Takes one for what has begun already, though nothing may be left: it is owed then, a minute's worth at most. */
  owe(client: string): Promise<void>;
  /** Nothing is left, as far as this isolate knows. Takes nothing and asks nobody. */
  isSpent(client: string): boolean;
}

/**
 * `builds`: new builds, each of which costs a node a minute. `misses`: whatever memory and KV cannot answer, for it costs the
 * one Foreman, the object store, or both.
 */
export type LimitName = 'builds' | 'misses';

export type RateLimits = Readonly<Record<LimitName, RateLimit>>;

export const UNLIMITED: RateLimit = {
  take: async () => true,
  reserve: () => true,
  settle: async () => undefined,
  owe: async () => undefined,
  isSpent: () => false,
};
