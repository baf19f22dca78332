/** What the store says of a wish's latest image, in bad weather. */
import { afterEach, expect, test, vi } from 'vitest';
import { READING_MS } from '../../storage/object-store.ts';
import { latestRecord } from './latest-record.ts';

afterEach(() => {
  vi.useRealTimers();
});

const storeOf = (body: ReadableStream<Uint8Array>) => ({
  get: async () => ({ exists: true, size: 9, etag: '""', sha256: undefined, body }) as const,
});

test('an answer without end is an error after a while', async () => {
  vi.useFakeTimers();
  const failed = expect(latestRecord(storeOf(new ReadableStream()), 'a')).rejects.toMatchObject({
    kind: 'unavailable',
  });
  await vi.advanceTimersByTimeAsync(READING_MS);
  await failed;
});

test('half an answer is none', async () => {
  const half = storeOf(new Blob(['{"requestHash":']).stream());
  await expect(latestRecord(half, 'a')).rejects.toMatchObject({ kind: 'unavailable' });
});
