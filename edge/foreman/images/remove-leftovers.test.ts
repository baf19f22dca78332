/** Of every lease that came to nothing the files go an hour later, and of no other. */
import { expect, it, test, vi } from 'vitest';
import { buildRecord } from '../../../shared/build/build-record.fixture.ts';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { bucket, failed, handedBack, IMAGE, type OpenedForeman, plansOf, withForeman } from '../foreman.fixture.ts';
import { Leases } from '../leases/leases.ts';
import { crowdOf } from '../trust/crowd.fixture.ts';

const HOUR_MS = 3_600_000;
/** As in sweep-store.ts: it has been through all of it. */
const END_OF_SWEEP = 32;
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
});

const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
const filesOf = async (leaseId: string): Promise<number> =>
  (await bucket.list({ prefix: storeKey.object(leaseId, '') })).objects.length;

let works = 0;

/** It has sent a file. */
async function atWork(): Promise<{ readonly leaseId: string; readonly requestHash: string }> {
  await foreman.submit({ intentHash: sha256Hex(`leftovers ${++works}`) });
  const order = await foreman.order('a');
  await foreman.upload('a', order.leaseId);
  return order;
}

async function untilGone(leaseId: string): Promise<void> {
  await vi.waitFor(async () => {
    await foreman.alarm();
    expect(await filesOf(leaseId)).toBe(0);
  }, EVENTUALLY);
}

it.each<[string, (lease: { readonly leaseId: string; readonly requestHash: string }) => Promise<unknown>]>([
  ['it failed', ({ leaseId }) => foreman.report('a', leaseId, 1, failed('image_too_big'))],
  ['its node stumbled', ({ leaseId }) => foreman.report('a', leaseId, 1, failed('disk_full'))],
  ['it was handed back', ({ leaseId }) => foreman.report('a', leaseId, 1, handedBack)],
  ['it was cancelled', ({ requestHash }) => foreman.calls.cancel(requestHash)],
  ['its node was revoked', () => foreman.calls.actOnNode('a', 'revoke', '')],
  [
    'nothing was heard of it',
    async () => {
      await foreman.elapse(10 * 60_000);
    },
  ],
])('where %s', async (_, end) => {
  const order = await atWork();
  await end(order);
  const [lease] = await foreman.rows('leases');
  expect(lease).toMatchObject({ state: 'ended', files_removed: 0 });
  vi.setSystemTime(Number(lease?.files_due_at) - 1);
  await foreman.alarm();
  await scheduler.wait(100);
  expect(await filesOf(order.leaseId)).toBe(1);
  pass(HOUR_MS);
  await untilGone(order.leaseId);
  await vi.waitFor(
    async () => expect(await foreman.rows('leases')).toMatchObject([{ files_removed: 1, files_due_at: null }]),
    EVENTUALLY,
  );
});

test('what is published stays, and what waits on the shelf to be published', async () => {
  const { leaseId, requestHash } = await atWork();
  await foreman.report('a', leaseId, 1, await foreman.success('a', leaseId));
  await foreman.untilState(requestHash, 'done');
  const crowd = crowdOf(foreman);
  await crowd.volunteers('v', 'w');
  await crowd.prove('v', 'w');
  await crowd.submit();
  const [lost, shelved] = [await crowd.image('v'), await crowd.image('w')];
  expect(await foreman.rows('shelved')).toMatchObject([{ lease_id: shelved.leaseId }]);
  pass(2 * HOUR_MS);
  await foreman.calls.status([shelved.requestHash]);
  await untilGone(lost.leaseId);
  expect([await filesOf(leaseId), await filesOf(shelved.leaseId)]).toEqual([1, 1]);
});

it.each<[string, (requestHash: string) => number]>([
  ['by nobody yet', () => END_OF_SWEEP],
  ['by the sweep of the store', (requestHash) => Number.parseInt(requestHash.slice(0, 1), 16)],
])('what the store says is published stays, found %s since the Foreman was restored', async (_, placeOfSweep) => {
  const { leaseId, requestHash } = await atWork();
  const text = 'an image';
  const file = { name: IMAGE, sizeBytes: text.length, sha256: sha256Hex(text) };
  await bucket.put(storeKey.build(requestHash), JSON.stringify(buildRecord({ requestHash, leaseId, files: [file] })));
  const sweep = `('sweep_began_at', ${Date.now()}), ('sweep_place', ${placeOfSweep(requestHash)})`;
  await foreman.alter(`INSERT OR REPLACE INTO meta VALUES ${sweep}`);
  await foreman.elapse(10 * 60_000);
  const isFound = async () => (await foreman.rows('images')).some(({ lease_id: lease }) => lease === leaseId);
  await vi.waitFor(async () => {
    await foreman.alarm();
    expect(await isFound()).toBe(placeOfSweep(requestHash) < END_OF_SWEEP);
  }, EVENTUALLY);
  pass(2 * HOUR_MS);
  await vi.waitFor(async () => {
    await foreman.alarm();
    expect(await foreman.rows('leases')).toMatchObject([{ files_due_at: null }]);
  }, EVENTUALLY);
  expect(await foreman.rows('leases')).toMatchObject([{ state: 'ended', files_removed: 0 }]);
  const images = (await foreman.rows('images')).filter(({ lease_id: lease }) => lease === leaseId);
  expect(images).toMatchObject([{ request_hash: requestHash, lease_id: leaseId, state: 'kept' }]);
  expect(await filesOf(leaseId)).toBe(1);
});

test('of files that are gone nothing is published, however late their node tells of them', async () => {
  const order = await atWork();
  const event = await foreman.success('a', order.leaseId);
  await foreman.report('a', order.leaseId, 1, failed('disk_full'));
  pass(2 * HOUR_MS);
  await foreman.status(order.requestHash);
  await untilGone(order.leaseId);
  expect(await foreman.report('a', order.leaseId, 2, event)).toBe('ended');
  expect((await foreman.build(order.requestHash)).state).not.toBe('publishing');
  expect(await foreman.rows('votes')).toEqual([]);
});

test('a store that does not answer is asked again', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const { leaseId } = await atWork();
  await foreman.report('a', leaseId, 1, failed('image_too_big'));
  const down = vi.spyOn(bucket, 'delete').mockRejectedValue(new Error('delete: Internal error (10001)'));
  pass(2 * HOUR_MS);
  await foreman.alarm();
  await vi.waitFor(() => expect(String(log.mock.calls)).toContain('removing what leases left failed'), EVENTUALLY);
  expect(await filesOf(leaseId)).toBe(1);
  down.mockRestore();
  pass(61_000);
  await untilGone(leaseId);
  expect(await bucket.head(storeKey.object(leaseId, IMAGE))).toBeNull();
  log.mockRestore();
});

test('what is due is found by index', async () => {
  const plans = await plansOf(foreman.stub, (db) => {
    const leases = new Leases(db, { leaseMs: 1, buildMs: 1 });
    leases.nextFilesDueAt();
    leases.withFilesDue(1, 1);
  });
  for (const plan of plans) expect(plan).toMatch(/USING (COVERING )?INDEX/);
});
