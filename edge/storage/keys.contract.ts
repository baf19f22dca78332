/** By what names every object store takes an object, and by what it takes none. */
import { describe, expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import {
  existing,
  failureOf,
  freshKey,
  type OpenStore,
  patternBytes,
  putBytes,
  readAll,
  streamOf,
} from './object-store.fixture.ts';

export function keysContract(open: OpenStore): void {
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
}
