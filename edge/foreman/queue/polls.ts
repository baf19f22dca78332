/**
 * When somebody asked last for a build that waits. A router may be switched off, and a page be closed; what nobody asks for any
 * more would be built for nobody, before those who still wait.
 */
import { and, eq, lt, min, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { setMeta } from '../meta.ts';
import { type BuildRow, builds, isQueued, meta } from '../schema.ts';

/** A poll is noted at most so often: a row for each would be the load. */
const GRAIN_MS = 60_000;
/** Name of the time before which nobody could ask. */
const SINCE = 'polls_since';

export class Polls {
  readonly #db: Database;
  readonly #questions: ReturnType<typeof questionsOf>;

  constructor(db: Database) {
    this.#db = db;
    this.#questions = questionsOf(db);
  }

  /** Somebody still waits for it. */
  note({ requestHash, polledAt, state }: BuildRow, now: number): void {
    if (state !== 'queued' || now - polledAt < GRAIN_MS) return;
    this.#questions.note.run({ now, requestHash });
  }

  /** Nobody could ask while the Foreman was away. */
  noteAll(now: number): void {
    // Once for all of them: a row for each of a long queue would be what everybody waits for first.
    setMeta(this.#db, SINCE, now);
  }

  /** Waiting builds for which nobody has asked since `at`. */
  noneSince(at: number, limit: number): BuildRow[] {
    if (this.since() >= at) return [];
    return this.#db
      .select()
      .from(builds)
      .where(and(isQueued, lt(builds.polledAt, at)))
      .limit(limit)
      .all();
  }

  /** When somebody asked last for the build for which nobody has asked for longest; null while none waits. */
  earliest(): number | null {
    const at = this.#questions.earliest.get()?.at ?? null;
    return at === null ? null : Math.max(at, this.since());
  }

  /** Since when everybody could come who wanted: the Foreman was away before; 0: always. */
  since(): number {
    return this.#questions.since.get()?.value ?? 0;
  }
}

/** Written once: see queue.ts. */
const questionsOf = (db: Database) => ({
  note: db
    .update(builds)
    .set({ polledAt: sql`${sql.placeholder('now')}` })
    .where(eq(builds.requestHash, sql.placeholder('requestHash')))
    .prepare(),
  earliest: db
    .select({ at: min(builds.polledAt) })
    .from(builds)
    .where(isQueued)
    .prepare(),
  since: db.select().from(meta).where(eq(meta.name, SINCE)).prepare(),
});
