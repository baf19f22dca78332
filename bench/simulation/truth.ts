/**
 * The truth beside what was published: the simulation knows what an honest node makes of each request, so it sees what the Foreman
 * cannot. What was wrong, and for how long it could be fetched.
 */
import type { StoredResult } from '../../shared/build/build-record.ts';
import { filesOf } from './built-files.ts';
import { honestOutcome } from './node-model.ts';
import type { Wish } from './wishes.ts';

export interface WrongResult {
  readonly requestHash: string;
  readonly says: 'image' | 'failure';
  readonly publishedAt: number;
  /** Null: it is there still. */
  withdrawnAt: number | null;
}

export class Truth {
  readonly #wishOf: (intentHash: string) => Wish;
  readonly wrong: WrongResult[] = [];
  published = 0;
  /** Taken back, right or wrong. */
  readonly withdrawn = new Set<string>();

  constructor(wishOf: (intentHash: string) => Wish) {
    this.#wishOf = wishOf;
  }

  /** What KV was given of a build. */
  publish(requestHash: string, stored: StoredResult, at: number): void {
    const isAgain = this.wrong.some((wrong) => wrong.requestHash === requestHash && wrong.withdrawnAt === null);
    if (isAgain) return;
    this.published += 1;
    if (this.#isTrue(stored)) return;
    const says = stored.kind === 'built' ? 'image' : 'failure';
    this.wrong.push({ requestHash, says, publishedAt: at, withdrawnAt: null });
  }

  withdraw(requestHash: string, at: number): void {
    this.withdrawn.add(requestHash);
    for (const wrong of this.wrong)
      if (wrong.requestHash === requestHash && wrong.withdrawnAt === null) wrong.withdrawnAt = at;
  }

  #isTrue(stored: StoredResult): boolean {
    if (stored.kind === 'failed') {
      const { intentHash, kind } = stored.failure;
      return this.#wishOf(intentHash).failure === kind;
    }
    const { record } = stored;
    const honest = honestOutcome(this.#wishOf(record.intentHash));
    if (honest.says === 'failure') return false;
    const files = filesOf(record, honest.image);
    return record.images.every(({ name, sha256 }) =>
      files.some((file) => file.name === name && file.sha256 === sha256),
    );
  }
}
