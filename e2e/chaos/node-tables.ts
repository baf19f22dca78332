/** What a node has written down, read beside it. */
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Rows of the table. */
export function countOf(nodeDirectory: string, table: 'leases' | 'begun_uploads'): number {
  const db = new DatabaseSync(path.join(nodeDirectory, 'node.sqlite'), { readOnly: true });
  try {
    return Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  } finally {
    db.close();
  }
}
