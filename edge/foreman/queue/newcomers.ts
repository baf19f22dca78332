/**
 * How often does somebody come whose turn is the next? Whoever asks for one image is served before the tenth image of somebody
 * else, as is fair; but who waits for the tenth must be told so, or the estimate is half of the truth on a busy day. In memory:
 * after a rest nothing is known, and nobody is said to come until somebody did.
 */
const MINUTE_MS = 60_000;
const MINUTES = 5;
/** Of fewer nothing can be said: three who come in one minute do not make a rush. */
const LEAST_SEEN = 8;

export class Newcomers {
  readonly #minutes: { readonly minute: number; came: number }[] = [];
  #since: number | undefined;

  /** A build was accepted whose turn is the next. */
  came(now: number): void {
    this.#since ??= now;
    this.#forget(now);
    const minute = Math.floor(now / MINUTE_MS);
    const last = this.#minutes.at(-1);
    if (last?.minute === minute) last.came += 1;
    else this.#minutes.push({ minute, came: 1 });
  }

  /** In a millisecond, over the last minutes. */
  rate(now: number): number {
    if (this.#since === undefined) return 0;
    this.#forget(now);
    const came = this.#minutes.reduce((sum, minute) => sum + minute.came, 0);
    if (came < LEAST_SEEN) return 0;
    return came / Math.max(MINUTE_MS, Math.min(MINUTES * MINUTE_MS, now - this.#since));
  }

  #forget(now: number): void {
    const oldest = Math.floor(now / MINUTE_MS) - MINUTES;
    while ((this.#minutes[0]?.minute ?? oldest + 1) <= oldest) this.#minutes.shift();
  }
}
