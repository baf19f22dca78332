/** How every object store takes an object in parts. */
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { digestOf } from './digest-of.ts';
import {
  existing,
  failureOf,
  freshKey,
  mebibyte,
  nativeSha256Hex,
  type OpenStore,
  patternBytes,
  readAll,
  streamOf,
} from './object-store.fixture.ts';
import type { ObjectBody } from './object-store.ts';
import type { ObjectStoreError } from './object-store-error.ts';

export function multipartContract(open: OpenStore): void {
  describe('in parts', () => {
    const partBytes = 5 * mebibyte;
    const bytes = patternBytes(2 * partBytes + 3, 7);
    const pieces = [bytes.slice(0, partBytes), bytes.slice(partBytes, 2 * partBytes), bytes.slice(2 * partBytes)];

    test('sent in any order, some of them twice, they become one object', async () => {
      const store = await open();
      const key = freshKey();
      const sha256 = await nativeSha256Hex(bytes);
      const uploadId = await store.createMultipart(key, { sha256, contentType: 'application/gzip' });
      const part = async (number: number, body: ObjectBody, size: number) =>
        store.uploadPart(key, uploadId, number, body, {
          size,
          sha256: await nativeSha256Hex(pieces[number - 1] ?? new Uint8Array()),
        });
      const [first, second, third] = pieces as [Uint8Array, Uint8Array, Uint8Array];
      const parts = [await part(3, third, 3), await part(1, streamOf(first), partBytes)];
      await store.uploadPart(key, uploadId, 2, patternBytes(partBytes, 99), { size: partBytes });
      parts.push(await part(2, streamOf(second, mebibyte), partBytes));
      expect(await store.head(key)).toEqual({ exists: false });

      await store.completeMultipart(key, uploadId, parts);
      expect(await store.head(key)).toMatchObject({
        size: bytes.byteLength,
        sha256,
        contentType: 'application/gzip',
      });
      expect(await digestOf(store, key)).toEqual({ exists: true, size: bytes.byteLength, sha256 });
      const across = await existing(store, key, { offset: partBytes - 10, length: 20 });
      expect(await readAll(across)).toEqual(bytes.slice(partBytes - 10, partBytes + 10));
      expect((await store.list(key)).objects).toEqual([
        { key, size: bytes.byteLength, uploadedAtMs: expect.any(Number) },
      ]);
      await store.delete(key);
      expect(await store.head(key)).toEqual({ exists: false });
    });

    test('a false claim is visible: head repeats it, digestOf does not', async () => {
      const store = await open();
      const key = freshKey();
      const claimed = sha256Hex('a lie');
      const uploadId = await store.createMultipart(key, { sha256: claimed });
      const part = await store.uploadPart(key, uploadId, 1, 'small', { size: 5 });
      await store.completeMultipart(key, uploadId, [part]);
      expect(await store.head(key)).toMatchObject({ sha256: claimed });
      expect(await digestOf(store, key)).toEqual({ exists: true, size: 5, sha256: sha256Hex('small') });
    });

    test('without a claim there is no digest to mistake for one', async () => {
      const store = await open();
      const key = freshKey();
      const uploadId = await store.createMultipart(key);
      await store.completeMultipart(key, uploadId, [await store.uploadPart(key, uploadId, 1, 'x', { size: 1 })]);
      expect(await store.head(key)).not.toHaveProperty('sha256');
    });

    test('a part that is not what was announced is refused, and can be sent again', async () => {
      const store = await open();
      const key = freshKey();
      const uploadId = await store.createMultipart(key);
      const right = patternBytes(1000);
      const wrong = streamOf(patternBytes(1000, 2));
      const expected = { size: 1000, sha256: sha256Hex(right) };
      expect(await failureOf(store.uploadPart(key, uploadId, 1, wrong, expected))).toMatchObject({
        kind: 'digest_mismatch',
      });
      const short = streamOf(right.slice(1));
      expect(await failureOf(store.uploadPart(key, uploadId, 1, short, expected))).toMatchObject({
        kind: 'size_mismatch',
      });
      const part = await store.uploadPart(key, uploadId, 1, streamOf(right), expected);
      await store.completeMultipart(key, uploadId, [part]);
      expect(await digestOf(store, key)).toMatchObject({ sha256: expected.sha256 });
    });

    test('a part that was never sent cannot be completed', async () => {
      const store = await open();
      const key = freshKey();
      const uploadId = await store.createMultipart(key);
      const part = await store.uploadPart(key, uploadId, 1, 'x', { size: 1 });
      const invented = { partNumber: 2, etag: part.etag };
      expect(await failureOf(store.completeMultipart(key, uploadId, [part, invented]))).toMatchObject({
        kind: 'refused',
      });
      expect(await store.head(key)).toEqual({ exists: false });
      await store.abortMultipart(key, uploadId);
    });

    test('an aborted upload leaves nothing and takes no more parts; aborting again is no error', async () => {
      const store = await open();
      const key = freshKey();
      const uploadId = await store.createMultipart(key);
      const part = await store.uploadPart(key, uploadId, 1, 'x', { size: 1 });
      await store.abortMultipart(key, uploadId);
      await store.abortMultipart(key, uploadId);
      const gone = { kind: 'no_such_upload' };
      expect(await failureOf(store.uploadPart(key, uploadId, 2, 'x', { size: 1 }))).toMatchObject(gone);
      expect(await failureOf(store.completeMultipart(key, uploadId, [part]))).toMatchObject(gone);
      expect(await store.head(key)).toEqual({ exists: false });
    });

    test('neither aborting nor completing again touches the object of a completed upload', async () => {
      const store = await open();
      const key = freshKey();
      const uploadId = await store.createMultipart(key);
      const part = await store.uploadPart(key, uploadId, 1, 'x', { size: 1 });
      await store.completeMultipart(key, uploadId, [part]);
      await store.abortMultipart(key, uploadId);
      expect(await digestOf(store, key)).toMatchObject({ sha256: sha256Hex('x') });
      await store.completeMultipart(key, uploadId, [part]).catch((error: ObjectStoreError) => {
        expect(error.kind).toBe('no_such_upload');
      });
      expect(await digestOf(store, key)).toMatchObject({ sha256: sha256Hex('x') });
    });
  });
}
