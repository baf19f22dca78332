/**
 * Of many requests that want the same answer in the same moment, one asks for it; the others look again at what is remembered.
 * They cannot wait for its promise, which ends with its client. Without this a popular build would cost as many calls to the
 * Foreman as it has listeners, each time that what is remembered of it grows old.
 */
import { LRUCache } from 'lru-cache';

/** A turn whose holder went away, or whose question hangs, is free again. */
const TURN_MS = 5_000;
const LOOK_AGAIN_MS = 50;

export class AskingTurns {
  readonly #taken: LRUCache<string, object>;

  constructor(clock: { now(): number } = performance) {
    // As for results: a Worker's timers end with their request.
    this.#taken = new LRUCache({ max: 10_000, ttl: TURN_MS, ttlResolution: 0, perf: clock });
  }

  /** Gives the turn back; undefined where somebody else has it. */
  take(key: string): (() => void) | undefined {
    if (this.#taken.has(key)) return undefined;
    const turn = {};
    this.#taken.set(key, turn);
    return () => {
      if (this.#taken.peek(key) === turn) this.#taken.delete(key);
    };
  }
}

/** What is `held` under the key, or what `ask` says if it is this one's turn. @throws what `ask` does; the signal's reason */
export async function askInTurn<Answer>(
  turns: AskingTurns,
  key: string,
  held: () => Answer | undefined,
  ask: () => Promise<Answer>,
  signal: AbortSignal,
): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted();
    const known = held();
    if (known !== undefined) return known;
    const giveBack = turns.take(key);
    if (giveBack) {
      try {
        return await ask();
      } finally {
        giveBack();
      }
    }
    await scheduler.wait(LOOK_AGAIN_MS, { signal });
  }
}
