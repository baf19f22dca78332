/**
 * When a node says again what its builds are at: every few seconds, or more rarely where the edge has many nodes and asks for it. An edge
 * that asks for too much is not heard further than its own leases can bear, or its nodes would lose every build.
 */

/** A lease ends 90 s after what renewed it; edges whose leases are shorter do not ask for so much. */
const MAX_PAUSE_MS = 30_000;

export class ReportPace {
  readonly #ownMs: number;
  readonly #clock: { now(): number };
  #askedMs = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  /** `ownMs`: as often as it does by itself; never more often. */
  constructor(ownMs: number, clock: { now(): number } = performance) {
    this.#ownMs = ownMs;
    this.#clock = clock;
  }

  /** It has been said, be it along with the end of a build. */
  told(): void {
    this.#toldAt = this.#clock.now();
  }

  /** What the edge asked for the last time; 0: nothing. */
  asked(pauseMs: number): void {
    this.#askedMs = pauseMs;
  }

  get untilNextMs(): number {
    const pauseMs = Math.max(this.#ownMs, Math.min(this.#askedMs, MAX_PAUSE_MS));
    return Math.max(0, this.#toldAt + pauseMs - this.#clock.now());
  }
}
