/** Tables of who builds what, and of what he may write meanwhile. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Pins } from '../../../shared/build/build-record.ts';

export const leases = sqliteTable('leases', {
  id: text('id').primaryKey(),
  requestHash: text('request_hash').notNull(),
  nodeId: text('node_id').notNull(),
  idempotencyKey: text('idempotency_key').notNull(),
  attempt: integer('attempt').notNull(),
  state: text('state').$type<'active' | 'ended'>().notNull(),
  pins: text('pins', { mode: 'json' }).$type<Pins>().notNull(),
  grantedAt: integer('granted_at').notNull(),
  /** Ends unless a report renews it. */
  expiresAt: integer('expires_at').notNull(),
  /** The build itself must be over. */
  deadlineAt: integer('deadline_at').notNull(),
  lastSequence: integer('last_sequence').notNull().default(0),
  endReason: text('end_reason'),
  /** It is given for a check, and the build that it names is published; see checks.ts. Null for all others. */
  checkId: integer('check_id'),
  /** When its files are looked at, to be removed unless somebody wants them; null: they are an image's, or it has none. */
  filesDueAt: integer('files_due_at'),
  /** No word about them counts any more. */
  filesRemoved: integer('files_removed', { mode: 'boolean' }).notNull().default(false),
});
export type LeaseRow = typeof leases.$inferSelect;

export const uploads = sqliteTable(
  'uploads',
  {
    leaseId: text('lease_id').notNull(),
    name: text('name').notNull(),
    sizeBytes: integer('size_bytes').notNull(),
    sha256: text('sha256').notNull(),
    /** The store's name for an upload in parts; null for one PUT. */
    multipartId: text('multipart_id'),
    /** Part number → the store's etag. */
    parts: text('parts', { mode: 'json' }).$type<Record<string, string>>().notNull(),
    /** `closing`: its parts are being made one object and take no more bytes. */
    state: text('state').$type<'open' | 'closing' | 'complete'>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.leaseId, table.name] })],
);
export type UploadRow = typeof uploads.$inferSelect;
