/**
 * How many event streams an isolate holds open, in all and for one client. Each keeps a request alive for minutes and asks the
 * Foreman every few seconds, and an isolate has 128 MB; who is one too many is told so and polls instead.
 */
interface Stream {
  readonly client: string | null;
}

export class OpenStreams {
  readonly #max: number;
  readonly #maxOfOne: number;
  readonly #lifeMs: number;
  /** When each must be over. One whose request died without a word would else be counted for ever. */
  readonly #ends = new Map<Stream, number>();
  readonly #owners = new Map<string, Set<Stream>>();

  constructor(max: number, maxOfOne: number, lifeMs: number) {
    this.#max = max;
    this.#maxOfOne = maxOfOne;
    this.#lifeMs = lifeMs;
  }

  get count(): number {
    return this.#ends.size;
  }

  /** `client`: null where nobody can be told from anybody else. Gives the place back, as often as it is called; undefined where there is none. */
  open(now: number, client: string | null): (() => void) | undefined {
    this.#forgetEnded(now);
    const own = client === null ? undefined : this.#owners.get(client);
    if (this.#ends.size >= this.#max || (own && own.size >= this.#maxOfOne)) return undefined;
    const stream = { client };
    this.#ends.set(stream, now + this.#lifeMs);
    if (client !== null) this.#owners.set(client, (own ?? new Set()).add(stream));
    return () => this.#close(stream);
  }

  #forgetEnded(now: number): void {
    for (const [stream, endsAt] of this.#ends) {
      // In the order of their ends, since all live equally long.
      if (endsAt > now) break;
      this.#close(stream);
    }
  }

  #close(stream: Stream): void {
    this.#ends.delete(stream);
    const own = stream.client === null ? undefined : this.#owners.get(stream.client);
    own?.delete(stream);
    if (stream.client !== null && own?.size === 0) this.#owners.delete(stream.client);
  }
}
