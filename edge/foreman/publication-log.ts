/**
 * The log of what was published, as far as the Foreman has it: a row gets its number in the very transaction in which its build is
 * done, so that there is one for each image and no two share one. What a row says never changes; it is signed and written to the
 * store afterwards (write-log.ts), as often as that takes.
 */
import { and, asc, count, desc, eq, lt, lte, max, sql } from 'drizzle-orm';
import { appendRecord, type LogEntry, type LogPlace, MAX_DISOWNED } from '../../shared/trust/log-record.ts';
import type { Database } from './database.ts';
import { type LogRow, log, meta, nodes } from './schema.ts';

/** Of which disowned nodes the head told that was written last. */
const TOLD_DISOWNED = 'log_told_disowned';

/** As texts: the indexes are used for these very ones alone. */
const isUnwritten = sql`${log.written} = 0`;
const isDisowned = sql`(${nodes.state} = 'revoked' OR (${nodes.state} = 'quarantined' AND ${nodes.stateBy} = 'foreman'))`;

export class PublicationLog {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Null as long as it is not known how far the log goes: with these tables new, there may be one in the store. */
  last(): (LogPlace & { readonly at: number }) | null {
    const { sequence, hash, at } = log;
    return this.#db.select({ sequence, hash, at }).from(log).orderBy(desc(log.sequence)).limit(1).get() ?? null;
  }

  /** Where the log goes on from: what the store has, or its very beginning. */
  begin(place: LogPlace, at: number): void {
    this.#db
      .insert(log)
      .values({ ...place, requestHash: '', payload: '', at, written: true })
      .onConflictDoNothing()
      .run();
  }

  /** Within the transaction in which the build is done. @throws Error where it has not begun */
  append(entry: LogEntry): void {
    const last = this.last();
    if (!last) throw new Error('expected the log to have begun');
    const { payload, place } = appendRecord(last, entry);
    this.#db
      .insert(log)
      .values({ ...place, requestHash: entry.requestHash, payload, at: entry.at })
      .run();
  }

  /** The eldest first. */
  unwritten(limit: number): LogRow[] {
    return this.#db.select().from(log).where(isUnwritten).orderBy(asc(log.sequence)).limit(limit).all();
  }

  /** Ids of nodes whose word counts no more, the last ones first; `mark` is another one when these are others. */
  disowned(): { readonly ids: readonly string[]; readonly mark: number } {
    const rows = this.#db
      .select({ id: nodes.id })
      .from(nodes)
      .where(isDisowned)
      .orderBy(desc(nodes.stateSince))
      .limit(MAX_DISOWNED)
      .all();
    return { ids: rows.map(({ id }) => id), mark: this.#disownedMark() };
  }

  /** Is there something that its readers are not told yet? */
  isBehind(): boolean {
    return this.unwritten(1).length > 0 || this.#disownedMark() !== this.#toldDisowned();
  }

  /** All of this is in the store. Of what is there the last record is kept, for the next one names it. */
  written(upTo: number, toldDisowned: number): void {
    this.#db.transaction(() => {
      this.#db
        .update(log)
        .set({ written: true })
        .where(and(isUnwritten, lte(log.sequence, upTo)))
        .run();
      this.#db
        .delete(log)
        .where(and(eq(log.written, true), lt(log.sequence, upTo)))
        .run();
      this.#db
        .insert(meta)
        .values({ name: TOLD_DISOWNED, value: toldDisowned })
        .onConflictDoUpdate({ target: meta.name, set: { value: toldDisowned } })
        .run();
    });
  }

  #disownedMark(): number {
    const row = this.#db
      .select({ n: count(), last: max(nodes.stateSince) })
      .from(nodes)
      .where(isDisowned)
      .get();
    // Milliseconds, and how many: as a number it is exact for some thousand years yet.
    return (row?.last ?? 0) * 1_000 + ((row?.n ?? 0) % 1_000);
  }

  #toldDisowned(): number {
    return this.#db.select().from(meta).where(eq(meta.name, TOLD_DISOWNED)).get()?.value ?? 0;
  }
}
