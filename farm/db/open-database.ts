/** Opens the node's SQLite file by Drizzle and brings it up to date. */
import path from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { type BetterSQLite3Database, drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import * as schema from './schema.ts';

export type NodeDatabase = BetterSQLite3Database<typeof schema>;

export function openDatabase(file: string): { readonly db: NodeDatabase; readonly close: () => void } {
  const sqlite = new BetterSqlite3(file);
  // A report that was promised must survive a power cut as well as a kill.
  sqlite.pragma('journal_mode = WAL');
  sqlite.pragma('synchronous = FULL');
  const db = drizzle(sqlite, { schema });
  migrate(db, { migrationsFolder: path.join(import.meta.dirname, 'migrations') });
  return { db, close: () => sqlite.close() };
}
