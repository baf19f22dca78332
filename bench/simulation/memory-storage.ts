/**
 * The storage of a Durable Object as far as the Foreman and Drizzle's driver for it use it, over SQLite in memory: the same
 * engine with the same statements and triggers as in workerd, without its disk.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

export interface MemoryStorage {
  readonly storage: DurableObjectStorage;
  /** Time spent in each statement, for whoever looks for a slow one; empty unless it was asked for. */
  readonly statements: ReadonlyMap<string, { n: number; ms: number }>;
}

interface Prepared {
  readonly statement: StatementSync;
  readonly columns: readonly string[];
}

/** `setAlarm`: the clock's. */
export function openMemoryStorage(setAlarm: (at: number | null) => void, isTimed = false): MemoryStorage {
  const database = new DatabaseSync(':memory:');
  database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY');
  const prepared = new Map<string, Prepared>();
  const statements = new Map<string, { n: number; ms: number }>();
  let depth = 0;

  const exec = (query: string, ...bindings: SQLInputValue[]) => {
    const began = isTimed ? performance.now() : 0;
    const { statement, columns } = prepare(query);
    const rows = columns.length > 0 ? (statement.all(...bindings) as unknown as unknown[][]) : run(statement, bindings);
    if (isTimed) note(query, performance.now() - began);
    const asObject = (row: unknown[]) => Object.fromEntries(columns.map((name, at) => [name, row[at]]));
    return {
      columnNames: columns,
      toArray: () => rows.map(asObject),
      next: () => (rows.length > 0 ? { done: false, value: asObject(rows.shift() ?? []) } : { done: true }),
      raw: () => ({ toArray: () => rows }),
    };
  };

  function prepare(query: string): Prepared {
    const known = prepared.get(query);
    if (known) return known;
    const statement = database.prepare(query);
    statement.setReturnArrays(true);
    const made = { statement, columns: statement.columns().map(({ name }) => name) };
    prepared.set(query, made);
    return made;
  }

  function note(query: string, ms: number): void {
    const noted = statements.get(query) ?? { n: 0, ms: 0 };
    noted.n += 1;
    noted.ms += ms;
    statements.set(query, noted);
  }

  const transactionSync = <Result>(work: () => Result): Result => {
    depth += 1;
    const savepoint = `s${depth}`;
    prepare(`SAVEPOINT ${savepoint}`).statement.run();
    try {
      const result = work();
      prepare(`RELEASE ${savepoint}`).statement.run();
      return result;
    } catch (error) {
      database.exec(`ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`);
      throw error;
    } finally {
      depth -= 1;
    }
  };

  let alarmAt: number | null = null;
  const put = async (at: number | null): Promise<void> => {
    alarmAt = at;
    setAlarm(at);
  };
  const storage = {
    sql: { exec },
    transactionSync,
    getAlarm: async () => alarmAt,
    setAlarm: (at: number | Date) => put(Number(at)),
    deleteAlarm: () => put(null),
  };
  return { storage: storage as unknown as DurableObjectStorage, statements };
}

function run(statement: StatementSync, bindings: readonly SQLInputValue[]): unknown[][] {
  statement.run(...bindings);
  return [];
}
