/**
 * The one alarm of a Durable Object. Remembers in SQLite when it was to ring: an alarm that rings late tells how long the
 * Foreman was away, and that time is not held against any node.
 */
import { eq } from 'drizzle-orm';
import type { Database } from './database.ts';
import { metaValue, setMeta } from './meta.ts';
import { meta } from './schema.ts';

const DUE_AT = 'alarm_due_at';

export class AlarmClock {
  readonly #storage: DurableObjectStorage;
  readonly #db: Database;
  #dueAt: number | null;

  constructor(storage: DurableObjectStorage, db: Database) {
    this.#storage = storage;
    this.#db = db;
    this.#dueAt = metaValue(db, DUE_AT) ?? null;
  }

  /** When it rings next, or was to ring; milliseconds since 1970. */
  get dueAt(): number | null {
    return this.#dueAt;
  }

  /** Rings at the earliest of `times`. One that rings too early costs nothing, so it is only ever moved forward in time. */
  async ring(times: readonly (number | null)[]): Promise<void> {
    const wanted = Math.min(...times.filter((time) => time !== null));
    if (wanted === Number.POSITIVE_INFINITY || (this.#dueAt !== null && this.#dueAt <= wanted)) return;
    this.#dueAt = wanted;
    setMeta(this.#db, DUE_AT, wanted);
    await this.#storage.setAlarm(wanted);
  }

  fired(): void {
    this.#dueAt = null;
    this.#db.delete(meta).where(eq(meta.name, DUE_AT)).run();
  }
}
