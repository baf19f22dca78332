/** A Foreman whose tables are of yesterday, before a store of today: what was published meanwhile stays as it is. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../shared/digest.ts';
import { openUpstream } from '../edge.fixture.ts';
import { AHEAD, bucket, IMAGE, type OpenedForeman, openForeman } from './foreman.fixture.ts';

let foreman: OpenedForeman;
const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
let intents = 0;

beforeAll(async () => {
  await openUpstream();
});
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: AHEAD });
  for (const { key } of (await bucket.list({ prefix: 'log/' })).objects) await bucket.delete(key);
  foreman = openForeman();
  await foreman.node('a');
  warned.mockClear();
});
afterAll(() => {
  vi.useRealTimers();
});

const text = async (key: string) => (await bucket.get(key))?.text();
const logKeys = async () =>
  (await bucket.list({ prefix: 'log/' })).objects.map(({ key }) => key).filter((key) => /^log\/\d+\.json$/.test(key));

async function publish(image: string, intentHash = sha256Hex(`standing ${++intents}`)): Promise<string> {
  await foreman.submit({ intentHash });
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId, image));
  await foreman.untilState(order.requestHash, 'done');
  await vi.waitFor(async () => expect(await text(`log/of/${order.requestHash}.json`)).toBeDefined());
  return order.requestHash;
}

/** All of its tables, as they are now; and how they come back. */
async function backUp(): Promise<() => Promise<void>> {
  const tables = ['builds', 'leases', 'votes', 'uploads', 'log', 'statements', 'known_images', 'meta'];
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
    expect(JSON.stringify(warned.mock.calls)).toContain('2 records ahead');
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
