/**
 * Whose a short hash of the old API is. Twelve digits can be made to collide on purpose, and KV cannot tell who was first; here
 * one place decides it, once: a name that one request has is never another's, for that one would be given the wrong image.
 */
import { count, eq, sql } from 'drizzle-orm';
import type { Dialect } from '../../../shared/seed/dialect.ts';
import type { Database } from '../database.ts';
import type { Queue } from '../queue/queue.ts';
import { type NameRow, names } from '../schema.ts';

/** A request that wants a name, and the build that answers it. */
export interface NameEntry {
  /** 64 digits, over all that was asked. */
  readonly identity: string;
  readonly dialect: Dialect;
  readonly requestHash: string;
}

/** Some hundred bytes each. When all are taken, those go that nobody used for days; else the answer is a full hash. */
export const MAX_NAMES = 500_000;
/** How late a use is noted: a write for every poll would be for nothing. */
const NOTED_MS = 24 * 3_600_000;
/** Of names that nobody used for so long, some make room when there is none. */
const IDLE_MS = 2 * NOTED_MS;
const MADE_ROOM = 1_000;

export class NameRegister {
  readonly #db: Database;
  readonly #queue: Queue;
  readonly #max: number;
  /** Counted once, when it is first needed: a count reads every row. */
  #taken: number | undefined;

  constructor(db: Database, queue: Queue, max = MAX_NAMES) {
    this.#db = db;
    this.#queue = queue;
    this.#max = max;
  }

  /** Whose it is now: this request's, or that of the one which came first. Null: it is nobody's, and there is no room. */
  claim(name: string, entry: NameEntry, now: number): NameEntry | null {
    const row = this.#row(name);
    if (!row) {
      this.#taken ??= this.#db.select({ n: count() }).from(names).get()?.n ?? 0;
      if (this.#taken >= this.#max) this.forget(now - IDLE_MS, MADE_ROOM);
      if (this.#taken >= this.#max) return null;
      this.#db
        .insert(names)
        .values({ name, ...entry, usedAt: now })
        .run();
      this.#taken += 1;
      return entry;
    }
    if (row.identity !== entry.identity || this.#isOlder(entry.requestHash, row.requestHash))
      return this.#used(row, now);
    if (row.requestHash !== entry.requestHash)
      this.#db.update(names).set({ requestHash: entry.requestHash, usedAt: now }).where(eq(names.name, name)).run();
    else this.#used(row, now);
    return entry;
  }

  find(name: string, now: number): NameEntry | null {
    const row = this.#row(name);
    return row ? this.#used(row, now) : null;
  }

  /** Those that nobody used since `at`. */
  forget(at: number, limit: number): void {
    const old = sql`(SELECT ${names.name} FROM ${names} WHERE ${names.usedAt} < ${at} ORDER BY ${names.usedAt} LIMIT ${limit})`;
    const forgotten = this.#db.delete(names).where(sql`${names.name} IN ${old}`).returning({ name: names.name }).all();
    if (this.#taken !== undefined) this.#taken -= forgotten.length;
  }

  /** True for an earlier generation of what the name leads to: an isolate may not have heard of the later one yet. */
  #isOlder(hash: string, than: string): boolean {
    const [one, other] = [this.#queue.byHash(hash), this.#queue.byHash(than)];
    return one !== undefined && one.intentHash === other?.intentHash && one.generation < other.generation;
  }

  #row(name: string): NameRow | undefined {
    return this.#db.select().from(names).where(eq(names.name, name)).get();
  }

  #used({ name, usedAt, ...entry }: NameRow, now: number): NameEntry {
    if (now - usedAt >= NOTED_MS) this.#db.update(names).set({ usedAt: now }).where(eq(names.name, name)).run();
    return entry;
  }
}
