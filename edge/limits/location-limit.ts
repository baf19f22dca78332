/**
 * Adds to an isolate's own rate limit the platform's, which counts for a whole location of Cloudflare: there a client meets
 * many isolates. Asked only for what the isolate itself would allow.
 */
import type { Env } from '../env.ts';
import { logError } from '../log.ts';
import type { RateLimit } from './rate-limit.ts';
import type { TokenBuckets } from './token-buckets.ts';

type Binding = NonNullable<Env['BUILDS_LIMIT']>;

export class LocationLimit implements RateLimit {
  readonly #near: TokenBuckets;
  readonly #location: Binding;

  constructor(near: TokenBuckets, location: Binding) {
    this.#near = near;
    this.#location = location;
  }

  async take(client: string): Promise<boolean> {
    return (await this.#near.take(client)) && this.#takeThere(client);
  }

  reserve(client: string): boolean {
    return this.#near.reserve(client);
  }

  async settle(client: string, isUsed: boolean): Promise<void> {
    await this.#near.settle(client, isUsed);
    if (isUsed) await this.#takeThere(client);
  }

  async owe(client: string): Promise<void> {
    await this.#near.owe(client);
    await this.#takeThere(client);
  }

  isSpent(client: string): boolean {
    return this.#near.isSpent(client);
  }

  async #takeThere(client: string): Promise<boolean> {
    try {
      const { success } = await this.#location.limit({ key: client });
      // Remembered here, or each further request of a flood would ask again.
      if (!success) this.#near.drain(client);
      return success;
    } catch (error) {
      logError('the platform’s rate limit does not answer', { error });
      return true;
    }
  }
}
