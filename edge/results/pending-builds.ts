/**
 * What the Foreman said a moment ago of builds that are not done. A popular build has hundreds of pollers, and each answer
 * counts the queue; without this they would all come to the one Durable Object. Values only: a promise that one request
 * made must not be awaited by another.
 */
import { LRUCache } from 'lru-cache';
import type { BuildStatus } from '../../shared/build-state.ts';
import { LIFETIMES } from '../lifetimes.ts';

export type PendingStatus = Extract<BuildStatus, { state: 'queued' | 'running' }>;

/** Those polled last are looked at for what is due, and no more: a call to the Foreman must not wait for a long list. */
const LOOKED_THROUGH = 256;
/** What grows old so soon is asked for with what is old. */
const SOON_MS = 500;

interface Kept {
  readonly status: PendingStatus;
  readonly until: number;
  /** Somebody asked since it was told; what nobody polls for any more is not asked for. */
  isWanted: boolean;
}

export class PendingBuilds {
  readonly #kept: LRUCache<string, Kept>;
  readonly #live: LRUCache<string, true>;
  readonly #clock: { now(): number };

  constructor(clock: { now(): number } = performance) {
    this.#clock = clock;
    this.#kept = new LRUCache({
      maxSize: LIFETIMES.pendingInMemoryBytes,
      sizeCalculation: ({ status }) => 800 + 2 * JSON.stringify(status.echo).length,
    });
    // As for results: a Worker's timers end with their request.
    this.#live = new LRUCache({ max: 20_000, ttl: LIFETIMES.liveIntentMs, ttlResolution: 0, perf: clock });
  }

  get(requestHash: string): PendingStatus | undefined {
    const kept = this.#kept.get(requestHash);
    if (kept) kept.isWanted = true;
    return kept && this.#clock.now() <= kept.until ? kept.status : undefined;
  }

  /** Builds that are polled for, and of which nothing is known any more, or soon nothing. */
  due(limit: number): string[] {
    const due: string[] = [];
    const soon = this.#clock.now() + SOON_MS;
    let looked = 0;
    for (const [requestHash, { until, isWanted }] of this.#kept.entries()) {
      if (due.length === limit || ++looked > LOOKED_THROUGH) break;
      if (isWanted && until < soon) due.push(requestHash);
    }
    return due;
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
    const until = this.#clock.now() + pendingMs(status);
    this.#kept.set(status.requestHash, { status, until, isWanted: false });
  }
}

/** How long an answer stands. It may delay the news of a start or an end by so much, and no more. */
export function pendingMs(status: PendingStatus): number {
  if (status.state === 'running') return LIFETIMES.runningMs;
  if (status.position === 0) return LIFETIMES.queuedMinMs;
  return Math.min(Math.max((status.etaSeconds * 1000) / 20, LIFETIMES.queuedMinMs), LIFETIMES.queuedMaxMs);
}
