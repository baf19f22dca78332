/**
 * Which share of what starts is of those who came later? Whoever asks for one image is served before the tenth image of somebody
 * else, as is fair; but who waits for the tenth must be told so, or the estimate is half of the truth on a busy day. In memory:
 * after a rest nothing is known, and nobody is said to overtake until something was seen.
 */
const MINUTE_MS = 60_000;
const MINUTES = 5;
/** Of fewer starts nothing can be said. */
const LEAST_STARTS = 20;

export class Overtaking {
  readonly #minutes: { readonly minute: number; came: number; started: number }[] = [];

  /** A build was accepted whose turn is the next. */
  came(now: number): void {
    this.#minuteOf(now).came += 1;
  }

  /** A build was given to a node. */
  started(now: number): void {
    this.#minuteOf(now).started += 1;
  }

  /** From 0 to 1, of the last minutes. */
  share(now: number): number {
    this.#minuteOf(now);
    let [came, started] = [0, 0];
    for (const minute of this.#minutes) {
      came += minute.came;
      started += minute.started;
    }
    return started < LEAST_STARTS ? 0 : Math.min(1, came / started);
  }

  #minuteOf(now: number) {
    const minute = Math.floor(now / MINUTE_MS);
    let last = this.#minutes.at(-1);
    if (last?.minute !== minute) {
      last = { minute, came: 0, started: 0 };
      this.#minutes.push(last);
      while (this.#minutes.length > MINUTES || (this.#minutes[0]?.minute ?? minute) <= minute - MINUTES)
        this.#minutes.shift();
    }
    return last;
  }
}
