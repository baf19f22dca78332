/** What was made with somebody's `defaults` goes when its time is over, and a store that hangs holds nothing else up. */
import { expect, test, vi } from 'vitest';
import { storeKey } from '../../../shared/build/build-record.ts';
import { sha256Hex } from '../../../shared/crypto/digest.ts';
import { EVENTUALLY } from '../../../shared/eventually.fixture.ts';
import { normalizedRequest } from '../../../shared/request/normalized-request.fixture.ts';
import { configOf } from '../../config.ts';
import { env } from '../../edge.fixture.ts';
import { bucket, type OpenedForeman, withForeman } from '../foreman.fixture.ts';

const { LEASE_SECONDS, PRIVATE_IMAGE_HOURS } = configOf(env);
const SECRET = { request: normalizedRequest({ defaultsMac: 'e'.repeat(64) }), sealedDefaults: 'sealed' };
let foreman: OpenedForeman;

withForeman(async (opened) => {
  foreman = opened;
  await foreman.node('a');
});

const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);
const secret = (name: string) => foreman.submit({ ...SECRET, intentHash: sha256Hex(name) });

async function publishSecret(name: string): Promise<string> {
  await secret(name);
  const { leaseId, requestHash } = await foreman.order('a');
  await foreman.report('a', leaseId, 1, await foreman.success('a', leaseId, name));
  await foreman.untilState(requestHash, 'done');
  return leaseId;
}

const filesOf = async (leaseId: string): Promise<number> =>
  (await bucket.list({ prefix: storeKey.object(leaseId, '') })).objects.length;

test('more of them than go at once all go', async () => {
  const leases: string[] = [];
  for (let at = 0; at < 18; at += 1) leases.push(await publishSecret(`of ${at}`));
  pass(PRIVATE_IMAGE_HOURS * 3_600_000 + 1_000);
  await vi.waitFor(async () => {
    pass(3_000);
    await foreman.alarm();
    expect(await Promise.all(leases.map(filesOf))).toEqual(leases.map(() => 0));
  }, EVENTUALLY);
});

test('a store that hangs meanwhile keeps no lease from ending', async () => {
  await publishSecret('goes');
  pass(PRIVATE_IMAGE_HOURS * 3_600_000 + 1_000);
  await foreman.submit({ intentHash: sha256Hex('is built') });
  const { requestHash } = await foreman.order('a');
  const hung = Promise.withResolvers<never>();
  const get = bucket.get.bind(bucket) as (...args: unknown[]) => Promise<never>;
  const spy = vi
    .spyOn(bucket, 'get')
    .mockImplementation((...args: unknown[]) => (String(args[0]).startsWith('builds/') ? hung.promise : get(...args)));
  pass(LEASE_SECONDS * 1000);
  await foreman.alarm();
  pass(LEASE_SECONDS * 1000);
  await foreman.alarm();
  expect(await foreman.status(requestHash)).toMatchObject({ state: 'queued' });
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  spy.mockRestore();
  hung.reject(new Error('get: Internal error (10001)'));
});
