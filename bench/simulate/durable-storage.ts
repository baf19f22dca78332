/**
 * The storage of a Durable Object on a SQLite of this process: as much of its interface as Drizzle and the Foreman use. The
 * statements are the Foreman's own, and so are the plans that SQLite makes for them.
 */
import SqliteDatabase from 'better-sqlite3';

type Value = string | number | null;

/** What `exec` gives: rows as objects, or as arrays behind `raw()`. */
interface Cursor {
  toArray(): Record<string, Value>[];
  raw(): { toArray(): Value[][] };
  next(): { value?: Record<string, Value>; done: boolean };
}

const NOTHING: Cursor = {
  toArray: () => [],
  raw: () => ({ toArray: () => [] }),
  next: () => ({ done: true }),
};

export class DurableStorage {
  readonly #database = new SqliteDatabase(':memory:');
  readonly #statements = new Map<string, SqliteDatabase.Statement>();
  readonly #onAlarm: (at: number) => void;
  #depth = 0;

  constructor(onAlarm: (at: number) => void) {
    this.#onAlarm = onAlarm;
  }

  readonly sql = {
    exec: (text: string, ...values: Value[]): Cursor => {
      const statement = this.#prepared(text);
      if (!statement.reader) {
        statement.run(...values);
        return NOTHING;
      }
      return {
        toArray: () => statement.raw(false).all(...values) as Record<string, Value>[],
        raw: () => ({ toArray: () => statement.raw(true).all(...values) as Value[][] }),
        next: () => {
          const value = statement.raw(false).get(...values) as Record<string, Value> | undefined;
          return value === undefined ? { done: true } : { value, done: false };
        },
      };
    },
  };

  transactionSync<Answer>(work: () => Answer): Answer {
    const name = `level${this.#depth}`;
    this.#depth += 1;
    this.#prepared(`SAVEPOINT ${name}`).run();
    try {
      const answer = work();
      this.#prepared(`RELEASE ${name}`).run();
      return answer;
    } catch (error) {
      this.#prepared(`ROLLBACK TO ${name}`).run();
      this.#prepared(`RELEASE ${name}`).run();
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  async setAlarm(at: number): Promise<void> {
    this.#onAlarm(at);
  }

  #prepared(text: string): SqliteDatabase.Statement {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}
