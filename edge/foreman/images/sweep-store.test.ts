/** What no table knows of: images come into them, and what belongs to none goes. */
import { beforeEach, expect, test, vi } from 'vitest';
import { buildRecord } from '../../../shared/build/build-record.fixture.ts';
import { type BuildRecord, storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { AHEAD, bucket, failed, IMAGE, type OpenedForeman, withForeman } from '../foreman.fixture.ts';

const DAY_MS = 24 * 3_600_000;
let foreman: OpenedForeman;
let tests = 0;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
});
beforeEach(async () => {
  // Each test has a store of its own, as each has a Foreman.
  for (const { key } of (await bucket.list()).objects) await bucket.delete(key);
  vi.setSystemTime(AHEAD + ++tests * 30 * DAY_MS);
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});

const exists = async (key: string): Promise<boolean> => (await bucket.head(key)) !== null;

const markOf = async (name: string) => Number((await foreman.rows('meta')).find((row) => row.name === name)?.value);
/** Not as long as the one that is asked for has not begun yet. */
const isSwept = async () => (await markOf('sweep_began_at')) > 0 && (await markOf('sweep_place')) === 32;
const beginAnew = () => foreman.alter("INSERT OR REPLACE INTO meta VALUES ('sweep_began_at', 0), ('sweep_place', 32)");

let rings = 0;

/** The alarm of a farm that is at work rings all the time; what it does goes on behind it, on a machine that others use too. */
async function ringUntil(check: () => Promise<void>, laterMs = 60 * 60_000): Promise<void> {
  await vi.waitFor(
    async () => {
      await foreman.submit({ intentHash: sha256Hex(`${tests} ${++rings}`) });
      vi.setSystemTime(Date.now() + laterMs);
      await foreman.alarm();
      await scheduler.wait(30);
      await check();
    },
    { timeout: 30_000 },
  );
}

/** A whole round. */
async function sweep(): Promise<void> {
  await beginAnew();
  await ringUntil(async () => expect(await isSwept()).toBe(true));
}

const stored = async (fields: Partial<BuildRecord>): Promise<BuildRecord> => {
  const leaseId = crypto.randomUUID();
  const text = 'an image';
  const file = { name: IMAGE, sizeBytes: text.length, sha256: sha256Hex(text) };
  const record = buildRecord({ requestHash: sha256Hex(leaseId), leaseId, files: [file], ...fields });
  await bucket.put(storeKey.object(leaseId, IMAGE), text);
  await bucket.put(storeKey.build(record.requestHash), JSON.stringify(record));
  return record;
};

test('images of before are known from then on, and nothing of them goes', async () => {
  const records = await Promise.all(Array.from({ length: 40 }, () => stored({})));
  await sweep();
  const rows = await foreman.rows('images');
  expect(rows.map((row) => row.request_hash).sort()).toEqual(records.map(({ requestHash }) => requestHash).sort());
  for (const { leaseId, requestHash } of records) {
    expect(await exists(storeKey.object(leaseId, IMAGE))).toBe(true);
    const size = (await bucket.head(storeKey.build(requestHash)))?.size ?? 0;
    expect(rows.find((row) => row.request_hash === requestHash)).toMatchObject({ bytes: size + 8, state: 'kept' });
  }
  const bytes = rows.reduce((total, row) => total + Number(row.bytes), 0);
  expect(await foreman.rows('image_sums')).toContainEqual({ state: 'kept', n: 40, bytes });
});

test('files of no image go, once they are old; of a lease at work, and what is no lease’s, they stay', async () => {
  await foreman.submit();
  const { leaseId } = await foreman.order('a');
  const orphan = storeKey.object(crypto.randomUUID(), IMAGE);
  const working = storeKey.object(leaseId, IMAGE);
  const strange = 'objects/zzz-somebody-elses/x';
  for (const key of [orphan, working, strange]) await bucket.put(key, 'bytes');
  await foreman.alter('UPDATE leases SET expires_at = 4e12, deadline_at = 4e12');
  await sweep();
  expect(await Promise.all([orphan, working, strange].map(exists))).toEqual([false, true, true]);
});

test('young files stay, whosever they are', async () => {
  // The store’s clock is the real one, an hour behind.
  vi.setSystemTime(AHEAD - 60_000);
  const orphan = storeKey.object(crypto.randomUUID(), IMAGE);
  await bucket.put(orphan, 'bytes');
  await foreman.alter(
    "INSERT OR REPLACE INTO meta VALUES ('sweep_began_at', ?), ('sweep_place', 16)",
    String(Date.now()),
  );
  await ringUntil(async () => expect(await isSwept()).toBe(true), 20_000);
  expect(await exists(orphan)).toBe(true);
});

test('what a lease left that ended before there was a table of them goes; its image does not', async () => {
  await foreman.submit();
  const lost = await foreman.order('a');
  await foreman.upload('a', lost.leaseId);
  await foreman.report('a', lost.leaseId, 1, failed('disk_full'));
  const order = await foreman.order('a');
  await foreman.report('a', order.leaseId, 1, await foreman.success('a', order.leaseId));
  await foreman.untilState(order.requestHash, 'done');
  await foreman.alter('UPDATE leases SET files_due_at = NULL');
  await foreman.alter('DELETE FROM images');
  await sweep();
  expect(await exists(storeKey.object(lost.leaseId, IMAGE))).toBe(false);
  expect(await exists(storeKey.object(order.leaseId, IMAGE))).toBe(true);
  expect(await foreman.rows('images')).toMatchObject([{ request_hash: order.requestHash, lease_id: order.leaseId }]);
});

test('a private image whose build is forgotten goes when its time is over, with all that could tell of it', async () => {
  const record = await stored({ private: true, expiresAt: Date.now() + 1 });
  await bucket.put(storeKey.statements(record.requestHash), '{}');
  await sweep();
  await vi.waitFor(
    async () => {
      vi.setSystemTime(Date.now() + 2 * 3_600_000);
      await foreman.alarm();
      expect(await foreman.rows('images')).toEqual([]);
    },
    { timeout: 20_000 },
  );
  const keys = [
    storeKey.build(record.requestHash),
    storeKey.object(record.leaseId, IMAGE),
    storeKey.statements(record.requestHash),
  ];
  expect(await Promise.all(keys.map(exists))).toEqual([false, false, false]);
});

test('a record that cannot be read holds the sweep up, and nothing of its image goes', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const record = await stored({});
  const key = storeKey.build(record.requestHash);
  await bucket.put(key, '<html>try again later');
  await beginAnew();
  const failures = () => log.mock.calls.filter((call) => JSON.stringify(call).includes('sweeping the store failed'));
  await ringUntil(async () => expect(failures().length).toBeGreaterThan(3));
  expect(await exists(storeKey.object(record.leaseId, IMAGE))).toBe(true);
  await bucket.put(key, JSON.stringify(record));
  await sweep();
  expect(await exists(storeKey.object(record.leaseId, IMAGE))).toBe(true);
  expect(await foreman.rows('images')).toMatchObject([{ request_hash: record.requestHash }]);
  log.mockRestore();
});

test('what lies among the records and is none does not hold the sweep up, however much there is of it', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  for (let n = 0; n < 40; n += 1) await bucket.put(storeKey.build(`0${sha256Hex(`none ${n}`).slice(1)}`), '{}');
  const record = await stored({ requestHash: `f${sha256Hex('a good one').slice(1)}` });
  await sweep();
  expect(await foreman.rows('images')).toMatchObject([{ request_hash: record.requestHash }]);
  log.mockRestore();
});

test('a file whose age the store does not tell stays', async () => {
  const orphan = storeKey.object(crypto.randomUUID(), IMAGE);
  await bucket.put(orphan, 'bytes');
  const list = bucket.list.bind(bucket);
  const ageless = vi.spyOn(bucket, 'list').mockImplementation(async (options) => {
    const page = await list(options);
    const objects = page.objects.map(({ key, size }) => ({ key, size, uploaded: new Date(Number.NaN) }) as R2Object);
    return { ...page, objects };
  });
  await sweep();
  expect(await exists(orphan)).toBe(true);
  ageless.mockRestore();
  await sweep();
  expect(await exists(orphan)).toBe(false);
});
