/** The Foreman's tables, read when the edge is dead: nothing is under way, nothing of what ended is kept that should have gone. */
import type { DatabaseSync } from 'node:sqlite';
import { openForeman } from '../../evidence/foreman-tables.ts';
import type { Finding } from './finding.ts';

export interface ForemanFiles {
  readonly finding: Finding;
  /** Leases of which the store may hold files: an image's, and those that garbage collection is due to look at. */
  readonly leasesWithFiles: ReadonlySet<string>;
  /** Builds whose record is in the store. */
  readonly published: ReadonlySet<string>;
}

/** What there must be none of, by the rows that would be it. */
const NONE: Readonly<Record<string, string>> = {
  'builds under way': "SELECT request_hash FROM builds WHERE state NOT IN ('done', 'failed')",
  'leases that are active': "SELECT id FROM leases WHERE state <> 'ended'",
  'statements of builds that ended': 'SELECT request_hash FROM statements',
  'votes that are open': "SELECT request_hash FROM votes WHERE verdict = 'open'",
  'scripts of builds that ended': 'SELECT request_hash FROM builds WHERE sealed_defaults IS NOT NULL',
  'clients of builds that ended': "SELECT request_hash FROM builds WHERE client_key <> ''",
  'requests kept of builds that ended': 'SELECT request_hash FROM kept_requests',
  'records of the log that are not in the store': 'SELECT sequence FROM log WHERE written = 0',
  'uploads that nobody is due to remove':
    "SELECT lease_id || '/' || name FROM uploads WHERE lease_id NOT IN (SELECT id FROM leases WHERE files_due_at IS NOT NULL OR files_removed) AND lease_id NOT IN (SELECT lease_id FROM images)",
  'images without a build':
    'SELECT request_hash FROM images WHERE request_hash NOT IN (SELECT request_hash FROM builds)',
  'builds that are twice': 'SELECT request_hash FROM builds GROUP BY request_hash HAVING count(*) > 1',
};

export async function auditForeman(stateDirectory: string): Promise<ForemanFiles> {
  const db = await openForeman(stateDirectory);
  try {
    const wrong = Object.entries(NONE).flatMap(([what, sql]) => {
      const rows = firstColumn(db, sql);
      return rows.length === 0 ? [] : [`${rows.length} ${what}: ${rows.slice(0, 5).join(', ')}`];
    });
    const [builds, leases] = [rowsOf(db, 'builds'), rowsOf(db, 'leases')];
    return {
      finding: {
        what: 'the Foreman’s rows',
        found: `${builds} builds with ${leases} leases, all of them ended`,
        wrong,
      },
      leasesWithFiles: new Set([
        ...firstColumn(db, 'SELECT lease_id FROM images'),
        ...firstColumn(db, 'SELECT id FROM leases WHERE files_due_at IS NOT NULL'),
      ]),
      published: new Set(firstColumn(db, 'SELECT request_hash FROM images')),
    };
  } finally {
    db.close();
  }
}

const firstColumn = (db: DatabaseSync, sql: string): string[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => String(Object.values(row)[0]));

const rowsOf = (db: DatabaseSync, table: 'builds' | 'leases'): number =>
  Number(firstColumn(db, `SELECT count(*) FROM ${table}`)[0]);
