import { describe, expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { utf8ToBytes } from '../crypto/digest.ts';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../request/grammar.ts';
import { hashOf } from './package-hash.ts';
import { PackageTable } from './package-table.ts';

const name = fc.oneof(fc.stringMatching(PACKAGE_NAME), fc.constantFrom('a', 'aa', 'vim', 'vim-full', 'constructor'));
const version = fc.stringMatching(PACKAGE_VERSION);
const index = fc.uniqueArray(fc.tuple(name, version), { selector: ([one]) => one, maxLength: 60 });

/** What lies in a body, with something before it and behind it. */
const placed = (word: string) => ({ bytes: utf8ToBytes(`"${word}"`), start: 1, end: word.length + 1 });

function find(table: PackageTable, word: string): number {
  const { bytes, start, end } = placed(word);
  const place = table.find(bytes, start, end, hashOf(word));
  expect(table.placeOf(word)).toBe(place);
  return place;
}

/** All of a record, and its first part. */
function recordOf(table: PackageTable, place: number): [whole: string, nameOnly: string] {
  return [table.length(place), table.nameLength(place)].map((length) => {
    const to = new Uint8Array(length + 5);
    expect(table.copy(place, length, new DataView(to.buffer), 1)).toBe(length + 1);
    expect([to[0], to[length + 4]]).toEqual([0, 0]);
    return new TextDecoder().decode(to.subarray(1, length + 1));
  }) as [string, string];
}

describe('a table', () => {
  it('finds each of its packages by name, at a place of its own, and no other', () => {
    fc.assert(
      fc.property(index, fc.array(name), (packages, others) => {
        const table = new PackageTable(packages);
        const places = packages.map(([one]) => find(table, one));
        expect(places.every((place) => place >= 0)).toBe(true);
        const numbers = places.map((place) => table.numberOf(place));
        expect(new Set(numbers).size).toBe(packages.length);
        expect(numbers.every((number) => number >= 0 && number < table.size)).toBe(true);
        for (const one of others) expect(find(table, one) >= 0).toBe(packages.some(([known]) => known === one));
      }),
    );
  });

  it('tells a package as an answer does, and whether its version is another', () => {
    fc.assert(
      fc.property(index, version, (packages, other) => {
        const table = new PackageTable(packages);
        for (const [one, offered] of packages) {
          const place = find(table, one);
          expect(recordOf(table, place)).toEqual([`"${one}":["${offered}","`, `"${one}"`]);
          for (const installed of [offered, other, `${offered}1`, offered.slice(1)]) {
            const { bytes, start, end } = placed(installed);
            expect(table.isVersion(place, bytes, start, end)).toBe(installed === offered);
          }
        }
      }),
    );
  });

  it('looks at names and not only at their hashes', () => {
    const table = new PackageTable([['vim', '9']]);
    const { bytes, start, end } = placed('vin');
    expect(table.find(bytes, start, end, hashOf('vim'))).toBe(-1);
  });

  test('of nothing finds nothing', () => {
    expect(find(new PackageTable([]), 'vim')).toBe(-1);
  });

  test('leaves out what has a word that is too long', () => {
    const table = new PackageTable([
      ['long', '1'.repeat(256)],
      ['longest', '1'.repeat(255)],
    ]);
    expect([find(table, 'long'), find(table, 'longest') >= 0]).toEqual([-1, true]);
  });
});
