import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { foremanStub } from '../edge.fixture.ts';
import { MIGRATIONS, openDatabase } from './database.ts';
import { submission, untilAtRest } from './foreman.fixture.ts';
import { Nodes } from './nodes/nodes.ts';
import { PublicationLog } from './publishing/publication-log.ts';
import { Queue } from './queue/queue.ts';
import { WHOM } from './schema.ts';

const { entries } = MIGRATIONS.journal;

const faultsOfBefore = [
  { requestHash: 'a', kind: 'disk_full', at: 7, blame: 'alone' },
  { requestHash: 'b', kind: 'timeout', at: 7, blame: 'alone' },
];

/** Tables as they were when this was the newest migration. */
const asOf = (at: number) => ({ ...MIGRATIONS, journal: { entries: entries.slice(0, at + 1) } });

test.each(entries.slice(0, -1).map(({ tag }, at) => [tag, at] as const))(
  'tables of the time of %s are brought up to date with all that is in them',
  async (_, at) => {
    await untilAtRest(foremanStub(`of-${at}`));
    await runInDurableObject(foremanStub(`of-${at}`), async (__, { storage }) => {
      await storage.deleteAll();
      await migrate(drizzle(storage), asOf(at));
      const { request, echo, conditions } = submission();
      for (const [state, needs] of [
        ['queued', ''],
        ['running', ''],
        ['queued', 'a secret'],
        ['done', ''],
      ])
        storage.sql.exec(
          `INSERT INTO builds (request_hash, intent_hash, generation, state, request, echo, conditions, upstream_digest, enqueued_at, not_before)
           VALUES (?, ?, 1, ?, ?, ?, ?, '', 0, 0)`,
          sha256Hex(`${state} ${needs}`),
          sha256Hex(`${state} ${needs}`),
          String(state),
          JSON.stringify({ ...request, defaultsMac: needs }),
          JSON.stringify(echo),
          JSON.stringify(conditions),
        );
      // As the code of that time would have written it.
      if (storage.sql.exec("SELECT 1 FROM pragma_table_info('builds') WHERE name = 'needs_trust'").toArray().length > 0)
        storage.sql.exec("UPDATE builds SET needs_trust = 1 WHERE json_extract(request, '$.defaultsMac') <> ''");
      storage.sql.exec(
        "INSERT INTO nodes (id, public_key, name, operator, tier, state, joined_at, last_seen_at) VALUES ('n', 'k', 'n', 'op', 'trusted', 'active', 0, 0)",
      );
      const hasFaults = storage.sql.exec("SELECT 1 FROM pragma_table_info('nodes') WHERE name = 'faults'").toArray();
      const hasBlame = storage.sql
        .exec("SELECT 1 FROM pragma_table_info('nodes') WHERE name = 'drain_behind'")
        .toArray();
      if (hasFaults.length > 0)
        storage.sql.exec(
          'UPDATE nodes SET last_fault_at = 7, faults = ?',
          JSON.stringify(
            faultsOfBefore.map(({ at, blame, ...fault }) => (hasBlame.length > 0 ? { ...fault, at, blame } : fault)),
          ),
        );

      const db = await openDatabase(storage);
      const queue = new Queue(db);
      expect(new Nodes(db).byId('n')).toMatchObject({
        operator: 'op',
        drainBehind: null,
        faults: hasFaults.length === 0 ? [] : faultsOfBefore,
      });
      expect([queue.live(), queue.waiting()]).toEqual([3, 2]);
      expect(queue.line.candidates(1, [WHOM.anyone], 9).map(({ sequence }) => sequence)).toEqual([1]);
      expect(queue.line.candidates(1, Object.values(WHOM), 9).map(({ sequence }) => sequence)).toEqual([1, 3]);
      expect(queue.line.position({ sequence: 4 })).toBe(3);
      queue.add(submission({ intentHash: sha256Hex('new') }), 1, 1, WHOM.anyone);
      expect([queue.live(), queue.waiting()]).toEqual([4, 3]);
    });
  },
);

test.each([
  ['who was put out is told by the log once more, since it is not known whether it was', 'revoked', true],
  ['where nobody ever was there is nothing to tell', 'active', false],
] as const)('tables of before changes were counted: %s', async (_, state, isBehind) => {
  const stub = foremanStub(`before-counts-${state}`);
  await untilAtRest(stub);
  await runInDurableObject(stub, async (__, { storage }) => {
    await storage.deleteAll();
    await migrate(drizzle(storage), asOf(entries.findIndex(({ tag }) => tag === '0021_orphaned')));
    storage.sql.exec(
      `INSERT INTO nodes (id, public_key, name, operator, tier, state, joined_at, last_seen_at)
       VALUES ('n', 'k', 'n', 'op', 'trusted', ?, 0, 0)`,
      state,
    );
    expect(new PublicationLog(await openDatabase(storage)).isBehind()).toBe(isBehind);
  });
});
