/** A Foreman whose tables are of yesterday, before a store of today: what was published meanwhile stays as it is. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import { readHead } from '../../../shared/trust/log-record.ts';
import { edgeKeys } from '../../nodes/farm-node.fixture.ts';
import { bucket, IMAGE, type OpenedForeman, withForeman } from '../foreman.fixture.ts';
import type { Submission } from '../queue/queue.ts';

let foreman: OpenedForeman;
const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
let intents = 0;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
  warned.mockClear();
});

const text = async (key: string) => (await bucket.get(key))?.text();
const logKeys = async () =>
  (await bucket.list({ prefix: 'log/' })).objects.map(({ key }) => key).filter((key) => /^log\/\d+\.json$/.test(key));

async function publish(image: string, intentHash = sha256Hex(`standing ${++intents}`)): Promise<string> {
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId, image));
  await foreman.untilState(order.requestHash, 'done');
  await vi.waitFor(async () => expect(await text(`log/of/${order.requestHash}.json`)).toBeDefined(), EVENTUALLY);
  return order.requestHash;
}

/** All of its tables, as they are now; and how they come back. */
async function backUp(): Promise<() => Promise<void>> {
  const tables = [
    'builds',
    'leases',
    'votes',
    'uploads',
    'log',
    'statements',
    'known_images',
    'meta',
    'nodes',
    'disowned',
  ];
  const saved = await runInDurableObject(foreman.stub, (_, { storage }) =>
    tables.map((table) => [table, storage.sql.exec(`SELECT * FROM ${table}`).toArray()] as const),
  );
  return async () => {
    await runInDurableObject(foreman.stub, (_, { storage }) => {
      for (const [table, rows] of saved) {
        storage.sql.exec(`DELETE FROM ${table}`);
        for (const row of rows) {
          const names = Object.keys(row);
          const marks = names.map(() => '?').join(', ');
          storage.sql.exec(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`, ...Object.values(row));
        }
      }
    });
    await evictDurableObject(foreman.stub);
  };
}

describe('a build that waited when the tables were saved, and was published since', () => {
  it('may be built once more, and its record, its pointer and its place in the log are what they were', async () => {
    await publish('before');
    const intentHash = sha256Hex(`standing ${++intents}`);
    await foreman.submit({ intentHash });
    const restore = await backUp();
    const hash = await publish('first bytes', intentHash);
    await publish('another image');
    const keys = [
      `builds/${hash}.json`,
      `intents/${intentHash}.json`,
      `log/of/${hash}.json`,
      'log/2.json',
      'log/3.json',
    ];
    const before = await Promise.all(keys.map(text));
    await restore();
    expect(await foreman.status(hash)).toMatchObject({ state: 'queued' });
    const order = await foreman.order('a');
    expect(order.requestHash).toBe(hash);
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId, 'other bytes'));
    await foreman.untilState(hash, 'done');
    const later = await publish('later');
    expect(await Promise.all(keys.map(text))).toEqual(before);
    expect(await logKeys()).toEqual([1, 2, 3, 4].map((n) => `log/${n}.json`));
    expect(await text(`log/of/${later}.json`)).toContain('"sequence":4');
    expect(String(warned.mock.calls)).toMatch(/the log in the store is ahead.*"records":2/);
  });

  it('is built and published anew where the files of that are gone', async () => {
    const intentHash = sha256Hex(`standing ${++intents}`);
    await foreman.submit({ intentHash });
    const restore = await backUp();
    const hash = await publish('first bytes', intentHash);
    const { leaseId } = JSON.parse(String(await text(`builds/${hash}.json`)));
    await bucket.delete(`objects/${leaseId}/${IMAGE}`);
    await restore();
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId, 'other bytes'));
    await foreman.untilState(hash, 'done');
    expect(JSON.parse(String(await text(`builds/${hash}.json`)))).toMatchObject({ leaseId: order.leaseId });
  });
});

describe('an image that was published since, and of which the Foreman knows nothing', () => {
  const ORDINARY = {};
  const SECRET = { request: normalizedRequest({ defaultsMac: 'e'.repeat(64) }), sealedDefaults: 'sealed' };

  /** Its lease; the Foreman is then asked for it once more. */
  async function publishedSince(fields: Partial<Submission>): Promise<{ hash: string; first: string }> {
    const intentHash = sha256Hex(`standing ${++intents}`);
    await foreman.submit({ intentHash, ...fields });
    const restore = await backUp();
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId, 'first bytes'));
    await foreman.untilState(order.requestHash, 'done');
    await vi.waitFor(async () => expect(await text(`log/of/${order.requestHash}.json`)).toBeDefined(), EVENTUALLY);
    await restore();
    return { hash: order.requestHash, first: order.leaseId };
  }
  async function buildAnew(): Promise<string> {
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId, 'other bytes'));
    return order.leaseId;
  }
  const recordOf = async (hash: string) => JSON.parse((await text(`builds/${hash}.json`)) ?? 'null');
  const imageOf = async (hash: string) =>
    (await foreman.rows('images')).find(({ request_hash }) => request_hash === hash);
  const fileOf = (leaseId: string) => text(`objects/${leaseId}/${IMAGE}`);
  async function alarms(n: number, ms: number): Promise<void> {
    for (let left = n; left > 0; left -= 1) {
      vi.setSystemTime(Date.now() + ms);
      await foreman.alarm();
      await scheduler.wait(50);
    }
  }

  it('that was leaving does not take with it what is published under its name once more', async () => {
    const { hash, first } = await publishedSince(ORDINARY);
    expect(await imageOf(hash)).toMatchObject({ lease_id: first, state: 'kept' });
    await bucket.put(`builds/${hash}.json`, JSON.stringify({ ...(await recordOf(hash)), unpublishedAt: Date.now() }));
    await foreman.alter(
      "UPDATE images SET state = 'leaving', step = 3, due_at = ? WHERE request_hash = ?",
      String(Date.now() + 1_800_000),
      hash,
    );
    const second = await buildAnew();
    await foreman.untilState(hash, 'done');
    expect(await imageOf(hash)).toMatchObject({ lease_id: second, state: 'kept', step: 0 });
    await alarms(4, 3_600_000);
    expect(await recordOf(hash)).toMatchObject({ leaseId: second });
    expect((await recordOf(hash)).unpublishedAt).toBeUndefined();
    expect(await fileOf(second)).toBe('other bytes');
  });

  it('on the word of volunteers is taken back where a trusted node makes another one of the same', async () => {
    const { hash, first } = await publishedSince(ORDINARY);
    const { attesters, ...record } = await recordOf(hash);
    const volunteers = attesters.map((attester: object) => ({ ...attester, tier: 'volunteer' }));
    await bucket.put(`builds/${hash}.json`, JSON.stringify({ ...record, attesters: volunteers }));
    await buildAnew();
    await foreman.untilState(hash, 'failed');
    await vi.waitFor(async () => {
      await alarms(1, 4_000);
      expect(await recordOf(hash)).toBeNull();
    }, EVENTUALLY);
    expect(await imageOf(hash)).toMatchObject({ lease_id: first, state: 'leaving' });
  });

  it('with secrets goes with its files when its time is over', async () => {
    const { hash, first } = await publishedSince(SECRET);
    const second = await buildAnew();
    await foreman.untilState(hash, 'done');
    expect(await recordOf(hash)).toMatchObject({ leaseId: first });
    await vi.waitFor(async () => {
      await alarms(1, 25 * 3_600_000);
      expect([await recordOf(hash), await fileOf(first), await fileOf(second)]).toEqual([null, undefined, undefined]);
    }, EVENTUALLY);
    expect(await imageOf(hash)).toBeUndefined();
  });

  it('stays until its own end where a private one had its name', async () => {
    await foreman.submit({ intentHash: sha256Hex(`standing ${++intents}`), ...SECRET });
    const order = await foreman.order('a');
    await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
    await foreman.untilState(order.requestHash, 'done');
    const other = { ...(await recordOf(order.requestHash)), leaseId: 'another', expiresAt: 4e12 };
    await bucket.put(`builds/${order.requestHash}.json`, JSON.stringify(other));
    await vi.waitFor(async () => {
      await alarms(1, 25 * 3_600_000);
      expect(await fileOf(order.leaseId)).toBeUndefined();
    }, EVENTUALLY);
    expect(await recordOf(order.requestHash)).toEqual(other);
  });
});

it('a log whose end was not written when the tables were saved goes on behind what was written since', async () => {
  await publish('first');
  const restore = await backUp();
  const hashes = [await publish('second'), await publish('third')];
  const before = await Promise.all(['log/2.json', 'log/3.json'].map(text));
  await restore();
  const hash = await publish('fourth');
  expect(await Promise.all(['log/2.json', 'log/3.json'].map(text))).toEqual(before);
  expect(await text(`log/of/${hash}.json`)).toContain('"sequence":4');
  for (const known of hashes) expect(await text(`builds/${known}.json`)).toBeDefined();
});

describe('a node that was put out since', () => {
  const thief = sha256Hex('a thief');
  const isToldInHead = async () => (await text('log/head.json')) !== undefined && (await disowned()).includes(thief);
  const disowned = async (): Promise<readonly string[]> => {
    const read = await readHead(JSON.parse((await text('log/head.json')) ?? ''), edgeKeys.signing.publicKey);
    return read.ok ? read.value.disowned : [];
  };
  const rowOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);

  it.each([
    ['a part of the log', true],
    ['nothing of the log', false],
  ])('is believed no more by tables that have %s, nor told as one that is', async (_, isLogged) => {
    await foreman.node(thief, 'op');
    if (isLogged) await publish('before');
    const restore = await backUp();
    await publish('meanwhile');
    await foreman.calls.actOnNode(thief, 'revoke', 'its key was stolen');
    await vi.waitFor(async () => expect(await isToldInHead()).toBe(true), EVENTUALLY);
    await restore();
    await foreman.submit({ intentHash: sha256Hex(`standing ${++intents}`) });
    expect(await foreman.lease(thief)).toBeNull();
    expect(await rowOf(thief)).toMatchObject({ state: 'quarantined', state_by: 'foreman' });
    expect(await rowOf('a')).toMatchObject({ state: 'active' });
    await publish('afterwards');
    expect(await isToldInHead()).toBe(true);
  });

  it('and is released by its operator is not put out again, where the Foreman wakes before that is told', async () => {
    await foreman.node(thief, 'op');
    await publish('before');
    await foreman.calls.actOnNode(thief, 'quarantine', 'it was seen to lie');
    await foreman.alter("UPDATE nodes SET state_by = 'foreman' WHERE id = ?", thief);
    await publish('meanwhile');
    await vi.waitFor(async () => expect(await isToldInHead()).toBe(true), EVENTUALLY);
    await foreman.alter("UPDATE nodes SET state = 'active', state_since = state_since + 1 WHERE id = ?", thief);
    await evictDurableObject(foreman.stub);
    await foreman.submit({ intentHash: sha256Hex(`standing ${++intents}`) });
    expect(await foreman.lease(thief)).not.toBeNull();
    expect(await rowOf(thief)).toMatchObject({ state: 'active' });
  });
});
