/** What every object store gives of a part of an object. */
import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import {
  existing,
  failureOf,
  freshKey,
  type OpenStore,
  patternBytes,
  putBytes,
  readAll,
} from './object-store.fixture.ts';
import type { ByteRange } from './object-store.ts';

export function rangesContract(open: OpenStore): void {
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
}
