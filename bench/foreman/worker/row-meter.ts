/**
 * Counts the rows that a Durable Object's SQLite reads and writes, as SQLite itself counts them: those of triggers, and those
 * that were looked at and left. A count of what the statements return would be flat while each of them scanned a table.
 */
export interface Metered {
  readonly rowsRead: number;
  readonly rowsWritten: number;
  /** Until the answer; the rows are also those of the work that goes on behind it. */
  readonly microseconds: number;
}

export class RowMeter {
  #cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  #behind: Promise<unknown>[] = [];
  #isOn = false;

  /** Before anything else holds on to the storage. */
  constructor(ctx: DurableObjectState) {
    const { sql } = ctx.storage;
    const exec = sql.exec.bind(sql) as SqlStorage['exec'];
    const waitUntil = ctx.waitUntil.bind(ctx);
    Object.defineProperty(sql, 'exec', {
      value: (...statement: Parameters<SqlStorage['exec']>) => {
        const cursor = exec(...statement);
        // Its counts are whole once it is read to its end, which is later.
        if (this.#isOn) this.#cursors.push(cursor);
        return cursor;
      },
    });
    Object.defineProperty(ctx, 'waitUntil', {
      value: (work: Promise<unknown>) => {
        if (this.#isOn) this.#behind.push(work);
        waitUntil(work);
      },
    });
  }

  async measure(work: () => unknown): Promise<Metered> {
    this.#cursors = [];
    this.#isOn = true;
    try {
      const began = performance.now();
      await work();
      const microseconds = (performance.now() - began) * 1000;
      while (this.#behind.length > 0) await Promise.allSettled(this.#behind.splice(0));
      const cursors = this.#cursors;
      return {
        rowsRead: cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0),
        rowsWritten: cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0),
        microseconds,
      };
    } finally {
      this.#isOn = false;
    }
  }
}
