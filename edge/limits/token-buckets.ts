/**
 * A rate limit in this isolate's memory: for plain workerd, which has no other, and before the platform's own, so that who has
 * spent his share is refused without asking anybody. A bucket holds a minute's worth, and fills up again steadily.
 */
import { LRUCache } from 'lru-cache';
import { LIFETIMES } from '../lifetimes.ts';
import type { RateLimit } from './rate-limit.ts';

interface Bucket {
  readonly tokens: number;
  /** When it held so many. */
  readonly at: number;
}

export class TokenBuckets implements RateLimit {
  /** Who is forgotten has a full bucket; a flood from more networks than this would get through anyway. */
  readonly #buckets = new LRUCache<string, Bucket>({ max: LIFETIMES.limitedClients });
  readonly #perMinute: number;
  readonly #clock: { now(): number };

  constructor(perMinute: number, clock: { now(): number } = performance) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  async take(client: string): Promise<boolean> {
    return this.reserve(client);
  }

  reserve(client: string): boolean {
    const tokens = this.#tokens(client);
    if (tokens < 1) return false;
    this.#put(client, tokens - 1);
    return true;
  }

  async settle(client: string, isUsed: boolean): Promise<void> {
    if (!isUsed) this.#put(client, Math.min(this.#tokens(client) + 1, this.#perMinute));
  }

  async owe(client: string): Promise<void> {
    this.#put(client, Math.max(this.#tokens(client) - 1, 1 - this.#perMinute));
  }

  isSpent(client: string): boolean {
    return this.#tokens(client) < 1;
  }

  /** Somebody who sees more of this client than we do says that it has had enough: nothing for a minute, which is what he counts. */
  drain(client: string): void {
    this.#put(client, 1 - this.#perMinute);
  }

  #tokens(client: string): number {
    const bucket = this.#buckets.get(client);
    if (!bucket) return this.#perMinute;
    const elapsedMs = Math.max(0, this.#clock.now() - bucket.at);
    return Math.min(this.#perMinute, bucket.tokens + (elapsedMs * this.#perMinute) / 60_000);
  }

  #put(client: string, tokens: number): void {
    this.#buckets.set(client, { tokens, at: this.#clock.now() });
  }
}
