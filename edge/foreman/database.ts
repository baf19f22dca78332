/** Opens the Foreman's SQLite by Drizzle and brings it up to date. */
import { type DrizzleSqliteDODatabase, drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import init from './migrations/0000_init.sql';
import * as schema from './schema.ts';

export type Database = DrizzleSqliteDODatabase<typeof schema>;

const MIGRATIONS = {
  journal: { entries: [{ idx: 0, when: 1795500000000, tag: '0000_init', breakpoints: true }] },
  migrations: { m0000: init },
};

/** Call under `blockConcurrencyWhile`: nothing may read a half-migrated table. */
export async function openDatabase(storage: DurableObjectStorage): Promise<Database> {
  const db = drizzle(storage, { schema });
  await migrate(db, MIGRATIONS);
  return db;
}
