/**
 * Which nodes may write to the log of which lease, as the Foreman said a moment ago. A build sends a piece every few seconds, and
 * on a release day nothing but uploads had the Foreman called more often than the question about each of them.
 *
 * What comes under a lease that has ended meanwhile does no harm: it is put under that lease and nowhere else, by the node whose
 * lease it was, in pieces that are written once and are few (LOG_LIMITS); the node could have sent the same a moment before its
 * last word. A private build never had a yes, and no build becomes private. Whoever listens follows the lease that the build
 * has now, so what a revoked node goes on writing is shown to nobody who waits. Old logs are removed after a week, when no yes is
 * left.
 *
 * A no is never remembered: it is rare, for a node that is told so sends no more of that log, and may be over in a moment.
 */
import { LRUCache } from 'lru-cache';
import { LIFETIMES } from './lifetimes.ts';

/** More than a farm of a thousand nodes builds at once. */
const MAX_PERMITS = 10_000;

export class LogPermits {
  readonly #given: LRUCache<string, true>;

  constructor(clock: { now(): number } = performance) {
    // Without a timer: a Worker's end with the request that set them.
    this.#given = new LRUCache({ max: MAX_PERMITS, ttl: LIFETIMES.logPermitMs, ttlResolution: 0, perf: clock });
  }

  /** Why it may not; null where it may. Calls `ask` where no yes is remembered. @throws what `ask` does */
  async refuse(
    nodeId: string,
    leaseId: string,
    ask: (nodeId: string, leaseId: string) => Promise<string | null>,
  ): Promise<string | null> {
    // A lease is whatever stood in a path; a node's id, which comes first, is hex.
    const key = `${nodeId} ${leaseId}`;
    if (this.#given.has(key)) return null;
    const refused = await ask(nodeId, leaseId);
    if (refused === null) this.#given.set(key, true);
    return refused;
  }
}
