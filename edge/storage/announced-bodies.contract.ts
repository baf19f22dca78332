/** What every object store does with a body that is not what was announced: there is no such object afterwards. */
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { digestOf } from './digest-of.ts';
import { failureOf, freshKey, type OpenStore, patternBytes, putBytes, streamOf } from './object-store.fixture.ts';
import type { ObjectBody } from './object-store.ts';
import type { ObjectStoreErrorKind } from './object-store-error.ts';

export function announcedBodiesContract(open: OpenStore): void {
  describe('a body that is not what was announced', () => {
    const bytes = patternBytes(200_000);
    const sha256 = sha256Hex(bytes);
    const changed = bytes.slice();
    changed[199_999] = (changed[199_999] ?? 0) ^ 1;
    const other = sha256Hex('other');
    const cases: readonly [string, () => ObjectBody, { size: number; sha256: string }, ObjectStoreErrorKind][] = [
      ['a stream whose last byte differs', () => streamOf(changed), { size: 200_000, sha256 }, 'digest_mismatch'],
      [
        'a stream in one piece that differs',
        () => streamOf(changed, 1e6),
        { size: 200_000, sha256 },
        'digest_mismatch',
      ],
      ['bytes that differ', () => changed, { size: 200_000, sha256 }, 'digest_mismatch'],
      ['text that differs', () => 'one', { size: 3, sha256: other }, 'digest_mismatch'],
      [
        'nothing, with the digest of something',
        () => streamOf(new Uint8Array()),
        { size: 0, sha256 },
        'digest_mismatch',
      ],
      ['a stream that is too short', () => streamOf(bytes), { size: 200_001, sha256 }, 'size_mismatch'],
      ['a stream that is too long', () => streamOf(bytes), { size: 199_999, sha256 }, 'size_mismatch'],
      ['a stream that goes on', () => streamOf(bytes, 100), { size: 100, sha256: other }, 'size_mismatch'],
      [
        'a stream where nothing was announced',
        () => streamOf(bytes),
        { size: 0, sha256: sha256Hex('') },
        'size_mismatch',
      ],
      ['bytes that are too many', () => bytes, { size: 10, sha256 }, 'size_mismatch'],
      ['bytes that are too few', () => bytes, { size: 200_001, sha256 }, 'size_mismatch'],
      ['a client that hangs up', () => breaksAfter(bytes, 100_000), { size: 200_000, sha256 }, 'size_mismatch'],
    ];
    test.each(cases)('%s: is refused and leaves nothing readable', async (_, body, expected, kind) => {
      const store = await open();
      const key = freshKey();
      expect(await failureOf(store.put(key, body(), expected))).toMatchObject({ kind });
      expect(await store.head(key)).toEqual({ exists: false });
      expect(await store.get(key)).toEqual({ exists: false });
    });

    test('leaves the older object as it was', async () => {
      const store = await open();
      const key = freshKey();
      await putBytes(store, key, bytes);
      expect(await failureOf(store.put(key, streamOf(changed), { size: 200_000, sha256 }))).toMatchObject({
        kind: 'digest_mismatch',
      });
      expect(await digestOf(store, key)).toMatchObject({ size: 200_000, sha256 });
    });
  });
}

function breaksAfter(bytes: Uint8Array, count: number): ReadableStream<Uint8Array> {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= count) return controller.error(new Error('connection reset'));
      controller.enqueue(bytes.slice(sent, sent + 10_000));
      sent += 10_000;
    },
  });
}
