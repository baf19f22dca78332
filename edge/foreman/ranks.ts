/**
 * How many stand before a place in the queue, without counting them: with 100,000 builds waiting, a count by index would read
 * up to 100,000 rows for each poll. Counts are kept for stretches of 64 keys, of 64 of those, and so on; four levels hold 16
 * million keys, and a rank is some hundred rows however long the queue is. Triggers keep them (migrations/0004_turns.sql), in
 * the transaction of each change, so that no caller can forget to.
 */
import { and, eq, gte, lt, or, sum } from 'drizzle-orm';
import type { Database } from './database.ts';
import { ranks } from './schema.ts';

const BITS = 6;
const LEVELS = 4;

export type Ranked = (typeof ranks.$inferSelect)['what'];

export class Ranks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** How many have a smaller key. Keys are whole and not negative. */
  before(what: Ranked, key: number): number {
    const stretches = Array.from({ length: LEVELS }, (_, level) => {
      const bucket = shifted(key, level);
      // On each level what lies before it in the stretch that the next level could not count whole.
      const from = level === LEVELS - 1 ? 0 : shifted(key, level + 1) * 2 ** BITS;
      return and(eq(ranks.what, what), eq(ranks.level, level), gte(ranks.bucket, from), lt(ranks.bucket, bucket));
    });
    return this.#sum(or(...stretches));
  }

  /** How many have exactly this key. */
  at(what: Ranked, key: number): number {
    return this.#sum(and(eq(ranks.what, what), eq(ranks.level, 0), eq(ranks.bucket, key)));
  }

  /** How many there are. */
  all(what: Ranked): number {
    return this.#sum(and(eq(ranks.what, what), eq(ranks.level, LEVELS - 1)));
  }

  #sum(where: ReturnType<typeof and>): number {
    return Number(
      this.#db
        .select({ n: sum(ranks.n) })
        .from(ranks)
        .where(where)
        .get()?.n ?? 0,
    );
  }
}

/** Not by `>>`, which knows 32 bits. */
const shifted = (key: number, level: number): number => Math.floor(key / 2 ** (BITS * level));
