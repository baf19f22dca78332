/**
 * Which nodes may write to the log of which lease. A build sends a piece every few seconds, and a question about each of them would
 * have the Foreman called more often than anything else on a release day. So an order brings a permit along, which its node shows with each
 * piece; and where there is none, or it has ended, what the Foreman said a moment ago is remembered.
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
import { isPermitted, type Permitted, signPermit } from '../../shared/node/permit.ts';
import { LIFETIMES } from '../lifetimes.ts';

/** More than a farm of a thousand nodes builds at once. */
const MAX_PERMITS = 10_000;

export class LogPermits {
  readonly #key: Uint8Array;
  readonly #clock: { now(): number };
  readonly #given: LRUCache<string, true>;

  /** `key`: the same in every isolate. */
  constructor(key: Uint8Array, clock: { now(): number } = Date) {
    this.#key = key;
    this.#clock = clock;
    // Without a timer: a Worker's end with the request that set them.
    this.#given = new LRUCache({ max: MAX_PERMITS, ttl: LIFETIMES.logPermitMs, ttlResolution: 0, perf: clock });
  }

  /** To go along with the order of a build that is not private. */
  give(nodeId: string, leaseId: string): string {
    return signPermit(this.#key, written(nodeId, leaseId), this.#clock.now() + LIFETIMES.orderPermitMs);
  }

  /** Why it may not; null where it may. Calls `ask` where the permit is none, or empty, and no yes is remembered. @throws what `ask` does */
  async refuse(
    nodeId: string,
    leaseId: string,
    permit: string,
    ask: (nodeId: string, leaseId: string) => Promise<string | null>,
  ): Promise<string | null> {
    // A lease is whatever stood in a path; a node's id, which comes first, is hex.
    const key = `${nodeId} ${leaseId}`;
    if (this.#given.has(key) || isPermitted(this.#key, written(nodeId, leaseId), permit, this.#clock.now()))
      return null;
    const refused = await ask(nodeId, leaseId);
    if (refused === null) this.#given.set(key, true);
    return refused;
  }
}

const written = (nodeId: string, leaseId: string): Permitted => ['log', nodeId, leaseId];
