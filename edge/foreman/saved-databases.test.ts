/**
 * A database that a Foreman of an earlier time has left is brought up to date by the Foreman that wakes on it, and what is in it means
 * what it meant: what waited is built, what was decided is published, what was answered is answered.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { migrate } from 'drizzle-orm/durable-sqlite/migrator';
import { afterAll, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { bytesToHex, hexToBytes, sha256Hex } from '../../shared/crypto/digest.ts';
import { signingKey } from '../../shared/crypto/ed25519.ts';
import { configOf } from '../config.ts';
import { env, openUpstream } from '../edge.fixture.ts';
import { MIGRATIONS } from './database.ts';
import { AHEAD, bucket, type OpenedForeman, openForeman, putObject, untilAtRest } from './foreman.fixture.ts';
import { BUILDS, FILE, type SavedName, type SavedRow, savedBuild, savedRows, TEXT } from './saved-rows.fixture.ts';

const { entries } = MIGRATIONS.journal;
const salt = configOf(env).IDENTITY_SALT;
const hashOf = (name: SavedName) => savedBuild(salt, name).hash;
const keys = new Map<string, string>();
let rows: readonly SavedRow[];

beforeAll(async () => {
  await openUpstream();
  for (const id of ['a', 'v'])
    keys.set(id, bytesToHex((await signingKey(new Uint8Array(hexToBytes(sha256Hex(id))))).publicKey));
  rows = savedRows(salt, AHEAD - 1_000, (id) => keys.get(id) ?? '');
});
afterAll(() => {
  vi.useRealTimers();
});

const asValue = (value: unknown) =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as string | number | null);

/** Step by step, as a Foreman does that lives through all of them, up to the one at which it was saved. */
async function save(storage: DurableObjectStorage, upTo: number): Promise<void> {
  await storage.deleteAll();
  for (const [at, { tag }] of entries.slice(0, upTo + 1).entries()) {
    await migrate(drizzle(storage), { ...MIGRATIONS, journal: { entries: entries.slice(0, at + 1) } });
    for (const { table, row } of rows.filter(({ since }) => since === tag))
      storage.sql.exec(
        `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row)
          .map(() => '?')
          .join(', ')})`,
        ...Object.values(row).map(asValue),
      );
  }
}

test('every row is of a migration that there is', () => {
  const tags = entries.map(({ tag }) => tag);
  expect(rows.filter(({ since }) => !tags.includes(since))).toEqual([]);
});

describe.each(entries.map(({ tag }, at) => [tag, at] as const))(
  'a Foreman that wakes on a database of %s',
  (_, upTo) => {
    let foreman: OpenedForeman;
    const has = (table: string) => rows.some((row) => row.table === table && isThere(row.since));
    const isThere = (since: string) => entries.slice(0, upTo + 1).some(({ tag }) => tag === since);

    beforeAll(async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
      for (const name of BUILDS) await bucket.delete(`builds/${hashOf(name)}.json`);
      for (const { key } of (await bucket.list({ prefix: 'log/' })).objects) await bucket.delete(key);
      await putObject('lease-decided', FILE, TEXT);
      foreman = openForeman();
      await untilAtRest(foreman.stub);
      // Of a time when there was none.
      await bucket.delete(`foremen/${foreman.stub.name}/foreman.json`);
      await runInDurableObject(foreman.stub, (__, { storage }) => save(storage, upTo));
      await evictDurableObject(foreman.stub);
    });
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
    });

    it('answers as before for what is over', async () => {
      expect(await foreman.status(hashOf('done'))).toMatchObject({ state: 'done', generation: 1 });
      expect(await foreman.status(hashOf('failed'))).toMatchObject({
        state: 'failed',
        failure: { kind: 'build_failed', stderr: 'make: *** failed' },
      });
    });

    it('knows who waits, and in which order', async () => {
      expect(await foreman.status(hashOf('waiting'))).toMatchObject({ state: 'queued', position: 0 });
      expect(await foreman.status(hashOf('voted'))).toMatchObject({ state: 'queued', position: 1 });
      expect(await foreman.calls.stats()).toMatchObject({ waiting: 2, nodesPresent: 2 });
    });

    it('publishes what was decided', async () => {
      await foreman.alarm();
      await foreman.untilState(hashOf('decided'), 'done');
      expect(await (await bucket.get(`builds/${hashOf('decided')}.json`))?.json()).toMatchObject({
        leaseId: 'lease-decided',
      });
    });

    it('hears the node that was building', async () => {
      expect(await foreman.report('a', 'lease-running', 1, await foreman.success('a', 'lease-running'))).not.toBe(
        'none',
      );
      await foreman.untilState(hashOf('running'), 'done');
    });

    it('gives what waited to a node that had joined, and publishes what it makes', async () => {
      for (const name of ['waiting', 'voted'] as const) {
        const order = await foreman.order('a');
        expect(order.requestHash).toBe(hashOf(name));
        await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
        await foreman.untilState(order.requestHash, 'done');
      }
    });

    it('has weighed the vote of before with the decision', async () => {
      const votes = await foreman.rows('votes');
      const verdicts = votes
        .filter((row) => row.request_hash === hashOf('voted'))
        .map((row) => [row.operator, row.verdict]);
      // It was about other inputs than the trusted node had, so it is neither right nor wrong.
      expect(verdicts.sort()).toEqual([
        ['op', 'right'],
        ['op-v', 'moot'],
      ]);
    });

    it('does not take a token that was used', async () => {
      const token = { id: 'c'.repeat(32), operator: 'op', tier: 'trusted', expiresAt: Date.now() + 1000 } as const;
      const joined = await foreman.calls.join({ id: 'other', publicKey: '1'.repeat(64), name: 'other' }, token);
      expect(joined.ok).toBe(false);
    });

    it('still has what it kept beside builds', async () => {
      if (has('names'))
        expect(await foreman.calls.findName('0123456789ab')).toMatchObject({ requestHash: hashOf('done') });
      if (has('counters'))
        expect(await foreman.rows('counters')).toContainEqual(
          expect.objectContaining({ branch: '24.10', n: 7, name: '' }),
        );
      if (has('reproducibility'))
        expect(await foreman.calls.reproducibility()).toMatchObject([{ target: 'x86/64', agreed: 5 }]);
      if (has('log')) expect(Number((await foreman.rows('log')).at(-1)?.sequence)).toBeGreaterThan(1);
      if (has('known_images'))
        expect((await foreman.rows('known_images')).map((row) => row.request_hash)).toContain(hashOf('done'));
      expect(await foreman.calls.stats()).toMatchObject({ waiting: 0, live: 0, activeLeases: 0 });
    });
  },
);
