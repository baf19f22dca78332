/**
 * What every object store must do, written once and run against each real one (`r2.test.ts`, `s3.test.ts`): the port is
 * only worth having if nobody above it can tell the adapters apart.
 */
import { describe, expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { bytesToHex, sha256Hex } from '../../shared/crypto/digest.ts';
import { digestOf } from './digest-of.ts';
import type { ByteRange, ObjectBody, ObjectContent, ObjectStore } from './object-store.ts';
import { ObjectStoreError, type ObjectStoreErrorKind } from './object-store-error.ts';

const mebibyte = 1024 * 1024;

/** Bytes that repeat nowhere near, so that a chunk lost, doubled or swapped changes them. */
export function patternBytes(size: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = seed >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

/** A stream of unknown length in pieces of `chunkBytes`, the way a request's body arrives. */
export function streamOf(bytes: Uint8Array, chunkBytes = 65_536): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      // A copy, because whoever reads the piece may take its memory away.
      controller.enqueue(bytes.slice(at, at + chunkBytes));
      at += chunkBytes;
    },
  });
}

export function putBytes(store: ObjectStore, key: string, bytes: Uint8Array): Promise<void> {
  return store.put(key, bytes, { size: bytes.byteLength, sha256: sha256Hex(bytes) });
}

export async function readAll(object: ObjectContent): Promise<Uint8Array> {
  return new Uint8Array(await new Response(object.body).arrayBuffer());
}

export async function existing(store: ObjectStore, key: string, range?: ByteRange): Promise<ObjectContent> {
  const object = await store.get(key, { range });
  if (!object.exists) throw new Error(`expected ${key} to exist`);
  return object;
}

/** The error's kind, or a failure that shows what happened instead. */
export async function failureOf(attempt: Promise<unknown>): Promise<{ kind: ObjectStoreErrorKind; message: string }> {
  let result: unknown;
  try {
    result = await attempt;
  } catch (error) {
    if (error instanceof ObjectStoreError) return { kind: error.kind, message: error.message };
    throw error;
  }
  throw new Error(`expected an ObjectStoreError, got ${JSON.stringify(result)}`);
}

/** For megabytes: the synchronous one is JavaScript. */
const nativeSha256Hex = async (bytes: Uint8Array): Promise<string> =>
  bytesToHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

let leases = 0;
/** A key that no other test uses. */
export const freshKey = (file = 'openwrt-sysupgrade.bin'): string => `objects/${++leases}-contract/${file}`;

export function objectStoreContract(name: string, open: () => Promise<ObjectStore>): void {
  describe(`${name} as an object store`, { timeout: 60_000 }, () => {
    test('of those who store only where there is nothing, the first one does, and what it stored stays', async () => {
      const store = await open();
      const key = freshKey('claim.json');
      const claim = (text: string) => {
        const bytes = new TextEncoder().encode(text);
        return store.putIfAbsent(key, bytes, { size: bytes.byteLength, sha256: sha256Hex(bytes) });
      };
      expect(await claim('first')).toBe(true);
      expect(await claim('second')).toBe(false);
      expect(new TextDecoder().decode(await readAll(await existing(store, key)))).toBe('first');
      await store.delete(key);
      const told = await Promise.all([claim('one'), claim('other')]);
      expect(told.filter((isMine) => isMine)).toHaveLength(1);
      const kept = new TextDecoder().decode(await readAll(await existing(store, key)));
      expect(kept).toBe(told[0] ? 'one' : 'other');
    });

    test('a key that was never stored does not exist, to head, get and digestOf alike', async () => {
      const store = await open();
      const key = freshKey();
      expect(await store.head(key)).toEqual({ exists: false });
      expect(await store.get(key)).toEqual({ exists: false });
      expect(await store.get(key, { range: { offset: 5 } })).toEqual({ exists: false });
      expect(await digestOf(store, key)).toEqual({ exists: false });
    });

    test('what was put comes back with its bytes, size, digest and content type', async () => {
      const store = await open();
      const text = '{"request_hash": "ü"}';
      const bytes = new TextEncoder().encode(text);
      const key = `builds/${sha256Hex('contract')}.json`;
      const expected = { size: bytes.byteLength, sha256: sha256Hex(bytes), contentType: 'application/json' };
      await store.put(key, text, expected);
      const described = { exists: true, ...expected, etag: expect.stringMatching(/^"[^"]+"$/) };
      expect(await store.head(key)).toEqual(described);
      const object = await existing(store, key);
      expect({ ...object, body: undefined }).toEqual({ ...described, body: undefined });
      expect(await readAll(object)).toEqual(bytes);
      expect(await digestOf(store, key)).toEqual({ exists: true, size: expected.size, sha256: expected.sha256 });
    });

    test('the kinds of body are all stored as their bytes', async () => {
      const store = await open();
      const bytes = patternBytes(1000);
      const larger = patternBytes(3000);
      larger.set(bytes, 1000);
      const bodies: Record<string, ObjectBody> = {
        bytes,
        'a view into a larger buffer': larger.subarray(1000, 2000),
        'an ArrayBuffer': bytes.slice().buffer as ArrayBuffer,
        'a stream': streamOf(bytes, 300),
        'a stream in one piece': streamOf(bytes, 5000),
        'a stream in single bytes': streamOf(bytes, 1),
        'the body of a response': new Response(bytes).body ?? '',
      };
      for (const [kind, body] of Object.entries(bodies)) {
        const key = freshKey();
        await store.put(key, body, { size: 1000, sha256: sha256Hex(bytes) });
        expect(await readAll(await existing(store, key)), kind).toEqual(bytes);
      }
    });

    test('an empty object, from nothing or from a stream that ends at once, is an object of size 0', async () => {
      const store = await open();
      for (const body of ['', new Uint8Array(), streamOf(new Uint8Array())]) {
        const key = freshKey();
        await store.put(key, body, { size: 0, sha256: sha256Hex('') });
        expect(await store.head(key)).toMatchObject({ exists: true, size: 0, sha256: sha256Hex('') });
        expect(await readAll(await existing(store, key))).toEqual(new Uint8Array());
        expect(await digestOf(store, key)).toEqual({ exists: true, size: 0, sha256: sha256Hex('') });
      }
    });

    test('a streamed image of 20 MB comes back whole', async () => {
      const store = await open();
      const bytes = patternBytes(20 * mebibyte + 7);
      const sha256 = await nativeSha256Hex(bytes);
      const key = freshKey();
      await store.put(key, streamOf(bytes), { size: bytes.byteLength, sha256 });
      expect(await digestOf(store, key)).toEqual({ exists: true, size: bytes.byteLength, sha256 });
    });

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

    test('a second put replaces the object, its digest and its content type', async () => {
      const store = await open();
      const key = `intents/${sha256Hex('replaced')}.json`;
      await store.put(key, 'one', { size: 3, sha256: sha256Hex('one'), contentType: 'application/json' });
      await store.put(key, 'three', { size: 5, sha256: sha256Hex('three'), contentType: 'text/plain' });
      expect(await store.head(key)).toMatchObject({ size: 5, sha256: sha256Hex('three'), contentType: 'text/plain' });
    });

    describe('ranges', () => {
      const bytes = patternBytes(1000);
      const served: readonly [string, ByteRange, number, number][] = [
        ['from an offset to the end', { offset: 990 }, 990, 1000],
        ['from the beginning', { offset: 0, length: 1 }, 0, 1],
        ['in the middle', { offset: 100, length: 250 }, 100, 350],
        ['the last byte', { offset: 999, length: 1 }, 999, 1000],
        ['ending behind the end', { offset: 900, length: 500 }, 900, 1000],
        ['the whole', { offset: 0 }, 0, 1000],
        ['a suffix', { suffix: 30 }, 970, 1000],
        ['a suffix longer than the object', { suffix: 5000 }, 0, 1000],
      ];
      test.each(served)('%s: exactly those bytes, and the size of the whole', async (_, range, from, to) => {
        const store = await open();
        const key = freshKey();
        await putBytes(store, key, bytes);
        const object = await existing(store, key, range);
        expect(object).toMatchObject({
          size: 1000,
          range: { offset: from, length: to - from },
          sha256: sha256Hex(bytes),
        });
        expect(await readAll(object)).toEqual(bytes.slice(from, to));
      });

      const impossible: readonly [string, Uint8Array, ByteRange][] = [
        ['beginning at the end', bytes, { offset: 1000 }],
        ['beginning behind the end', bytes, { offset: 5000, length: 1 }],
        ['of no bytes', bytes, { offset: 3, length: 0 }],
        ['a suffix of no bytes', bytes, { suffix: 0 }],
        ['before the beginning', bytes, { offset: -1 }],
        ['of an empty object', new Uint8Array(), { offset: 0 }],
        ['a suffix of an empty object', new Uint8Array(), { suffix: 4 }],
      ];
      test.each(impossible)('%s: not satisfiable', async (_, stored, range) => {
        const store = await open();
        const key = freshKey();
        await putBytes(store, key, stored);
        expect(await failureOf(store.get(key, { range }))).toMatchObject({ kind: 'range_not_satisfiable' });
      });
    });

    describe('keys', () => {
      const file = fc.stringMatching(/^[A-Za-z0-9._+~-]{1,40}$/).filter((name) => name !== '.' && name !== '..');

      test.each(['openwrt-24.10.0+r1-x86~64_generic.img.gz', '+', '~', '...', '.hidden', '-', 'a+b+c', 'a+2Bb'])(
        'a file named %s is stored under that name and no other',
        async (name) => {
          const store = await open();
          const key = freshKey(name);
          await putBytes(store, key, patternBytes(10));
          expect(await store.head(key)).toMatchObject({ exists: true, size: 10 });
          const folder = key.slice(0, -name.length);
          expect((await store.list(folder)).objects.map((object) => object.key)).toEqual([key]);
        },
      );

      test('any allowed name goes in and out', async () => {
        const store = await open();
        await fc.assert(
          fc.asyncProperty(file, async (name) => {
            const key = freshKey(name);
            await putBytes(store, key, new TextEncoder().encode(key));
            expect(new TextDecoder().decode(await readAll(await existing(store, key)))).toBe(key);
            await store.delete(key);
            expect(await store.head(key)).toEqual({ exists: false });
          }),
          { numRuns: 25 },
        );
      });

      test.each([
        '',
        '/',
        'objects/../builds/x.json',
        'objects/./x',
        'objects//x',
        '/objects/x',
        'objects/x/',
        'objects/a b',
        'objects/a%2Fb',
        'objects/a?uploads',
        'objects/a#b',
        'objects/ä',
        'objects/a\nb',
        `objects/${'x'.repeat(1024)}`,
      ])('%j is refused by every method', async (key) => {
        const store = await open();
        const refused = { kind: 'refused' };
        expect(await failureOf(store.head(key))).toMatchObject(refused);
        expect(await failureOf(store.get(key))).toMatchObject(refused);
        expect(await failureOf(putBytes(store, key, new Uint8Array(1)))).toMatchObject(refused);
        expect(await failureOf(store.put(key, streamOf(new Uint8Array(1)), { size: 1, sha256: '' }))).toMatchObject(
          refused,
        );
        expect(await failureOf(store.delete(key))).toMatchObject(refused);
        expect(await failureOf(store.createMultipart(key))).toMatchObject(refused);
        expect(await failureOf(store.uploadPart(key, 'u', 1, 'x', { size: 1 }))).toMatchObject(refused);
        expect(await failureOf(store.completeMultipart(key, 'u', []))).toMatchObject(refused);
        expect(await failureOf(store.abortMultipart(key, 'u'))).toMatchObject(refused);
      });
    });

    test('a deleted object is gone, and deleting it again is no error', async () => {
      const store = await open();
      const key = freshKey();
      await putBytes(store, key, patternBytes(10));
      await store.delete(key);
      expect(await store.head(key)).toEqual({ exists: false });
      await store.delete(key);
    });

    test('a listing goes through its pages in the order of keys and stays within the prefix', async () => {
      const store = await open();
      const folder = freshKey('');
      const names = ['a+b', 'b', 'c/d', 'c/e', 'f~'];
      for (const name of [...names].reverse()) await putBytes(store, `${folder}${name}`, patternBytes(name.length));
      await putBytes(store, `${folder.slice(0, -1)}x/a`, patternBytes(1));

      const seen: string[] = [];
      let pages = 0;
      let cursor: string | undefined;
      do {
        const page = await store.list(folder, { limit: 2, cursor });
        for (const { key, size, uploadedAtMs } of page.objects) {
          seen.push(key);
          expect(size).toBe(key.length - folder.length);
          expect(uploadedAtMs).toBeGreaterThan(Date.UTC(2020));
        }
        cursor = page.cursor;
        pages++;
      } while (cursor !== undefined);
      expect(seen).toEqual(names.map((name) => `${folder}${name}`));
      expect(pages).toBeGreaterThanOrEqual(3);
      expect(await store.list(`${folder}nothing`)).toEqual({ objects: [] });
    });

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

    test('an aborted signal ends a read with its own reason', async () => {
      const store = await open();
      const key = freshKey();
      await putBytes(store, key, patternBytes(100_000));
      const reason = new Error('the lease is over');
      await expect(digestOf(store, key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
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
