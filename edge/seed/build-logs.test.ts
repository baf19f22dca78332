import { beforeEach, expect, test, vi } from 'vitest';
import { LOG_LIMITS } from '../../shared/build/build-log.ts';
import { buildRecord } from '../../shared/build/build-record.fixture.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { utf8ToBytes } from '../../shared/crypto/digest.ts';
import { env } from '../edge.fixture.ts';
import { LogPieces } from '../events/log-pieces.ts';
import type { Visit } from '../limits/visit.ts';
import { BuiltResult } from '../results/kept-result.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { BuildLogs, NO_LOG } from './build-logs.ts';

const bucket = env.IMAGES as R2Bucket;
const charge = vi.fn(async () => undefined);
const visit = { charge } as unknown as Visit;
const { signal } = new AbortController();
let leases = 0;
let leaseId = '';
let logs: BuildLogs;

beforeEach(() => {
  leases += 1;
  leaseId = `lease-${leases}`;
  logs = new BuildLogs(new LogPieces(openObjectStore(env)));
  charge.mockClear();
});

const write = async (...pieces: string[]): Promise<void> => {
  for (const [index, text] of pieces.entries()) await bucket.put(storeKey.log(leaseId, index + 1), text);
};
const read = (): Promise<string> =>
  logs.textOf({ state: 'built', built: new BuiltResult(buildRecord({ leaseId })) }, visit, signal);

test('pieces are one text, line by line', async () => {
  await write('one\ntwo\n', 'thrée\n');
  expect(await read()).toBe('one\ntwo\nthrée\n');
});

test('a piece that is missing in the middle ends it', async () => {
  await write('one\n', 'two\n', 'three\n');
  await bucket.delete(storeKey.log(leaseId, 2));
  expect(await read()).toBe('one\n');
});

test('the size that a listing tells is that of the text, and costs a client once', async () => {
  await write('thrée\n');
  for (let times = 0; times < 3; times++) expect(await logs.sizeBytes(leaseId, visit, signal)).toBe(7);
  expect(charge).toHaveBeenCalledTimes(1);
  expect(utf8ToBytes(await read()).length).toBe(7);
});

test('where nothing is kept, the size is none and there is a sentence to read', async () => {
  expect(await logs.sizeBytes(leaseId, visit, signal)).toBe(0);
  expect(await read()).toBe(NO_LOG);
});

test('a node that writes more than an honest one does is cut short, and that is said', async () => {
  const piece = `${'x'.repeat(LOG_LIMITS.pieceBytes - 1)}\n`;
  await write(...Array.from({ length: LOG_LIMITS.logBytes / LOG_LIMITS.pieceBytes + 4 }, () => piece));
  const get = vi.spyOn(bucket, 'get');
  const text = await read();
  expect(text.endsWith('\n[the rest of this log is left out]\n')).toBe(true);
  expect(text.length).toBeLessThan(LOG_LIMITS.logBytes + 100);
  expect(get.mock.calls.length).toBe(LOG_LIMITS.logBytes / LOG_LIMITS.pieceBytes + 1);
});
