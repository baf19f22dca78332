/**
 * One request on its way through the edge: who asks, what that may still cost, and what became of it. Refusals happen before
 * KV is read and again before anything beyond it is asked, so that a flood costs what a hit costs.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import type { Outcome } from '../statistics/counted.ts';
import type { ClientKeys } from './client-keys.ts';
import type { LimitName, RateLimits } from './rate-limit.ts';

/** Made once: a stack trace for each refusal would cost more than the refusal. */
const TOO_MANY = new BuildError('too_many_requests');

export class Visit {
  /** For the statistics; null as long as nothing is known. */
  outcome: Outcome | null = null;
  readonly #limits: RateLimits;
  readonly #findClient: () => string | null;
  readonly #request: { readonly signal: AbortSignal };
  #client: string | null | undefined;

  constructor(limits: RateLimits, findClient: () => string | null, request: { readonly signal: AbortSignal }) {
    this.#limits = limits;
    this.#findClient = findClient;
    this.#request = request;
  }

  /** Aborts when the client goes away. Made by the platform when it is first asked for, which a hit never does. */
  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /** @throws BuildError `too_many_requests` where the client has nothing left of one of them; takes nothing, asks nobody */
  refuseIfSpent(...names: readonly LimitName[]): void {
    const client = this.#clientKey();
    if (client !== null && names.some((name) => this.#limits[name].isSpent(client))) throw TOO_MANY;
  }

  /** Takes one. @throws BuildError `too_many_requests` where nothing is left */
  async charge(name: LimitName): Promise<void> {
    const client = this.#clientKey();
    if (client !== null && !(await this.#limits[name].take(client))) throw TOO_MANY;
  }

  /** Takes one for what may turn out to cost nothing. @throws BuildError `too_many_requests` where nothing is left */
  reserve(name: LimitName): void {
    const client = this.#clientKey();
    if (client !== null && !this.#limits[name].reserve(client)) throw TOO_MANY;
  }

  /** After `reserve`, whatever came of it. */
  async settle(name: LimitName, isUsed: boolean): Promise<void> {
    const client = this.#clientKey();
    if (client !== null) await this.#limits[name].settle(client, isUsed);
  }

  /** Takes one for what has begun already: refuses nothing now, but what comes next. */
  async owe(name: LimitName): Promise<void> {
    const client = this.#clientKey();
    if (client !== null) await this.#limits[name].owe(client);
  }

  /** Who asks; null where nobody can be told from anybody else. */
  get client(): string | null {
    return this.#clientKey();
  }

  /** Computed when it is first needed: a hit in memory never does. */
  #clientKey(): string | null {
    if (this.#client === undefined) this.#client = this.#findClient();
    return this.#client;
  }
}

export const visitOf = (
  context: { readonly limits: RateLimits; readonly clients: ClientKeys },
  request: Request,
): Visit => new Visit(context.limits, () => context.clients.of(request.headers, Date.now()), request);
