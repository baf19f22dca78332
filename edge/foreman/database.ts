/** Opens the Foreman's SQLite by Drizzle and brings it up to date. */
import { type DrizzleSqliteDODatabase, drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import init from './migrations/0000_init.sql';
import statistics from './migrations/0001_statistics.sql';
import names from './migrations/0002_names.sql';
import latestImages from './migrations/0003_latest_images.sql';
import turns from './migrations/0004_turns.sql';
import polls from './migrations/0005_polls.sql';
import nodeStates from './migrations/0006_node_states.sql';
import flat from './migrations/0007_flat.sql';
import callableNodes from './migrations/0008_callable_nodes.sql';
import blame from './migrations/0009_blame.sql';
import log from './migrations/0010_log.sql';
import trust from './migrations/0011_trust.sql';
import turnsOfVolunteers from './migrations/0012_turns_of_volunteers.sql';
import recalls from './migrations/0013_recalls.sql';
import checks from './migrations/0014_checks.sql';
import feeds from './migrations/0015_feeds.sql';
import measurers from './migrations/0016_measurers.sql';
import images from './migrations/0017_images.sql';
import leftovers from './migrations/0018_leftovers.sql';
import prebuilds from './migrations/0019_prebuilds.sql';
import keptRequests from './migrations/0020_kept_requests.sql';
import orphaned from './migrations/0021_orphaned.sql';
import keptCounts from './migrations/0022_kept_counts.sql';
import * as schema from './schema.ts';

export type Database = DrizzleSqliteDODatabase<typeof schema>;

export const MIGRATIONS = {
  journal: {
    entries: [
      { idx: 0, when: 1795500000000, tag: '0000_init', breakpoints: true },
      { idx: 1, when: 1795600000000, tag: '0001_statistics', breakpoints: true },
      { idx: 2, when: 1795700000000, tag: '0002_names', breakpoints: true },
      { idx: 3, when: 1795800000000, tag: '0003_latest_images', breakpoints: true },
      { idx: 4, when: 1795850000000, tag: '0004_turns', breakpoints: true },
      { idx: 5, when: 1796000000000, tag: '0005_polls', breakpoints: true },
      { idx: 6, when: 1796100000000, tag: '0006_node_states', breakpoints: true },
      { idx: 7, when: 1796200000000, tag: '0007_flat', breakpoints: true },
      { idx: 8, when: 1796300000000, tag: '0008_callable_nodes', breakpoints: true },
      { idx: 9, when: 1796400000000, tag: '0009_blame', breakpoints: true },
      { idx: 10, when: 1796500000000, tag: '0010_log', breakpoints: true },
      { idx: 11, when: 1796600000000, tag: '0011_trust', breakpoints: true },
      { idx: 12, when: 1796700000000, tag: '0012_turns_of_volunteers', breakpoints: true },
      { idx: 13, when: 1796800000000, tag: '0013_recalls', breakpoints: true },
      { idx: 14, when: 1796900000000, tag: '0014_checks', breakpoints: true },
      { idx: 15, when: 1797000000000, tag: '0015_feeds', breakpoints: true },
      { idx: 16, when: 1797100000000, tag: '0016_measurers', breakpoints: true },
      { idx: 17, when: 1797200000000, tag: '0017_images', breakpoints: true },
      { idx: 18, when: 1797300000000, tag: '0018_leftovers', breakpoints: true },
      { idx: 19, when: 1797400000000, tag: '0019_prebuilds', breakpoints: true },
      { idx: 20, when: 1797500000000, tag: '0020_kept_requests', breakpoints: true },
      { idx: 21, when: 1797600000000, tag: '0021_orphaned', breakpoints: true },
      { idx: 22, when: 1797700000000, tag: '0022_kept_counts', breakpoints: true },
    ],
  },
  migrations: {
    m0000: init,
    m0001: statistics,
    m0002: names,
    m0003: latestImages,
    m0004: turns,
    m0005: polls,
    m0006: nodeStates,
    m0007: flat,
    m0008: callableNodes,
    m0009: blame,
    m0010: log,
    m0011: trust,
    m0012: turnsOfVolunteers,
    m0013: recalls,
    m0014: checks,
    m0015: feeds,
    m0016: measurers,
    m0017: images,
    m0018: leftovers,
    m0019: prebuilds,
    m0020: keptRequests,
    m0021: orphaned,
    m0022: keptCounts,
  },
};

/** Call under `blockConcurrencyWhile`: nothing may read a half-migrated table. */
export async function openDatabase(storage: DurableObjectStorage): Promise<Database> {
  const db = drizzle(storage, { schema });
  await migrate(db, MIGRATIONS);
  return db;
}
