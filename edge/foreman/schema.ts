/**
 * The Foreman's tables. Kept in the Durable Object's own SQLite, because each transition of a build must be one transaction
 * and single-flight must have one place. Nothing published depends on them: finished builds are records in the object store.
 * Times are milliseconds since 1970. The statements that make these tables are in migrations/.
 */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

export * from './images/tables.ts';
export * from './leases/tables.ts';
export * from './nodes/tables.ts';
export * from './prebuilds/tables.ts';
export * from './publishing/tables.ts';
export * from './queue/tables.ts';
export * from './statistics/tables.ts';
export * from './trust/tables.ts';

/** See meta.ts. */
export const meta = sqliteTable('meta', {
  name: text('name').primaryKey(),
  value: integer('value').notNull(),
});
