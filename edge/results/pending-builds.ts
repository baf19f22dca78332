/**
 * What the Foreman said a moment ago of builds that are not done. A popular build has hundreds of pollers, and each answer
 * counts the queue; without this they would all come to the one Durable Object. Values only: a promise that one request
 * made must not be awaited by another.
 */
import { LRUCache } from 'lru-cache';
import type { BuildStatus } from '../../shared/build-state.ts';
import { LIFETIMES } from '../lifetimes.ts';

export type PendingStatus = Extract<BuildStatus, { state: 'queued' | 'running' }>;

export class PendingBuilds {
  readonly #statuses: LRUCache<string, PendingStatus>;
  readonly #live: LRUCache<string, true>;

  constructor(clock: { now(): number } = performance) {
    this.#statuses = new LRUCache({
      maxSize: LIFETIMES.pendingInMemoryBytes,
      sizeCalculation: (status) => 800 + 2 * JSON.stringify(status.echo).length,
      ttl: LIFETIMES.runningMs,
      // As for results: a Worker's timers end with their request.
      ttlResolution: 0,
      perf: clock,
    });
    this.#live = new LRUCache({ max: 20_000, ttl: LIFETIMES.liveIntentMs, ttlResolution: 0, perf: clock });
  }

  get(requestHash: string): PendingStatus | undefined {
    return this.#statuses.get(requestHash);
  }

  /** Whether a build of this intent was under way when this isolate last heard of it, minutes ago at most. */
  isLive(intentHash: string): boolean {
    return this.#live.has(intentHash);
  }

  /** It is being submitted: whoever asks for it from now on begins no build. */
  goesLive(intentHash: string): void {
    this.#live.set(intentHash, true);
  }

  /** The Foreman did not take it. */
  isOver(intentHash: string): void {
    this.#live.delete(intentHash);
  }

  /** `intentHash`: where it is known. */
  remember(status: PendingStatus, intentHash?: string): void {
    if (intentHash !== undefined) this.goesLive(intentHash);
    this.#statuses.set(status.requestHash, status, { ttl: pendingMs(status) });
  }
}

/** How long an answer stands. It may delay the news of a start or an end by so much, and no more. */
export function pendingMs(status: PendingStatus): number {
  if (status.state === 'running') return LIFETIMES.runningMs;
  if (status.position === 0) return LIFETIMES.queuedMinMs;
  return Math.min(Math.max((status.etaSeconds * 1000) / 20, LIFETIMES.queuedMinMs), LIFETIMES.queuedMaxMs);
}
