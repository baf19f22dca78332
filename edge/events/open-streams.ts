/**
 * How many event streams an isolate holds open. Each keeps a request alive for minutes, and an isolate has 128 MB; who is one
 * too many is told so and polls instead.
 */
export class OpenStreams {
  readonly #max: number;
  readonly #lifeMs: number;
  /** When each must be over. One whose request died without a word would else be counted for ever. */
  readonly #ends = new Map<object, number>();

  constructor(max: number, lifeMs: number) {
    this.#max = max;
    this.#lifeMs = lifeMs;
  }

  get count(): number {
    return this.#ends.size;
  }

  /** Gives the place back, as often as it is called; undefined where there is none. */
  open(now: number): (() => void) | undefined {
    if (this.#ends.size >= this.#max)
      for (const [stream, endsAt] of this.#ends) {
        // In the order of their ends, since all live equally long.
        if (endsAt > now) break;
        this.#ends.delete(stream);
      }
    if (this.#ends.size >= this.#max) return undefined;
    const stream = {};
    this.#ends.set(stream, now + this.#lifeMs);
    return () => {
      this.#ends.delete(stream);
    };
  }
}
