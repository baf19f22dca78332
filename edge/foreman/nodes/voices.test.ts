/** Who is here, as it is kept in memory, beside what the tables say. */
import { runInDurableObject } from 'cloudflare:test';
import { drizzle } from 'drizzle-orm/durable-sqlite';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { meteredDatabase, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import * as schema from '../schema.ts';
import { Nodes } from './nodes.ts';
import { type Voice, Voices } from './voices.ts';

const HERE_MS = 45_000;
const FEED = 'https://feeds.example/own';
let foreman: OpenedForeman;

withForeman((opened) => {
  foreman = opened;
});

const inTables = <Answer>(work: (storage: DurableObjectStorage) => Answer): Promise<Answer> =>
  runInDurableObject(foreman.stub, (_, { storage }) => work(storage));

const byDatabase = (storage: DurableObjectStorage) => drizzle(storage, { schema });

/** From 0 to `most`, the same for the same seed. */
function chances(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * (most + 1));
  };
}

function join(
  nodes: Nodes,
  id: string,
  now: number,
  operator = `op of ${id}`,
  tier: Voice['tier'] = 'volunteer',
): void {
  const token = { id: sha256Hex(crypto.randomUUID()), operator, tier, expiresAt: now + 1 };
  nodes.join({ id, publicKey: sha256Hex(id), name: id }, token, now);
}

const asks = (nodes: Nodes, id: string, now: number, network = `network of ${id}`): void => {
  nodes.present(id, { softwareVersion: '1', slots: 1, held: [], network }, now);
};

/** As the tables have it. */
const active = (storage: DurableObjectStorage, now: number): string[] =>
  storage.sql
    .exec<{ id: string; operator: string; network: string; tier: string; feeds: string | null }>(
      "SELECT id, operator, network, tier, feeds FROM nodes WHERE state = 'active' AND last_seen_at > ? ORDER BY id",
      now - HERE_MS,
    )
    .toArray()
    .map(({ id, operator, network, tier, feeds }) => [id, operator, network, tier, feeds].join());

const kept = (voices: Voices, now: number): string[] =>
  voices
    .here(now)
    .map(({ id, operator, network, tier, feeds }) =>
      [id, operator, network, tier, feeds && JSON.stringify(feeds)].join(),
    )
    .sort();

const PUT = { stateBy: 'operator', stateReason: '', stateSince: 0 } as const;
const STATES = ['active', 'draining', 'quarantined', 'revoked'] as const;

type Scene = {
  readonly storage: DurableObjectStorage;
  readonly nodes: Nodes;
  readonly id: string;
  readonly now: number;
};

/** All that may become of a node, as the Foreman does it, and as it is done by hand. */
const EVENTS: readonly ((scene: Scene, chance: (most: number) => number) => void)[] = [
  ({ nodes, id, now }) => join(nodes, id, now),
  ({ nodes, id, now }) => join(nodes, id, now, 'another operator', 'trusted'),
  ({ nodes, id, now }) => asks(nodes, id, now),
  ({ nodes, id, now }) => asks(nodes, id, now),
  ({ nodes, id, now }) => asks(nodes, id, now),
  ({ nodes, id, now }, chance) => asks(nodes, id, now, `net-${chance(3)}`),
  ({ nodes, id }, chance) => nodes.put(id, STATES[chance(3)] ?? 'active', PUT),
  ({ nodes, id }) => nodes.put(id, 'active', PUT),
  ({ nodes, now }) => nodes.seenAhead(now),
  ({ storage, id }) => void storage.sql.exec('UPDATE nodes SET feeds = ? WHERE id = ?', `["${FEED}"]`, id),
  ({ storage, id }) => void storage.sql.exec('UPDATE nodes SET feeds = NULL WHERE id = ?', id),
  ({ storage, id }) => void storage.sql.exec("UPDATE nodes SET tier = 'trusted' WHERE id = ?", id),
  ({ storage, id }) => void storage.sql.exec('UPDATE nodes SET last_seen_at = 0 WHERE id = ?', id),
];

test.each([1, 2, 3])('who is kept is who is here, whatever became of the nodes, by %d', async (seed) => {
  const differences = await inTables((storage) => {
    const chance = chances(seed);
    const nodes = new Nodes(byDatabase(storage));
    const voices = new Voices(byDatabase(storage));
    const found: string[] = [];
    let now = 1_800_000_000_000;
    let most = 0;
    for (let step = 0; step < 600; step += 1) {
      const event = EVENTS[chance(EVENTS.length - 1)];
      event?.({ storage, nodes, id: `n${chance(9)}`, now }, chance);
      // Often several things happen before anybody asks, or in the same millisecond.
      if (chance(2) === 0) now += chance(20_000);
      if (chance(60) === 0) now += HERE_MS;
      if (chance(60) === 0) now -= chance(100_000);
      if (chance(1) === 0) continue;
      const [is, shouldBe] = [kept(voices, now), active(storage, now)];
      most = Math.max(most, is.length);
      if (is.join(' ') !== shouldBe.join(' ')) found.push(`${step}: ${is.join(' ')}, expected ${shouldBe.join(' ')}`);
    }
    if (most < 5) found.push(`at most ${most} were here`);
    return found;
  });
  expect(differences).toEqual([]);
});

test('of many nodes those alone are read again that were heard of since, and all by an object that has just woken', async () => {
  const read = await inTables((storage) => {
    const began = 1_800_000_000_000;
    const nodes = new Nodes(byDatabase(storage));
    for (let at = 0; at < 200; at += 1) join(nodes, `n${at}`, began + at);
    const { db, rowsRead } = meteredDatabase(storage);
    const rowsFor = (voices: Voices, now: number) => {
      expect(voices.here(now)).toHaveLength(200);
      return rowsRead();
    };
    const voices = new Voices(db);
    const first = rowsFor(voices, began + 1_000);
    const next = rowsFor(voices, began + 1_001);
    for (let at = 0; at < 5; at += 1) asks(nodes, `n${at}`, began + 20_000 + at);
    const afterFive = rowsFor(voices, began + 20_010);
    const justWoken = rowsFor(new Voices(db), began + 20_010);
    return { first, next, afterFive, justWoken };
  });
  expect(read.first).toBeGreaterThanOrEqual(200);
  expect(read.next).toBeLessThan(5);
  expect(read.afterFive).toBeLessThan(10);
  expect(read.justWoken).toBeGreaterThanOrEqual(200);
});
