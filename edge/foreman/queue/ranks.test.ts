import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { expect, it, test } from 'vitest';
import { fc } from '../../../shared/chance.fixture.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { type OpenedForeman, openForeman, submission } from '../foreman.fixture.ts';
import * as schema from '../schema.ts';
import { type BuildState, LIVE_STATES } from '../schema.ts';
import { Queue } from './queue.ts';

/** Work with the queue of a real Foreman, and what its SQL read meanwhile. */
async function withQueue<Answer>(
  { stub, calls }: OpenedForeman,
  work: (queue: Queue, storage: DurableObjectStorage) => Answer,
): Promise<Answer> {
  await calls.stats();
  return runInDurableObject(stub, (_, { storage }) => work(new Queue(drizzle(storage, { schema })), storage));
}

const addOne = (queue: Queue, name: string, clientKey = '') =>
  queue.add(submission({ intentHash: sha256Hex(name), clientKey }), 1, Date.now(), schema.WHOM.anyone);

const STATES: readonly BuildState[] = [...LIVE_STATES, 'done', 'failed'];

it('tells places and numbers as counting every row would, whatever happens to builds', async () => {
  const change = fc.record({ at: fc.nat(), state: fc.constantFrom(...STATES), turn: fc.nat(20_000) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 60 }), fc.nat(5_000), async (changes, gap) => {
      await withQueue(openForeman(), (queue, { sql }) => {
        for (const [at, { state, turn }] of changes.entries()) {
          // Sequences with gaps: over the borders of stretches.
          if (at % 3 === 0) sql.exec('UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ?', gap, 'builds');
          const build = addOne(queue, `${at}`, `${at % 4}`);
          const victim = changes[at]?.at ?? 0;
          sql.exec(
            'UPDATE builds SET state = ?, turn = ? WHERE sequence = (SELECT sequence FROM builds ORDER BY sequence LIMIT 1 OFFSET ?)',
            state,
            turn,
            victim % (at + 1),
          );
          const one = (query: string, ...values: number[]) => sql.exec<{ n: number }>(query, ...values).one().n;
          const live = LIVE_STATES.map((name) => `'${name}'`).join(', ');
          expect(queue.line.position(build)).toBe(
            one(`SELECT count(*) AS n FROM builds WHERE state IN (${live}) AND sequence < ?`, build.sequence),
          );
          expect(queue.live()).toBe(one(`SELECT count(*) AS n FROM builds WHERE state IN (${live})`));
          expect(queue.waiting()).toBe(one("SELECT count(*) AS n FROM builds WHERE state = 'queued'"));
          const own = queue.byHash(build.requestHash) ?? build;
          const before = "SELECT count(*) AS n FROM builds WHERE state = 'queued' AND (turn, sequence) < (?, ?)";
          if (own.state === 'queued') expect(queue.line.ahead(own)).toBe(one(before, own.turn, own.sequence));
        }
        expect(sql.exec('SELECT * FROM ranks WHERE n <= 0').toArray()).toEqual([]);
      });
    }),
    { numRuns: 25 },
  );
});

test('a place in a long turn is exact near its ends, and about right in between, whoever builds what is in it', async () => {
  await withQueue(openForeman(), (queue, { sql }) => {
    addOne(queue, 'the first');
    // Of each four one is of this turn and one of the next, the rest is of another kind of nodes or of long ago.
    sql.exec(
      `WITH RECURSIVE more(at) AS (SELECT 2 UNION ALL SELECT at + 1 FROM more WHERE at < 4000)
       INSERT INTO builds (request_hash, intent_hash, generation, state, request, echo, conditions, upstream_digest, enqueued_at, not_before, polled_at, turn, needs_trust)
       SELECT at, at, 1, state, request, echo, conditions, upstream_digest, enqueued_at, 0, polled_at, iif(at % 4 = 0, 2, 1), at % 2 FROM builds, more`,
    );
    const places = [2, 101, 1_001, 2_002, 3_003, 3_901, 3_999].map((sequence) => {
      const inTurn = sql
        .exec<{ n: number }>('SELECT count(*) AS n FROM builds WHERE turn = 1 AND sequence < ?', sequence)
        .one().n;
      return { sequence, off: Math.abs(queue.line.ahead({ turn: 1, sequence }) - inTurn) };
    });
    const middle = places.filter(({ sequence }) => sequence > 1_000 && sequence < 3_901);
    expect(places.filter((place) => !middle.includes(place)).map(({ off }) => off)).toEqual([0, 0, 0, 0]);
    for (const { off } of middle) expect(off).toBeLessThan(30);
  });
});

test('each operation reads as many rows of a queue of 8,000 as of one of 100, but for some dozens', async () => {
  const operations: readonly [string, (queue: Queue) => unknown][] = [
    ['position', (queue) => queue.line.position({ sequence: 99 })],
    ['ahead', (queue) => queue.line.ahead({ turn: 50, sequence: 99 })],
    ['waiting', (queue) => queue.waiting()],
    ['unpolled', (queue) => queue.polls.noneSince(Date.now() - 1_000_000, 9)],
    ['longest unpolled', (queue) => queue.polls.earliest()],
    ['next postponed', (queue) => queue.nextPostponed(Date.now())],
    ['is publishing', (queue) => queue.isPublishing()],
    ['next expiry', (queue) => queue.ended.nextExpiry()],
    ['candidates', (queue) => queue.line.candidates(Date.now(), Object.values(schema.WHOM), 32)],
    ['add', (queue) => addOne(queue, 'one more')],
    ['a build that leaves the queue and ends', (queue) => queue.fail('50', {} as never, null, Date.now())],
    ['what ended long ago', (queue) => queue.ended.forget(1, 9)],
    ['back from an absence', (queue) => queue.polls.noteAll(Date.now())],
  ];
  const read = (builds: number) =>
    withQueue(openForeman(), (queue, storage) => {
      addOne(queue, 'the first');
      // Copies of it, fifty clients in turn.
      storage.sql.exec(
        `WITH RECURSIVE more(at) AS (SELECT 2 UNION ALL SELECT at + 1 FROM more WHERE at < ?)
         INSERT INTO builds (request_hash, intent_hash, generation, state, request, echo, conditions, upstream_digest, enqueued_at, not_before, polled_at, turn)
         SELECT at, at, 1, state, request, echo, conditions, upstream_digest, enqueued_at, not_before, polled_at, at / 50 FROM builds, more`,
        builds,
      );
      const counting = new Proxy(storage.sql, {
        get: (sql, name) =>
          name === 'exec'
            ? (...args: Parameters<SqlStorage['exec']>) => {
                const cursor = sql.exec(...args);
                counted.push(cursor);
                return cursor;
              }
            : Reflect.get(sql, name),
      });
      const counted: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
      const watched = new Queue(
        drizzle(new Proxy(storage, { get: (of, name) => (name === 'sql' ? counting : bound(of, name)) }), { schema }),
      );
      return operations.map(([name, ask]) => {
        counted.length = 0;
        ask(watched);
        return { name, rows: counted.reduce((sum, { rowsRead }) => sum + rowsRead, 0) };
      });
    });
  const [short, long] = [await read(100), await read(8_000)];
  for (const [at, { name, rows }] of long.entries()) {
    expect({ name, isFlat: rows <= (short[at]?.rows ?? 0) + 260 }).toEqual({ name, isFlat: true });
  }
});

function bound(of: DurableObjectStorage, name: string | symbol): unknown {
  const value = Reflect.get(of, name) as unknown;
  return typeof value === 'function' ? value.bind(of) : value;
}
