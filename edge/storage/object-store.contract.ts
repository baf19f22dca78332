/**
 * What every object store must do, written once and run against each real one (`r2.test.ts`, `s3.test.ts`): the port is
 * only worth having if nobody above it can tell the adapters apart.
 */
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { announcedBodiesContract } from './announced-bodies.contract.ts';
import { digestOf } from './digest-of.ts';
import { keysContract } from './keys.contract.ts';
import { multipartContract } from './multipart.contract.ts';
import {
  existing,
  freshKey,
  mebibyte,
  nativeSha256Hex,
  type OpenStore,
  patternBytes,
  putBytes,
  readAll,
  streamOf,
} from './object-store.fixture.ts';
import type { ObjectBody } from './object-store.ts';
import { rangesContract } from './ranges.contract.ts';

export function objectStoreContract(name: string, open: OpenStore): void {
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

    announcedBodiesContract(open);

    test('a second put replaces the object, its digest and its content type', async () => {
      const store = await open();
      const key = `intents/${sha256Hex('replaced')}.json`;
      await store.put(key, 'one', { size: 3, sha256: sha256Hex('one'), contentType: 'application/json' });
      await store.put(key, 'three', { size: 5, sha256: sha256Hex('three'), contentType: 'text/plain' });
      expect(await store.head(key)).toMatchObject({ size: 5, sha256: sha256Hex('three'), contentType: 'text/plain' });
    });

    rangesContract(open);
    keysContract(open);

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

    multipartContract(open);

    test('an aborted signal ends a read with its own reason', async () => {
      const store = await open();
      const key = freshKey();
      await putBytes(store, key, patternBytes(100_000));
      const reason = new Error('the lease is over');
      await expect(digestOf(store, key, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });
  });
}
