/** The last public builds that failed, as they may be told. A list with an end: what fails for ever must not grow for ever. */
import { asc, desc, inArray, lte } from 'drizzle-orm';
import type { KeptFailure } from '../../statistics/public-failure.ts';
import type { Database } from '../database.ts';
import { failures } from '../schema.ts';

const FORGET_AT_ONCE = 100;

export class FailureLog {
  readonly #db: Database;
  readonly #max: number;

  constructor(db: Database, max: number) {
    this.#db = db;
    this.#max = max;
  }

  add(failure: KeptFailure): void {
    const { sequence } = this.#db.insert(failures).values({ failure }).returning().get();
    this.#db
      .delete(failures)
      .where(lte(failures.sequence, sequence - this.#max))
      .run();
  }

  /** Newest first. */
  all(): KeptFailure[] {
    return this.#db
      .select({ failure: failures.failure })
      .from(failures)
      .orderBy(desc(failures.sequence))
      .all()
      .map((row) => row.failure);
  }

  /** Those before `at`, in milliseconds since 1970; they lie in the order of time. */
  forget(at: number): void {
    const eldest = this.#db.select().from(failures).orderBy(asc(failures.sequence)).limit(FORGET_AT_ONCE).all();
    const old = eldest.filter(({ failure }) => failure.at < at).map(({ sequence }) => sequence);
    if (old.length > 0) this.#db.delete(failures).where(inArray(failures.sequence, old)).run();
  }
}
