/** What time brings about is brought about for all of them, whatever becomes of one. */
import { expect, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { configOf } from '../config.ts';
import { env } from '../edge.fixture.ts';
import { type OpenedForeman, withForeman } from './foreman.fixture.ts';

const leaseMs = configOf(env).LEASE_SECONDS * 1000;
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.buildNothingAhead();
  for (const id of ['a', 'b']) await foreman.node(id);
});

test('a lease that cannot be ended keeps no other one, and is tried again in a moment', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const orders = [];
  for (const id of ['a', 'b']) {
    await foreman.submit({ intentHash: sha256Hex(`of ${id}`) });
    orders.push(await foreman.order(id));
  }
  const [stuck, other] = orders;
  const request = JSON.stringify((await foreman.build(stuck?.requestHash ?? '')).request);
  await foreman.alter("UPDATE builds SET request = 'broken' WHERE request_hash = ?", stuck?.requestHash ?? '');
  vi.setSystemTime(Date.now() + leaseMs);
  await foreman.alarm();
  expect(await foreman.build(other?.requestHash ?? '')).toMatchObject({ state: 'queued' });
  expect(String(log.mock.calls)).toContain('ending a lease failed and is tried again');
  const alarmAt = (await foreman.alarmAt()) ?? Number.NaN;
  expect(alarmAt).toBeGreaterThan(Date.now());
  expect(alarmAt).toBeLessThanOrEqual(Date.now() + 3_000);
  await foreman.alter(
    'UPDATE builds SET request = ? WHERE request_hash = ?',
    JSON.parse(request),
    stuck?.requestHash ?? '',
  );
  vi.setSystemTime(alarmAt);
  await foreman.alarm();
  expect(await foreman.build(stuck?.requestHash ?? '')).toMatchObject({ state: 'queued' });
  log.mockRestore();
});
