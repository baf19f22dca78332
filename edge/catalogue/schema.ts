/**
 * The Catalogue's tables: the last good copy of each document and the upstream files it was made from. The copy lies here
 * and not only in KV, because KV may give an older one than was written last, and an older text with newer validators
 * would be confirmed as current for ever. Times are milliseconds since 1970; statements are in migrations/.
 */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { DocumentId } from './document-id.ts';
import type { FileRecord } from './reading.ts';

export const documents = sqliteTable(
  'documents',
  {
    /** Its key in KV. */
    key: text('key').primaryKey(),
    upstream: text('upstream').notNull(),
    id: text('id', { mode: 'json' }).$type<DocumentId>().notNull(),
    /** Of the code and settings that compiled it; another recipe means: compile again although upstream is unchanged. */
    recipe: text('recipe').notNull(),
    files: text('files', { mode: 'json' }).$type<readonly FileRecord[]>().notNull(),
    checkedAt: integer('checked_at').notNull(),
    askedAt: integer('asked_at').notNull(),
    /** `checkedAt` of the copy that KV has. */
    writtenAt: integer('written_at').notNull(),
  },
  (table) => [index('documents_asked').on(table.upstream, table.askedAt)],
);

/** A document's JSON in pieces: a value in SQLite ends at 2 MB, a document need not. */
export const documentParts = sqliteTable(
  'document_parts',
  {
    key: text('key').notNull(),
    part: integer('part').notNull(),
    text: text('text').notNull(),
  },
  (table) => [primaryKey({ columns: [table.key, table.part] })],
);
