/** A database that a node of an earlier time has left: its last words are still said, and it is still a member of its edge. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import BetterSqlite3 from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LeaseReportSchema } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { Outbox } from '../agent/outbox.ts';
import { Memberships } from '../membership/membership.ts';
import { openDatabase } from './open-database.ts';

const EDGE = 'https://edge.example';
const folder = path.join(import.meta.dirname, 'migrations');
const journal = JSON.parse(await readFile(path.join(folder, 'meta/_journal.json'), 'utf8')) as {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
};
const migrations = readMigrationFiles({ migrationsFolder: folder });

const LAST_WORD = create(LeaseReportSchema, {
  leaseId: 'over',
  sequence: 3n,
  event: { case: 'handedBack', value: { reason: 'the node stops' } },
});

/** What nodes of each time wrote, by the migration since which it is written so. */
const SAVED: readonly { readonly since: string; readonly sql: string; readonly values: readonly unknown[] }[] = [
  {
    since: '0000_init',
    sql: 'INSERT INTO leases (id, edge, request_hash, taken_at, sequence, final_report) VALUES (?, ?, ?, 7, 3, ?)',
    values: ['over', EDGE, 'a'.repeat(64), Buffer.from(toBinary(LeaseReportSchema, LAST_WORD))],
  },
  {
    since: '0000_init',
    sql: 'INSERT INTO leases (id, edge, request_hash, taken_at) VALUES (?, ?, ?, 7)',
    values: ['running', EDGE, 'b'.repeat(64)],
  },
  {
    since: '0000_init',
    sql: 'INSERT INTO edges (url, public_key, certificate) VALUES (?, ?, ?)',
    values: [EDGE, 'c'.repeat(64), 'a certificate'],
  },
];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-saved-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Step by step, as a node does that lives through all of them. */
function save(file: string, upTo: number): void {
  const sqlite = new BetterSqlite3(file);
  const db = drizzle(sqlite);
  // The migrator takes a folder, not a list; inside it goes by the list.
  const { dialect, session } = db as unknown as {
    readonly dialect: { migrate(list: typeof migrations, session: unknown, config: object): void };
    readonly session: unknown;
  };
  for (const [at, { tag }] of journal.entries.slice(0, upTo + 1).entries()) {
    dialect.migrate(migrations.slice(0, at + 1), session, { migrationsFolder: folder });
    for (const { sql, values } of SAVED.filter(({ since }) => since === tag)) sqlite.prepare(sql).run(...values);
  }
  sqlite.close();
}

test('every row is of a migration that there is', () =>
  expect(SAVED.filter(({ since }) => !journal.entries.some(({ tag }) => tag === since))).toEqual([]));

test.each(journal.entries.map(({ tag }, at) => [tag, at] as const))('of the time of %s', (_, upTo) => {
  const file = path.join(directory, 'node.sqlite');
  save(file, upTo);
  const { db, close } = openDatabase(file);
  const outbox = new Outbox(db, EDGE);
  expect(outbox.unacknowledged()).toEqual([LAST_WORD]);
  expect(outbox.unfinished()).toEqual(['running']);
  outbox.take('new', 'd'.repeat(64), 8);
  outbox.forget('over');
  expect(outbox.unacknowledged()).toEqual([]);
  expect(outbox.unfinished().sort()).toEqual(['new', 'running']);
  expect(new Memberships(db, EDGE).current()).toMatchObject({
    certificate: 'a certificate',
    edgePublicKey: 'c'.repeat(64),
  });
  close();
});
