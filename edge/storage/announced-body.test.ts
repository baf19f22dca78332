import { describe, expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { withAnnouncedBody } from './announced-body.ts';
import { failureOf } from './object-store.fixture.ts';
import { ObjectStoreError } from './object-store-error.ts';

/** Pieces of a body as they may arrive, empty ones among them. */
const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

function streamOfPieces(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part.slice());
      controller.close();
    },
  });
}

/** A store that checks nothing and notes how many bytes it was given. */
function credulousStore() {
  const store = {
    received: 0,
    async take(body: ReadableStream<Uint8Array> | Uint8Array): Promise<Uint8Array> {
      if (body instanceof Uint8Array) {
        store.received = body.byteLength;
        return body;
      }
      const parts: Uint8Array[] = [];
      for await (const part of body) {
        store.received += part.byteLength;
        parts.push(part);
      }
      return joined(parts);
    },
  };
  return store;
}

describe('a body in any pieces', () => {
  test('arrives whole if it is the announced one', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, async (parts) => {
        const bytes = joined(parts);
        const expected = { size: bytes.byteLength, sha256: sha256Hex(bytes) };
        expect(await withAnnouncedBody(streamOfPieces(parts), expected, credulousStore().take)).toEqual(bytes);
      }),
    );
  });

  test('never arrives whole if it is another, so that even a store that checks nothing cannot store it', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: -3, max: 3 }), async (parts, difference) => {
        const bytes = joined(parts);
        const size = Math.max(0, bytes.byteLength + difference);
        const store = credulousStore();
        const attempt = withAnnouncedBody(streamOfPieces(parts), { size, sha256: sha256Hex('another') }, store.take);
        const kind = size === bytes.byteLength ? 'digest_mismatch' : 'size_mismatch';
        expect(await failureOf(attempt)).toMatchObject({ kind });
        expect(store.received).toBeLessThan(size || 1);
      }),
    );
  });
});

test('what the store says of a proper body is passed on', async () => {
  const full = new ObjectStoreError('unavailable', 'no space left');
  const expected = { size: 3, sha256: sha256Hex('abc') };
  const body = streamOfPieces([new TextEncoder().encode('abc')]);
  await expect(withAnnouncedBody(body, expected, () => Promise.reject(full))).rejects.toBe(full);
});

test('a store that fails while the sender is silent is heard, and the sender is told to stop', async () => {
  let cancelled = false;
  const silent = new ReadableStream<Uint8Array>({
    cancel() {
      cancelled = true;
    },
  });
  const full = new ObjectStoreError('unavailable', 'no space left');
  await expect(withAnnouncedBody(silent, { size: 3 }, () => Promise.reject(full))).rejects.toBe(full);
  expect(cancelled).toBe(true);
});
