/**
 * Which builds lie in the store while they are under way, and which are to be put there or to go. A row says that one may be there, and
 * is written before it is put, so that none is forgotten there; the mark says up to where in the queue all that are unfinished are kept.
 * A build that is over within half a minute was never there: with nodes at hand that is most of them, and whoever asked for it asks
 * still.
 */
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import { PREBUILD_TURN } from '../../../shared/queue/turn.ts';
import type { Database } from '../database.ts';
import { metaValue, setMeta } from '../meta.ts';
import { builds, keptRequests, LIVE_STATES } from '../schema.ts';

/** So long after it was accepted an unfinished build is kept. */
export const KEPT_AFTER_MS = 30_000;
/** Names in `meta`: of the last build, by its place in the queue, up to which all are kept; and of when the store was listed. */
const KEPT_TO = 'requests_kept_to';
const LISTED_AT = 'requests_listed_at';

/** Nobody waits for a prebuild. Who asks for one gives it the last place, so it is never behind the mark then. */
const isAskedFor = sql`${builds.turn} < ${sql.raw(String(PREBUILD_TURN))}`;
/** As text: the index is used for this very one. */
const hasEnded = sql`${keptRequests.ended} = 1`;

export class KeptRequests {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;
  /** What the names of all of them begin with. */
  readonly prefix: string;

  constructor(db: Database, room: string) {
    this.#db = db;
    this.#questions = questionsOf(db);
    this.prefix = `${room}requests/`;
  }

  keyOf(requestHash: string): string {
    return `${this.prefix}${requestHash}.json`;
  }

  /** Unfinished builds that have waited for long enough and are behind the mark, in the order in which they were accepted. */
  due(now: number, limit: number): { readonly requestHash: string; readonly sequence: number }[] {
    const keptTo = metaValue(this.#db, KEPT_TO) ?? 0;
    const { requestHash, sequence, enqueuedAt } = builds;
    const page = LIVE_STATES.flatMap((state) =>
      this.#db
        .select({ requestHash, sequence, enqueuedAt })
        .from(builds)
        .where(and(eq(builds.state, state), gt(sequence, keptTo), isAskedFor))
        .orderBy(asc(sequence))
        .limit(limit)
        .all(),
    )
      .sort((one, other) => one.sequence - other.sequence)
      .slice(0, limit);
    const young = page.findIndex((build) => build.enqueuedAt > now - KEPT_AFTER_MS);
    return young < 0 ? page : page.slice(0, young);
  }

  /** When the first of them is to be kept; null for none. Milliseconds since 1970. */
  nextDueAt(): number | null {
    const at = this.#questions.first.get()?.at;
    return at === undefined ? null : at + KEPT_AFTER_MS;
  }

  /** It is about to be put: from now on it may be there. False where it is there already. */
  begin(requestHash: string): boolean {
    this.#db.insert(keptRequests).values({ requestHash }).onConflictDoNothing().run();
    return this.#row(requestHash)?.written !== true;
  }

  put(requestHash: string): void {
    this.#db.update(keptRequests).set({ written: true }).where(eq(keptRequests.requestHash, requestHash)).run();
  }

  /** Up to here all that are unfinished are kept. */
  advance(sequence: number): void {
    setMeta(this.#db, KEPT_TO, sequence);
  }

  /** It was found there. `isWanted`: its build is under way. */
  found(requestHash: string, isWanted: boolean): void {
    const seen = { written: true, ended: !isWanted };
    this.#db
      .insert(keptRequests)
      .values({ requestHash, ...seen })
      .onConflictDoUpdate({ target: keptRequests.requestHash, set: seen })
      .run();
  }

  /** Those whose build is over. */
  ended(limit: number): string[] {
    const { requestHash } = keptRequests;
    const rows = this.#db.select({ requestHash }).from(keptRequests).where(hasEnded).limit(limit).all();
    return rows.map((row) => row.requestHash);
  }

  hasEnded(): boolean {
    return this.#questions.firstEnded.get() !== undefined;
  }

  /** They are not there any more. */
  removed(hashes: readonly string[]): void {
    this.#db
      .delete(keptRequests)
      .where(inArray(keptRequests.requestHash, [...hashes]))
      .run();
  }

  /** When all that is there was last gone through; null for never. */
  get listedAt(): number | null {
    return metaValue(this.#db, LISTED_AT) ?? null;
  }

  listed(at: number): void {
    setMeta(this.#db, LISTED_AT, at);
  }

  /** There may be some there that these tables know nothing of. */
  relist(): void {
    setMeta(this.#db, LISTED_AT, 0);
  }

  #row(requestHash: string) {
    return this.#db.select().from(keptRequests).where(eq(keptRequests.requestHash, requestHash)).get();
  }
}

/** Written once, since each call of the Foreman asks them: see queue.ts. */
const questionsOf = (db: Database) => {
  const keptTo = sql`coalesce((SELECT value FROM meta WHERE name = ${sql.raw(`'${KEPT_TO}'`)}), 0)`;
  const firstOf = (state: string) =>
    sql`SELECT min(sequence) AS first FROM builds WHERE state = ${sql.raw(`'${state}'`)} AND sequence > ${keptTo} AND ${isAskedFor}`;
  const first = sql`(SELECT min(first) FROM (${sql.join(LIVE_STATES.map(firstOf), sql` UNION ALL `)}))`;
  return {
    first: db.select({ at: builds.enqueuedAt }).from(builds).where(sql`${builds.sequence} = ${first}`).prepare(),
    firstEnded: db
      .select({ requestHash: keptRequests.requestHash })
      .from(keptRequests)
      .where(hasEnded)
      .limit(1)
      .prepare(),
  };
};
