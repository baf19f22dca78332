/**
 * The log of what was published, as far as the Foreman has it: a row gets its number in the very transaction in which its build is
 * done, so that there is one for each image and no two share one. What a row says never changes; it is signed and written to the
 * store afterwards (write-log.ts), as often as that takes.
 */
import { and, asc, desc, eq, lt, lte, sql } from 'drizzle-orm';
import {
  appendRecord,
  type Disowned,
  type LogEntry,
  type LogPlace,
  MAX_DISOWNED,
} from '../../../shared/trust/log-record.ts';
import type { Database } from '../database.ts';
import { metaValue, setMeta } from '../meta.ts';
import { disowned, type LogRow, log, meta, nodes } from '../schema.ts';

/** How often there were others that are disowned (0022_kept_counts.sql), and which of these times the last head tells of. */
const CHANGES = 'log_disowned_changes';
const TOLD = 'log_told_changes';
/** Digests of the head that was written last and of the one before, cut to what is a whole number. */
const HEADS = ['log_head', 'log_head_before'] as const;
const HEAD_DIGITS = 12;

/** As texts: the indexes are used for these very ones alone. */
const isUnwritten = sql`${log.written} = 0`;
const wasDisowned = sql`${nodes.disownedUpTo} > 0`;
const isDisowned = sql`(${nodes.state} = 'revoked' OR (${nodes.state} = 'quarantined' AND ${nodes.stateBy} = 'foreman'))`;

export class PublicationLog {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;
  /** Since this object woke it was seen that the store has no more than these tables, or these were brought up to it. */
  isInStep = false;

  constructor(db: Database) {
    this.#db = db;
    this.#questions = questionsOf(db);
  }

  /** Null as long as it is not known how far the log goes: with these tables new, there may be one in the store. */
  last(): (LogPlace & { readonly at: number }) | null {
    const { sequence, hash, at } = log;
    return this.#db.select({ sequence, hash, at }).from(log).orderBy(desc(log.sequence)).limit(1).get() ?? null;
  }

  /**
   * Where the log goes on from: what the store has, or its very beginning. Of tables that are older than the store, what they had yet
   * to write was written when they were the newest.
   */
  begin(place: LogPlace, at: number): void {
    this.#db.transaction(() => {
      this.#db
        .insert(log)
        .values({ ...place, requestHash: '', payload: '', at, written: true })
        .onConflictDoNothing()
        .run();
      this.#db
        .update(log)
        .set({ written: true })
        .where(and(isUnwritten, lte(log.sequence, place.sequence)))
        .run();
    });
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

  /**
   * Whose word counts no more, the last ones first; `changes` is another number when these are others. Who was released is among them
   * until all that it had vouched for was gone through (withdraw.ts), and what it had is never good again.
   */
  disowned(): Disowned & { readonly changes: number } {
    const now = this.#db
      .select({ id: nodes.id })
      .from(nodes)
      .where(isDisowned)
      .orderBy(desc(nodes.stateSince))
      .limit(MAX_DISOWNED)
      .all();
    const inWork = this.#db.select({ id: disowned.nodeId }).from(disowned).limit(MAX_DISOWNED).all();
    const ids = new Set([...inWork, ...now].map(({ id }) => id));
    const before = this.#db
      .select({ node: nodes.id, sequence: nodes.disownedUpTo })
      .from(nodes)
      .where(wasDisowned)
      .orderBy(desc(nodes.disownedUpTo))
      .limit(MAX_DISOWNED)
      .all();
    return { ids: [...ids], before: before.filter(({ node }) => !ids.has(node)), changes: this.#count(CHANGES) };
  }

  /** Is there something that its readers are not told yet? */
  isBehind(): boolean {
    return this.#questions.firstUnwritten.get() !== undefined || this.#count(CHANGES) !== this.#count(TOLD);
  }

  /** Before this head is written, by the digest of what is signed of it: whether it was is known to nobody who breaks off here. */
  noteHead(sha256: string): void {
    const [last, before] = HEADS;
    this.#db.transaction(() => {
      setMeta(this.#db, before, metaValue(this.#db, last) ?? 0);
      setMeta(this.#db, last, headMark(sha256));
    });
  }

  /** False for a head that was written after these tables were saved, from which they were restored. */
  isOwnHead(sha256: string): boolean {
    const marks = HEADS.map((name) => metaValue(this.#db, name));
    // Written before heads were noted.
    if (marks[0] === undefined) return this.last() !== null;
    return marks.includes(headMark(sha256));
  }

  /** All of this is in the store. Of what is there the last record is kept, for the next one names it. */
  written(upTo: number, told: number): void {
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
      setMeta(this.#db, TOLD, told);
    });
  }

  #count(name: string): number {
    return this.#questions.count.get({ name })?.value ?? 0;
  }
}

const headMark = (sha256: string): number => Number.parseInt(sha256.slice(0, HEAD_DIGITS), 16);

/** Written once, since each call of the Foreman asks them: see queue.ts. */
const questionsOf = (db: Database) => ({
  firstUnwritten: db.select({ sequence: log.sequence }).from(log).where(isUnwritten).limit(1).prepare(),
  count: db
    .select({ value: meta.value })
    .from(meta)
    .where(eq(meta.name, sql.placeholder('name')))
    .prepare(),
});
