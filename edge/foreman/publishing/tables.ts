/** Tables of what was published, under which names, and of what of it does not stand any more. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Dialect } from '../../../shared/seed/dialect.ts';

/** What was published, as the log has it: the last record, and those that are not in the store yet. */
export const log = sqliteTable('log', {
  sequence: integer('sequence').primaryKey(),
  /** Of the payload. */
  hash: text('hash').notNull(),
  requestHash: text('request_hash').notNull(),
  /** Of the record, to be signed (shared/trust/log-record.ts). */
  payload: text('payload').notNull(),
  at: integer('at').notNull(),
  written: integer('written', { mode: 'boolean' }).notNull().default(false),
});
export type LogRow = typeof log.$inferSelect;

/** What was published, or remembered, and does not stand any more; see recall.ts. */
export const recalled = sqliteTable('recalled', {
  requestHash: text('request_hash').primaryKey(),
  intentHash: text('intent_hash').notNull(),
  dueAt: integer('due_at').notNull(),
  /** How often it was removed. */
  times: integer('times').notNull().default(0),
});

/** Short hashes of the old API, each of the request that came first. */
export const names = sqliteTable('names', {
  name: text('name').primaryKey(),
  identity: text('identity').notNull(),
  dialect: text('dialect').$type<Dialect>().notNull(),
  requestHash: text('request_hash').notNull(),
  /** Noted once a day. */
  usedAt: integer('used_at').notNull(),
});
export type NameRow = typeof names.$inferSelect;
