/** Who of a large farm is woken by the alarm: time may have brought what few of them may take, or put one of them aside. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, test, vi } from 'vitest';
import { storeKey } from '../../shared/build/build-record.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import { normalizedRequest } from '../../shared/request/normalized-request.fixture.ts';
import { headPayload, LOG_START } from '../../shared/trust/log-record.ts';
import { configOf } from '../config.ts';
import { env } from '../edge.fixture.ts';
import { bucket, NEWS, type OpenedForeman, withForeman } from './foreman.fixture.ts';
import type { LeaseAnswer, Refused } from './foreman-answers.ts';
import { Notary } from './publishing/notary.ts';

const { LEASE_SECONDS, SERVER_KEY } = configOf(env);
/** Longer than the log is waited for (bucket-hold.ts). */
const LISTENED_TO_MS = 5_000;
/** More than are woken, whoever they are (rooms.ts). */
const CROWD = 80;
let foreman: OpenedForeman;
let intents = 0;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.buildNothingAhead();
});

/** For trusted nodes alone. */
const submit = () =>
  foreman.submit({
    intentHash: sha256Hex(`rounds ${++intents}`),
    request: normalizedRequest({ defaultsMac: sha256Hex(`secret ${intents}`) }),
    sealedDefaults: 'sealed',
  });

const asked = async () => (await foreman.calls.stats()).calls.lease ?? 0;

/** Asks, and waits for longer than a test may take. */
async function waits(id: string, slots = 1): Promise<{ answer?: LeaseAnswer | Refused }> {
  const before = await asked();
  const heard: { answer?: LeaseAnswer | Refused } = {};
  const told = { ...NEWS, slots, network: `network of ${id}`, knownStanding: 'active' as const };
  void foreman.calls.lease(id, { ...told, idempotencyKey: `of ${id}`, waitMs: 3_600_000 }).then((answer) => {
    heard.answer = answer;
  });
  await vi.waitFor(async () => expect(await asked()).toBe(before + 1), EVENTUALLY);
  return heard;
}

const ids = Array.from({ length: CROWD }, (_, at) => `v${at}`);

async function crowdJoins(): Promise<void> {
  for (const id of ids) await foreman.node(id, `op-${id}`, 'volunteer');
}

async function crowdWaits(): Promise<void> {
  for (const id of ids) await waits(id);
}

const crowdLeaves = async (): Promise<void> => {
  for (const id of ids)
    await foreman.calls.lease(id, { ...NEWS, idempotencyKey: `last of ${id}`, isStopping: true, waitMs: 0 });
};

const leasesEnd = async (): Promise<void> => {
  vi.setSystemTime(Date.now() + LEASE_SECONDS * 1_000);
  await foreman.alarm();
};

test('a trusted node behind many volunteers is given what came back and is for trusted nodes alone', async () => {
  for (const id of ['t', 'u']) await foreman.node(id, `op-${id}`);
  await submit();
  const { requestHash } = await foreman.order('t');
  await crowdJoins();
  await crowdWaits();
  const behind = await waits('u');
  await leasesEnd();
  await vi.waitFor(() => expect(behind.answer).toMatchObject({ order: { requestHash } }), EVENTUALLY);
  await crowdLeaves();
}, 120_000);

test('one that waits behind many is told at once that it is drained, since its leases ended', async () => {
  for (const id of ['t', 'u', 'w']) await foreman.node(id, `op-${id}`);
  await submit();
  await foreman.lease('t', 'its build', { slots: 2 });
  const fault = (requestHash: string) => ({ requestHash, kind: 'node_lost', at: 1, blame: 'alone' });
  await foreman.alter("UPDATE nodes SET faults = ? WHERE id = 't'", JSON.stringify([fault('one'), fault('two')]));
  await crowdJoins();
  await crowdWaits();
  const behind = await waits('t', 2);
  // The others are there, so that it can be spared.
  const then = String(Date.now() + LEASE_SECONDS * 1_000);
  await foreman.alter("UPDATE nodes SET last_seen_at = ? WHERE id IN ('u', 'w')", then);
  await leasesEnd();
  expect((await foreman.rows('nodes')).find(({ id }) => id === 't')).toMatchObject({ state: 'draining' });
  await vi.waitFor(() => expect(behind.answer).toMatchObject({ order: null }), EVENTUALLY);
  await crowdLeaves();
}, 120_000);

test('one that waits behind many is told at once that the log disowns it, which the store was slow to say', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  await crowdJoins();
  await foreman.node('liar', 'op-liar', 'volunteer');
  const head = headPayload(LOG_START, Date.now() + 1_000, { ids: ['liar'], before: [] });
  await bucket.put(storeKey.logHead, JSON.stringify(await (await Notary.open(SERVER_KEY)).signHead(head)));
  const { get } = bucket;
  const held = Promise.withResolvers<void>();
  const slow = vi.spyOn(bucket, 'get').mockImplementation((async (...words: Parameters<R2Bucket['get']>) => {
    if (words[0] === storeKey.logHead) await held.promise;
    return get.apply(bucket, words);
  }) as R2Bucket['get']);
  await evictDurableObject(foreman.stub);
  await foreman.buildNothingAhead();
  await crowdWaits();
  const behind = await waits('liar');
  await scheduler.wait(LISTENED_TO_MS);
  expect(behind.answer).toBeUndefined();
  held.resolve();
  await vi.waitFor(async () => expect(await foreman.rows('disowned')).toHaveLength(1), EVENTUALLY);
  slow.mockRestore();
  await foreman.alarm();
  const standing = expect.objectContaining({ state: 'quarantined' });
  await vi.waitFor(() => expect(behind.answer).toMatchObject({ order: null, standing }), EVENTUALLY);
  await crowdLeaves();
}, 120_000);
