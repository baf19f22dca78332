/** Tables of what is counted, and of the lists with an end. */
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Counted } from '../../statistics/counted.ts';
import type { ListedImage } from '../../statistics/listed-image.ts';
import type { KeptFailure } from '../../statistics/public-failure.ts';

/** Rollups of a day; day 0 holds what was counted since the beginning. */
export const counters = sqliteTable(
  'counters',
  {
    what: text('what').$type<Counted>().notNull(),
    /** Of UTC, since 1970. */
    day: integer('day').notNull(),
    branch: text('branch').notNull(),
    name: text('name').notNull(),
    n: integer('n').notNull(),
  },
  (table) => [primaryKey({ columns: [table.what, table.day, table.branch, table.name] })],
);

/** Public builds that failed lately, as far as they are told. */
export const failures = sqliteTable('failures', {
  sequence: integer('sequence').primaryKey({ autoIncrement: true }),
  failure: text('failure', { mode: 'json' }).$type<KeptFailure>().notNull(),
});

/** Public images that were built lately. */
export const latestImages = sqliteTable('latest_images', {
  sequence: integer('sequence').primaryKey({ autoIncrement: true }),
  image: text('image', { mode: 'json' }).$type<ListedImage>().notNull(),
});
