/** What nodes signed of builds that are not decided yet. When one is, what those signed who were right is published; nothing stays here. */
import { and, eq, inArray } from 'drizzle-orm';
import type { DsseEnvelope } from '../../../shared/trust/dsse.ts';
import type { Database } from '../database.ts';
import { statements } from '../schema.ts';

export class Statements {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The first of a lease stays: a report may come twice. */
  keep(requestHash: string, leaseId: string, envelope: DsseEnvelope): void {
    this.#db.insert(statements).values({ requestHash, leaseId, envelope }).onConflictDoNothing().run();
  }

  /** By lease; those that signed nothing are not in it. */
  of(requestHash: string, leaseIds: readonly string[]): ReadonlyMap<string, DsseEnvelope> {
    const rows = this.#db
      .select()
      .from(statements)
      .where(and(eq(statements.requestHash, requestHash), inArray(statements.leaseId, [...leaseIds])))
      .all();
    return new Map(rows.map(({ leaseId, envelope }) => [leaseId, envelope]));
  }

  remove(requestHash: string): void {
    this.#db.delete(statements).where(eq(statements.requestHash, requestHash)).run();
  }
}
