/**
 * Counts, one row for each day and name. Kept here, because isolates come and go and somebody has to add them up; by day,
 * because nobody needs to know more, and a row for each request would be the largest table of all. Bounded per day: see
 * edge/statistics/counted.ts.
 */
import { and, count, desc, eq, gte, inArray, lt, sql } from 'drizzle-orm';
import { COUNTED, type Count, type Counted, isCounted, SHOWN_FROM } from '../../statistics/counted.ts';
import type { DayCount, NamedCount } from '../../statistics/questions.ts';
import type { Database } from '../database.ts';
import { counters } from '../schema.ts';

/** Where what has a total is summed up for ever. */
const TOTAL_DAY = 0;

export class Counters {
  readonly #db: Database;
  readonly #addTo: ReturnType<typeof addTo>;
  readonly #insert: ReturnType<typeof insert>;

  constructor(db: Database) {
    this.#db = db;
    this.#addTo = addTo(db);
    this.#insert = insert(db);
  }

  /** Adds them all or none. A new name for which the day has no room is left out. */
  add(day: number, counts: readonly Count[]): void {
    this.#db.transaction((tx) => {
      const room = new Map<Counted, number>();
      for (const one of counts) {
        this.#bump(tx, day, one, room);
        if ('hasTotal' in COUNTED[one.what]) this.#bump(tx, TOTAL_DAY, one, new Map());
      }
    });
  }

  since(what: Counted, day: number): DayCount[] {
    const { branch, name, n } = counters;
    return this.#db
      .select({ day: counters.day, branch, name, n })
      .from(counters)
      .where(and(eq(counters.what, what), gte(counters.day, Math.max(day, TOTAL_DAY + 1))))
      .all();
  }

  isAny(what: Counted): boolean {
    return (
      this.#db.select({ n: counters.n }).from(counters).where(eq(counters.what, what)).limit(1).get() !== undefined
    );
  }

  totals(what: Counted): NamedCount[] {
    return this.#db
      .select({ name: counters.name, n: counters.n })
      .from(counters)
      .where(and(eq(counters.what, what), eq(counters.day, TOTAL_DAY)))
      .all();
  }

  /** Of one name, since that day; one look by the index for each day, of which there may be 97: a statement takes 100 values. */
  ofName(what: Counted, name: string, sinceDay: number, today: number): number {
    const days = Array.from({ length: today - sinceDay + 1 }, (_, index) => sinceDay + index);
    const n = sql<number | null>`sum(${counters.n})`;
    const sum = this.#db
      .select({ n })
      .from(counters)
      .where(
        and(eq(counters.what, what), inArray(counters.day, days), eq(counters.branch, ''), eq(counters.name, name)),
      );
    return sum.get()?.n ?? 0;
  }

  /** Of every name, since that day, hardly used ones too: to be told of those alone that are told anyway. */
  sums(what: Counted, sinceDay: number): ReadonlyMap<string, number> {
    const rows = this.#db
      .select({ name: counters.name, n: sql<number>`sum(${counters.n})` })
      .from(counters)
      .where(and(eq(counters.what, what), gte(counters.day, Math.max(sinceDay, TOTAL_DAY + 1))))
      .groupBy(counters.name)
      .all();
    return new Map(rows.map(({ name, n }) => [name, n]));
  }

  /** Names that were used often enough to be told, most used first. `branch`: null for all. */
  top(what: Counted, sinceDay: number, branch: string | null): NamedCount[] {
    const n = sql<number>`sum(${counters.n})`;
    return this.#db
      .select({ name: counters.name, n })
      .from(counters)
      .where(
        and(
          eq(counters.what, what),
          gte(counters.day, Math.max(sinceDay, TOTAL_DAY + 1)),
          ...(branch === null ? [] : [eq(counters.branch, branch)]),
        ),
      )
      .groupBy(counters.name)
      .having(gte(n, SHOWN_FROM))
      .orderBy(desc(n), counters.name)
      .all();
  }

  /** Rows that are older than their time, each kind by the index. */
  forget(today: number): void {
    this.#db.transaction((tx) => {
      for (const what of Object.keys(COUNTED).filter(isCounted))
        tx.delete(counters)
          .where(
            and(
              eq(counters.what, what),
              gte(counters.day, TOTAL_DAY + 1),
              lt(counters.day, today - COUNTED[what].keptDays),
            ),
          )
          .run();
    });
  }

  #bump(db: Pick<Database, 'select'>, day: number, one: Count, room: Map<Counted, number>): void {
    const { what, branch, name, n } = one;
    if (this.#addTo.get({ what, day, branch, name, n })) return;
    const left = room.get(what) ?? COUNTED[what].namesADay - this.#namesOf(db, what, day);
    room.set(what, left - 1);
    if (left > 0) this.#insert.run({ what, day, branch, name, n });
  }

  #namesOf(db: Pick<Database, 'select'>, what: Counted, day: number): number {
    const names = db.select({ n: count() }).from(counters);
    return names.where(and(eq(counters.what, what), eq(counters.day, day))).get()?.n ?? 0;
  }
}

/** Written once (see queue.ts): an image is some ten counts. */
const addTo = (db: Database) =>
  db
    .update(counters)
    .set({ n: sql`${counters.n} + ${sql.placeholder('n')}` })
    .where(
      and(
        eq(counters.what, sql.placeholder('what')),
        eq(counters.day, sql.placeholder('day')),
        eq(counters.branch, sql.placeholder('branch')),
        eq(counters.name, sql.placeholder('name')),
      ),
    )
    .returning({ n: counters.n })
    .prepare();

const insert = (db: Database) =>
  db
    .insert(counters)
    .values({
      what: sql.placeholder('what'),
      day: sql.placeholder('day'),
      branch: sql.placeholder('branch'),
      name: sql.placeholder('name'),
      n: sql.placeholder('n'),
    })
    .prepare();
