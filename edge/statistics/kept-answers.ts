/**
 * Answers that cost something and need not be of this second: whoever asks meanwhile gets the last one, so that a flood of the
 * same question is one question. Values only: in Workers a promise of one request must not be awaited by another.
 */
import { LRUCache } from 'lru-cache';
import { BuildError } from '../../shared/build/build-error.ts';

/** How long an old answer does while somebody makes the next one. */
const MAKING_MS = 5_000;

interface Kept<Answer> {
  readonly answer: Answer;
  readonly until: number;
}

export class KeptAnswers<Answer extends object | string> {
  readonly #kept: LRUCache<string, Kept<Answer>>;
  readonly #lifeMs: number;
  readonly #now: () => number;

  constructor(lifeMs: number, max: number, now: () => number = () => Date.now()) {
    this.#kept = new LRUCache({ max });
    this.#lifeMs = lifeMs;
    this.#now = now;
  }

  /** @throws what `make` throws; nothing is kept of that */
  async get(question: string, make: () => Promise<Answer>): Promise<Answer> {
    const kept = this.#kept.get(question);
    if (kept && this.#now() < kept.until) return kept.answer;
    // Who finds it too old first makes the next one; the others are told the old one until it is there.
    if (kept) this.#kept.set(question, { answer: kept.answer, until: this.#now() + MAKING_MS });
    try {
      const answer = await make();
      this.#kept.set(question, { answer, until: this.#now() + this.#lifeMs });
      return answer;
    } catch (error) {
      // One client that has spent its share says nothing about the answer, which the others go on with.
      if (kept && error instanceof BuildError && error.kind === 'too_many_requests') this.#kept.set(question, kept);
      else this.#kept.delete(question);
      throw error;
    }
  }
}
