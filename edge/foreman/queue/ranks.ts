/**
 * How many stand before a place in the queue, without counting them: with 100,000 builds waiting, a count by index would read
 * up to 100,000 rows for each poll. Counts are kept for stretches of 64 keys, of 64 of those, and so on; four levels hold 16
 * million keys, and a rank is some hundred rows however long the queue is. Triggers keep them (migrations/0004_turns.sql), in
 * the transaction of each change, so that no caller can forget to.
 */
import { and, eq, gte, lt, lte, or, sql, sum } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { ranks } from '../schema.ts';

const BITS = 6;
const LEVELS = 4;

export type Ranked = (typeof ranks.$inferSelect)['what'];

export class Ranks {
  readonly #before: ReturnType<typeof sumBefore>;
  readonly #at: ReturnType<typeof sumAt>;

  constructor(db: Database) {
    this.#before = sumBefore(db);
    this.#at = sumAt(db);
  }

  /** How many have a smaller key. Keys are whole and not negative. */
  before(what: Ranked, key: number): number {
    const bounds: Record<string, number> = {};
    for (let level = 0; level < LEVELS; level += 1) {
      // On each level what lies before it in the stretch that the next level could not count whole.
      bounds[`from${level}`] = level === LEVELS - 1 ? 0 : shifted(key, level + 1) * 2 ** BITS;
      bounds[`to${level}`] = shifted(key, level);
    }
    return Number(this.#before.get({ what, ...bounds })?.n ?? 0);
  }

  /** How many have exactly this key. */
  at(what: Ranked, key: number): number {
    return Number(this.#at.get({ what, level: 0, from: key, to: key })?.n ?? 0);
  }

  /** How many there are. */
  all(what: Ranked): number {
    return Number(this.#at.get({ what, level: LEVELS - 1, from: 0, to: Number.MAX_SAFE_INTEGER })?.n ?? 0);
  }
}

/** Prepared, since each poll asks several times: to write such a statement takes ten times as long as to run it. */
const sumBefore = (db: Database) =>
  db
    .select({ n: sum(ranks.n) })
    .from(ranks)
    .where(
      or(
        ...Array.from({ length: LEVELS }, (_, level) =>
          and(
            eq(ranks.what, sql.placeholder('what')),
            eq(ranks.level, level),
            gte(ranks.bucket, sql.placeholder(`from${level}`)),
            lt(ranks.bucket, sql.placeholder(`to${level}`)),
          ),
        ),
      ),
    )
    .prepare();

const sumAt = (db: Database) =>
  db
    .select({ n: sum(ranks.n) })
    .from(ranks)
    .where(
      and(
        eq(ranks.what, sql.placeholder('what')),
        eq(ranks.level, sql.placeholder('level')),
        gte(ranks.bucket, sql.placeholder('from')),
        lte(ranks.bucket, sql.placeholder('to')),
      ),
    )
    .prepare();

/** Not by `>>`, which knows 32 bits. */
const shifted = (key: number, level: number): number => Math.floor(key / 2 ** (BITS * level));
