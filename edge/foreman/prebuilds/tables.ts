/** Tables of what many want, and of what upstream had when it was looked at last. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { WantedImage } from '../../../shared/prebuild/wanted-image.ts';

/** Wishes that many asked for, most wanted first; see list-wanted.ts. */
export const wanted = sqliteTable('wanted', {
  intentHash: text('intent_hash').primaryKey(),
  place: integer('place').notNull(),
  /** Null for one that is not to be built before it is asked for. */
  image: text('image', { mode: 'json' }).$type<WantedImage>(),
});

/** Versions that upstream had, with an empty target, and targets that were built for before anybody asked. */
export const upstreamSeen = sqliteTable(
  'upstream_seen',
  {
    version: text('version').notNull(),
    target: text('target').notNull(),
    /** Sha256; of a version empty. */
    imageBuilder: text('image_builder').notNull(),
    /** That were queued for it. */
    builds: integer('builds').notNull(),
    /** 0: it was there when the first look was taken. */
    at: integer('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.version, table.target] })],
);
