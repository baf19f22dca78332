/**
 * Turns between clients (shared/queue/turn.ts), kept where the queue is. Rows of clients whose turn has passed say nothing and go:
 * a client that comes back later is as good as new, and nobody's key is kept for longer than it is of use.
 */
import { eq, lte, sql } from 'drizzle-orm';
import { nextTurn } from '../../../shared/queue/turn.ts';
import type { Database } from '../database.ts';
import { clients, meta } from '../schema.ts';

/** Name of the turn that was given out last. */
const NOW = 'turn';

export class Turns {
  readonly #db: Database;
  readonly #now: ReturnType<typeof turnThatIsOn>;

  constructor(db: Database) {
    this.#db = db;
    this.#now = turnThatIsOn(db);
  }

  /** The turn that is on. */
  now(): number {
    return this.#now.get()?.value ?? 0;
  }

  /** The turn that a build of this client would have; not taken yet. */
  next(clientKey: string): number {
    return nextTurn(this.now(), this.#db.select().from(clients).where(eq(clients.key, clientKey)).get()?.turn);
  }

  /** This client's next build is one behind. */
  take(clientKey: string, turn: number): void {
    this.#db
      .insert(clients)
      .values({ key: clientKey, turn })
      .onConflictDoUpdate({ target: clients.key, set: { turn: sql`max(${clients.turn}, ${turn})` } })
      .run();
  }

  /** A build of this turn was given to a node. One that came back has an older turn, which turns nothing back. */
  given(turn: number): void {
    this.#db
      .insert(meta)
      .values({ name: NOW, value: turn })
      .onConflictDoUpdate({ target: meta.name, set: { value: sql`max(${meta.value}, ${turn})` } })
      .run();
  }

  forgetPassed(limit: number): void {
    const passed = sql`(SELECT ${clients.key} FROM ${clients} WHERE ${lte(clients.turn, this.now())} LIMIT ${limit})`;
    this.#db.delete(clients).where(sql`${clients.key} IN ${passed}`).run();
  }
}

/** Written once: see queue.ts. */
const turnThatIsOn = (db: Database) => db.select().from(meta).where(eq(meta.name, NOW)).prepare();
