import { expect, test } from 'vitest';
import { readText, storedText } from './read-text.ts';

const MIB = 1024 * 1024;

/** So many megabytes, and how many were asked for. */
function text(mebibytes: number) {
  const piece = new Uint8Array(MIB).fill(0x61);
  const told = { pieces: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (told.pieces === mebibytes) return controller.close();
        told.pieces += 1;
        controller.enqueue(piece);
      },
      cancel() {
        told.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { told, body };
}

test('a text of the largest size is read whole', async () => {
  expect(await readText(text(32).body, 60_000)).toHaveLength(32 * MIB);
});

test('one that goes on is given up, and the rest of it is never fetched', async () => {
  const { told, body } = text(48);
  const store = { get: async () => ({ exists: true as const, size: 5, etag: '"x"', body }) };
  await expect(storedText(store, 'builds/x.json', 60_000)).rejects.toMatchObject({
    kind: 'unavailable',
    cause: { message: expect.stringContaining('expected a text of at most') },
  });
  expect(told).toEqual({ pieces: 33, isCancelled: true });
});

test('a character that two pieces share is one', async () => {
  const [first, second] = [new Uint8Array([0xc3]), new Uint8Array([0xbc])];
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(first);
      controller.enqueue(second);
      controller.close();
    },
  });
  expect(await readText(body, 60_000)).toBe('ü');
});
