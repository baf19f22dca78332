import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LOG_LIMITS } from '../../shared/build/build-log.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { env } from '../edge.fixture.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { LogPieces } from './log-pieces.ts';

const bucket = env.IMAGES as R2Bucket;
const { signal } = new AbortController();
let leases = 0;
let leaseId = '';
let logs: LogPieces;

beforeEach(() => {
  leaseId = `lease-${++leases}`;
  logs = new LogPieces(openObjectStore(env));
});
afterEach(() => vi.restoreAllMocks());

const write = (piece: number, text: string) => bucket.put(storeKey.log(leaseId, piece), text);

test('a piece is read once, as lines that may be shown', async () => {
  await write(1, 'one\r\n\x1b[1mtwo\x1b[0m\n');
  const reads = vi.spyOn(bucket, 'get');
  for (const isOver of [false, false, true]) expect(await logs.read(leaseId, 1, isOver, signal)).toBe('one\ntwo');
  expect(reads).toHaveBeenCalledTimes(1);
});

test('the last piece is there at the end, though it was missing a moment before', async () => {
  expect(await logs.read(leaseId, 1, false, signal)).toBeNull();
  await write(1, 'the end\n');
  // Of a running build it is asked again when the moment is over.
  expect(await logs.read(leaseId, 1, false, signal)).toBeNull();
  expect(await logs.read(leaseId, 1, true, signal)).toBe('the end');
});

test('what is missing at the end is missing for good', async () => {
  const reads = vi.spyOn(bucket, 'get');
  for (let times = 0; times < 3; times += 1) expect(await logs.read(leaseId, 1, true, signal)).toBeNull();
  expect(reads).toHaveBeenCalledTimes(1);
});

test('what is larger than a piece, and what stands behind the last one, is none', async () => {
  await write(1, 'x'.repeat(LOG_LIMITS.pieceBytes + 1));
  await write(LOG_LIMITS.pieces + 1, 'too far\n');
  expect(await logs.read(leaseId, 1, false, signal)).toBeNull();
  expect(await logs.read(leaseId, LOG_LIMITS.pieces + 1, false, signal)).toBeNull();
});

test('a store that does not answer is no answer', async () => {
  const reads = vi.spyOn(bucket, 'get').mockRejectedValue(new Error('get: Internal error (10001)'));
  await expect(logs.read(leaseId, 1, true, signal)).rejects.toThrow();
  reads.mockRestore();
  await write(1, 'there\n');
  expect(await logs.read(leaseId, 1, true, signal)).toBe('there');
});
