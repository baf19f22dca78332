/**
 * When somebody asked last for a build that waits. A router may be switched off, and a page be closed; what nobody asks for any
 * more would be built for nobody, before those who still wait.
 */
import { and, eq, lt, min } from 'drizzle-orm';
import type { Database } from './database.ts';
import { type BuildRow, builds, isQueued } from './schema.ts';

/** A poll is noted at most so often: a row for each would be the load. */
const GRAIN_MS = 60_000;

export class Polls {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Somebody still waits for it. */
  note({ requestHash, polledAt, state }: BuildRow, now: number): void {
    if (state !== 'queued' || now - polledAt < GRAIN_MS) return;
    this.#db.update(builds).set({ polledAt: now }).where(eq(builds.requestHash, requestHash)).run();
  }

  /** Nobody could ask while the Foreman was away. */
  noteAll(now: number): void {
    this.#db.update(builds).set({ polledAt: now }).where(isQueued).run();
  }

  /** Waiting builds for which nobody has asked since `at`. */
  noneSince(at: number, limit: number): BuildRow[] {
    return this.#db
      .select()
      .from(builds)
      .where(and(isQueued, lt(builds.polledAt, at)))
      .limit(limit)
      .all();
  }

  /** When somebody asked last for the build for which nobody has asked for longest; null while none waits. */
  earliest(): number | null {
    const row = this.#db
      .select({ at: min(builds.polledAt) })
      .from(builds)
      .where(isQueued)
      .get();
    return row?.at ?? null;
  }
}
