/**
 * What becomes of builds that have ended: the files of private ones are removed when they are due, and all of them are forgotten
 * one day, with their leases and grants. What is published does not need their rows.
 */
import { asc, eq, lte, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { type BuildRow, builds, leases, uploads } from '../schema.ts';

export class EndedBuilds {
  readonly #db: Database;
  readonly #nextExpiry: ReturnType<typeof nextExpiryOf>;

  constructor(db: Database) {
    this.#db = db;
    this.#nextExpiry = nextExpiryOf(db);
  }

  /** Those whose files are due for removal, the longest due first. */
  expired(now: number, limit: number): BuildRow[] {
    return this.#db
      .select()
      .from(builds)
      .where(lte(builds.expiresAt, now))
      .orderBy(asc(builds.expiresAt))
      .limit(limit)
      .all();
  }

  /** The files of a private build are gone; what its log told goes as well. */
  filesRemoved(hash: string): void {
    this.#db
      .update(builds)
      .set({ expiresAt: null, failure: sql`json_set(${builds.failure}, '$.stdout', '', '$.stderr', '')` })
      .where(eq(builds.requestHash, hash))
      .run();
  }

  /** Those that ended before `at`, with their leases and grants; of files that are yet to be removed, none. */
  forget(at: number, limit: number): void {
    // By the plus the index by expiry is not taken, in which all that have none stand together.
    const old = sql`(SELECT ${builds.requestHash} FROM ${builds}
      WHERE ${builds.finishedAt} < ${at} AND +${builds.expiresAt} IS NULL ORDER BY ${builds.finishedAt} LIMIT ${limit})`;
    this.#db.transaction((tx) => {
      tx.delete(uploads)
        .where(sql`${uploads.leaseId} IN (SELECT ${leases.id} FROM ${leases} WHERE ${leases.requestHash} IN ${old})`)
        .run();
      tx.delete(leases).where(sql`${leases.requestHash} IN ${old}`).run();
      tx.delete(builds).where(sql`${builds.requestHash} IN ${old}`).run();
    });
  }

  nextExpiry(): number | null {
    return this.#nextExpiry.get()?.at ?? null;
  }
}

/** Written once: see queue.ts. */
const nextExpiryOf = (db: Database) =>
  db
    .select({ at: sql<number | null>`min(${builds.expiresAt})` })
    .from(builds)
    .prepare();
