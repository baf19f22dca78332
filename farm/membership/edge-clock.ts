/**
 * The edge's time, as far as this node has heard it. Calls are signed with a time, and deadlines are on the edge's clock: a machine
 * without a battery, or one that nobody set, is a day off and would be refused for ever, though all else about it is well.
 *
 * Whoever stands on an unencrypted line may tell another time. What he wins is a call signed for that time, which he could have passed
 * on as well today: calls are idempotent, and worth nothing once the certificate that comes with them has ended.
 */
import { CLOCK_TOLERANCE_MS } from '../../shared/node/call-signature.ts';

export class EdgeClock {
  #aheadMs = 0;

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.#aheadMs;
  }

  /** True where it was another time than was thought, so that what was refused for it may be tried again. */
  hear(edgeTimeMs: number): boolean {
    const isNews = Math.abs(edgeTimeMs - this.now()) > CLOCK_TOLERANCE_MS / 2;
    this.#aheadMs = edgeTimeMs - Date.now();
    return isNews;
  }

  /** Null where this machine's clock will do, else a sentence for its owner. */
  fault(): string | null {
    if (Math.abs(this.#aheadMs) <= CLOCK_TOLERANCE_MS) return null;
    const minutes = Math.round(Math.abs(this.#aheadMs) / 60_000);
    const much = minutes < 180 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
    const way = this.#aheadMs > 0 ? 'behind' : 'ahead of';
    return `the clock of this machine is ${much} ${way} the edge's: set it. Until then the edge's time is used for calls`;
  }
}
