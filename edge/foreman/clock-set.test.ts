/** The clock of the edge's own machine is set while builds wait and run: nothing of that is held against them. */
import { evictDurableObject } from 'cloudflare:test';
import { expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { configOf } from '../config.ts';
import { env } from '../edge.fixture.ts';
import { AHEAD, type OpenedForeman, progress, withForeman } from './foreman.fixture.ts';

const { LEASE_SECONDS } = configOf(env);
const leaseMs = LEASE_SECONDS * 1000;
const DAY_MS = 24 * 3_600_000;

let foreman: OpenedForeman;
withForeman(async (opened) => {
  foreman = opened;
  // A day earlier is still ahead of the real clock, or alarms would ring by themselves.
  vi.setSystemTime(AHEAD + 2 * DAY_MS);
  await foreman.buildNothingAhead();
  await foreman.node('a');
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
const hashOf = async (intent: string): Promise<string> => {
  const status = await foreman.submit({ intentHash: sha256Hex(intent) });
  if (!('requestHash' in status)) throw new Error('expected a build that waits');
  return status.requestHash;
};
const stateOf = async (hash: string) => (await foreman.status(hash))?.state;

test.each([
  ['ahead', DAY_MS],
  ['back', -DAY_MS],
])('a clock that is set a day %s costs neither who builds nor who waits', async (_, jump) => {
  const built = await hashOf('is built');
  const { leaseId } = await foreman.order('a');
  const waits = await hashOf('waits');
  pass(jump);
  await foreman.alarm();
  expect([await stateOf(built), await stateOf(waits)]).toEqual(['running', 'queued']);
  expect(await foreman.report('a', leaseId, 1, progress(1)), 'its node goes on').toBe('active');
});

test.each([
  ['ahead', DAY_MS],
  ['back', -DAY_MS],
])('a node that died as the clock was set a day %s is missed after one lease', async (_, jump) => {
  const hash = await hashOf('is built');
  await foreman.order('a');
  pass(jump);
  await foreman.alarm();
  const alarmAt = await foreman.alarmAt();
  expect(alarmAt).toBeLessThanOrEqual(Date.now() + leaseMs);
  pass(leaseMs);
  await foreman.alarm();
  expect(await stateOf(hash)).toBe('queued');
});

test('a clock that is set back is seen by the next call, before any alarm', async () => {
  await hashOf('is built');
  await foreman.order('a');
  pass(-DAY_MS);
  await hashOf('comes afterwards');
  expect(await foreman.alarmAt()).toBeLessThanOrEqual(Date.now() + leaseMs);
});

test('a clock that is set back while the Foreman is away is seen when it wakes', async () => {
  await hashOf('is built');
  await foreman.order('a');
  await evictDurableObject(foreman.stub);
  pass(-DAY_MS);
  await foreman.calls.stats();
  const [lease] = await foreman.rows('leases');
  expect(lease?.expires_at).toBe(Date.now() + leaseMs);
});

test('what was postponed before the clock was set back does not wait for the day to come again', async () => {
  const hash = await hashOf('is postponed');
  await foreman.alter('UPDATE builds SET not_before = ?', String(Date.now() + 60_000));
  pass(-DAY_MS);
  await foreman.alarm();
  pass(1_000);
  expect((await foreman.order('a')).requestHash).toBe(hash);
});

test('who was heard of before the clock was set back is not there until that day comes again', async () => {
  const rowOf = async (id: string) => (await foreman.rows('nodes')).find((row) => row.id === id);
  await foreman.node('b');
  await hashOf('is built');
  await foreman.order('b');
  pass(-DAY_MS);
  await foreman.alarm();
  expect(await rowOf('a')).toMatchObject({ last_seen_at: Date.now() });
  pass(2 * 60_000);
  await foreman.lease('b');
  expect([await rowOf('a'), await rowOf('b')]).toMatchObject([
    { last_seen_at: Date.now() - 2 * 60_000 },
    { last_seen_at: Date.now() },
  ]);
});

test('what came to the queue, or was said, before the clock was set back is no younger than now', async () => {
  await hashOf('waits');
  await foreman.order('a');
  await foreman.alter(
    "INSERT INTO votes (request_hash, operator, node_id, tier, lease_id, outcome, at, verdict) VALUES ('x', 'o', 'n', 'volunteer', 'l', 'image', ?, 'open')",
    String(Date.now()),
  );
  await hashOf('waits as well');
  pass(-DAY_MS);
  await foreman.alarm();
  expect(await foreman.rows('votes')).toMatchObject([{ at: Date.now() }]);
  expect((await foreman.rows('builds')).filter(({ state }) => state === 'queued')).toMatchObject([
    { queued_at: Date.now() },
  ]);
});
