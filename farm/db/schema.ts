/** A node's own memory. Times are milliseconds since 1970. The statements that make these tables are in migrations/. */
import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** A lease that this node took and of which the Foreman has not yet acknowledged the end. */
export const leases = sqliteTable('leases', {
  id: text('id').primaryKey(),
  /** URL of the edge that gave it: another one knows nothing of it. */
  edge: text('edge').notNull(),
  requestHash: text('request_hash').notNull(),
  takenAt: integer('taken_at').notNull(),
  /** Of the last report made; grows across restarts. */
  sequence: integer('sequence').notNull().default(0),
  /** A serialised LeaseReport, kept until acknowledged; null while the build runs. */
  finalReport: blob('final_report', { mode: 'buffer' }),
  /** What came out and is being uploaded: JSON of farm/agent/built.ts; null before that. */
  built: text('built'),
  /** How often a process that started found it there. */
  takenUp: integer('taken_up').notNull().default(0),
});

/** The edges that this node joined. */
export const edges = sqliteTable('edges', {
  url: text('url').primaryKey(),
  /** What orders are signed with; 64 hex digits. */
  publicKey: text('public_key').notNull(),
  certificate: text('certificate').notNull(),
});

/** Uploads in parts that were begun in the store by this node itself, and neither completed nor dropped. */
export const begunUploads = sqliteTable('begun_uploads', {
  key: text('key').primaryKey(),
  uploadId: text('upload_id').notNull(),
});
