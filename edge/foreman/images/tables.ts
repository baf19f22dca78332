/** Tables of what takes space in the store. */
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** What is published and takes space in the store; see images.ts. */
export const images = sqliteTable('images', {
  requestHash: text('request_hash').primaryKey(),
  intentHash: text('intent_hash').notNull(),
  /** Whose files it is made of. */
  leaseId: text('lease_id').notNull(),
  /** Of its files and its record. */
  bytes: integer('bytes').notNull(),
  isPrivate: integer('is_private', { mode: 'boolean' }).notNull(),
  /** Or published, if nobody asked for it since. */
  servedAt: integer('served_at').notNull(),
  /** `leaving`: it is being unpublished (unpublish.ts), or will be. */
  state: text('state').$type<'kept' | 'leaving'>().notNull(),
  /** How far it is with that, and when the next step is due. */
  step: integer('step').notNull().default(0),
  dueAt: integer('due_at').notNull().default(0),
});
export type ImageRow = typeof images.$inferSelect;

/** How many images there are and what they take, kept by triggers; `removed`: since this is counted. */
export const imageSums = sqliteTable('image_sums', {
  state: text('state').$type<'kept' | 'leaving' | 'removed'>().primaryKey(),
  n: integer('n').notNull(),
  bytes: integer('bytes').notNull(),
});
