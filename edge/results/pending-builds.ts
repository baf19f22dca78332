/**
 * What the Foreman said a moment ago of builds that are not done. A popular build has hundreds of pollers, and each answer
 * counts the queue; without this they would all come to the one Durable Object. Values only: a promise that one request
 * made must not be awaited by another.
 */
import { LRUCache } from 'lru-cache';
import type { BuildStatus } from '../../shared/build/build-state.ts';
import { LIFETIMES } from '../lifetimes.ts';

export type PendingStatus = Extract<BuildStatus, { state: 'queued' | 'running' }>;

/**
 * Those polled last are looked at for what is due, and no more: a call to the Foreman must not wait for a long list. Long enough
 * for all that is polled for in a few seconds of a release day: the builds that run are few among thousands that wait.
 */
const LOOKED_THROUGH = 8_192;
/**
 * Asked for within this time, a build is waited for: clients ask every two to five seconds. By time, and not since it was told
 * last: of a build that runs what is told is old before its only client asks again, and it would never be asked for on the way.
 */
const WANTED_MS = 6_000;
/**
 * In its last quarter what was told is asked for with what is old. A fixed time would be next to nothing of the minute for which
 * the many stand that are far back in a long queue, and each of them would cost a call of its own.
 */
const LAST_PART = 1 / 4;

interface Kept {
  status: PendingStatus;
  until: number;
  /** From then on it is asked for on the way. */
  soonAt: number;
  polledAt: number;
}

export class PendingBuilds {
  readonly #kept: LRUCache<string, Kept>;
  readonly #live: LRUCache<string, true>;
  readonly #done: LRUCache<string, true>;
  readonly #clock: { now(): number };

  constructor(clock: { now(): number } = performance) {
    this.#clock = clock;
    this.#kept = new LRUCache({
      maxSize: LIFETIMES.pendingInMemoryBytes,
      sizeCalculation: ({ status }) => 800 + 2 * JSON.stringify(status.echo).length,
    });
    // As for results: a Worker's timers end with their request.
    const withoutTimers = { ttlResolution: 0, perf: clock };
    this.#live = new LRUCache({ max: 20_000, ttl: LIFETIMES.liveIntentMs, ...withoutTimers });
    this.#done = new LRUCache({ max: 5_000, ttl: LIFETIMES.doneMs, ...withoutTimers });
  }

  get(requestHash: string): PendingStatus | undefined {
    const kept = this.#kept.get(requestHash);
    const now = this.#clock.now();
    if (kept) kept.polledAt = now;
    return kept && now <= kept.until ? kept.status : undefined;
  }

  /** Builds that are polled for, and of which nothing is known any more, or soon nothing. */
  due(limit: number): string[] {
    const due: string[] = [];
    const now = this.#clock.now();
    let looked = 0;
    for (const [requestHash, { soonAt, polledAt }] of this.#kept.entries()) {
      // Those behind it were polled for before it.
      if (due.length === limit || ++looked > LOOKED_THROUGH || now - polledAt > WANTED_MS) break;
      if (soonAt < now) due.push(requestHash);
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

  /** What was said of those that were asked for on the way. Of one that failed more is to be told: it is asked for once more. */
  rememberAll(statuses: readonly (BuildStatus | null)[]): void {
    for (const status of statuses) {
      if (status?.state === 'queued' || status?.state === 'running') this.remember(status);
      else if (status?.state === 'done') {
        this.#kept.delete(status.requestHash);
        this.#done.set(status.requestHash, true);
      }
    }
  }

  /** The Foreman said so a moment ago: what was built is in the store, unless it has gone since. */
  isDone(requestHash: string): boolean {
    return this.#done.has(requestHash);
  }

  /** `intentHash`: where it is known. */
  remember(status: PendingStatus, intentHash?: string): void {
    if (intentHash !== undefined) this.goesLive(intentHash);
    const now = this.#clock.now();
    const standsMs = pendingMs(status);
    const told = { status, until: now + standsMs, soonAt: now + standsMs * (1 - LAST_PART) };
    const kept = this.#kept.peek(status.requestHash);
    // In place: put in anew it would stand before those polled last, and what is looked through would be what was just told.
    if (kept) Object.assign(kept, told);
    // Who made it be asked for polls for it in a moment.
    else this.#kept.set(status.requestHash, { ...told, polledAt: now });
  }
}

/** How long an answer stands. It may delay the news of a start or an end by so much, and no more. */
export function pendingMs(status: PendingStatus): number {
  if (status.state === 'running') return LIFETIMES.runningMs;
  if (status.position === 0) return LIFETIMES.queuedMinMs;
  return Math.min(Math.max((status.etaSeconds * 1000) / 20, LIFETIMES.queuedMinMs), LIFETIMES.queuedMaxMs);
}
