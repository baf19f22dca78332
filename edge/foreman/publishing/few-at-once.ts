/**
 * Calls by a key of which few are open at once; the others wait in memory, first come first served. The platform gives an object six
 * connections, and calls that hang would take them all from those that do not.
 */
import { LIFETIMES } from '../../lifetimes.ts';
import { answerWithin } from '../../storage/answer-within.ts';
import { READING_MS } from '../../storage/object-store.ts';
import { notLonger } from '../not-longer.ts';

type Call = () => Promise<void>;

interface Waiting {
  readonly call: Call;
  /** UTF-16 code units that it holds in memory. */
  readonly size: number;
  readonly outcome: PromiseWithResolvers<void>;
}

export class FewAtOnce {
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #waiting = new Map<string, Waiting>();
  #waitingSize = 0;
  #open = 0;

  /** `mostWaiting`: by their sizes. */
  constructor(atOnce: number, mostWaiting: number) {
    this.#atOnce = atOnce;
    this.#mostWaiting = mostWaiting;
  }

  /**
   * Answers in time once it is open, however long it waits before. One that waits gives way to a newer one of its key, whose outcome is
   * its own. @throws Error where it does not answer, or there is no room to wait
   */
  run(key: string, call: Call, size = 0): Promise<void> {
    if (this.#open < this.#atOnce) return this.#begin(call);
    const before = this.#waiting.get(key);
    const sizeThen = this.#waitingSize - (before?.size ?? 0) + size;
    if (sizeThen > this.#mostWaiting)
      return Promise.reject(new Error(`expected at most ${this.#mostWaiting} characters that wait, got ${sizeThen}`));
    const outcome = before?.outcome ?? Promise.withResolvers<void>();
    this.#waiting.set(key, { call, size, outcome });
    this.#waitingSize = sizeThen;
    return outcome.promise;
  }

  /** What waits by this key is not wanted any more. */
  drop(key: string): void {
    this.#take(key)?.outcome.resolve();
  }

  /** Open until it is over, and not until its answer is given up. */
  #begin(call: Call): Promise<void> {
    this.#open += 1;
    const answer = (async () => call())();
    void notLonger(Promise.allSettled([answer]), LIFETIMES.callMs).then(() => this.#end());
    return answerWithin(READING_MS, () => answer);
  }

  #end(): void {
    this.#open -= 1;
    const [key] = this.#waiting.keys();
    const next = key === undefined ? undefined : this.#take(key);
    if (next) this.#begin(next.call).then(next.outcome.resolve, next.outcome.reject);
  }

  #take(key: string): Waiting | undefined {
    const waiting = this.#waiting.get(key);
    if (!waiting) return undefined;
    this.#waiting.delete(key);
    this.#waitingSize -= waiting.size;
    return waiting;
  }
}
