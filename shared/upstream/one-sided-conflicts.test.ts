import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { oneSidedConflicts } from './one-sided-conflicts.ts';
import { parseOpkgIndex, type Relation } from './opkg-index.ts';

/** `name: Field value; Field value` → stanzas, all in version 1. */
const stanzas = (...texts: string[]) =>
  texts.flatMap((text) => {
    const [name, ...fields] = text.split(/: |; /);
    return parseOpkgIndex(
      [`Package: ${name}`, 'Version: 1', ...fields.map((field) => field.replace(' ', ': '))].join('\n'),
    );
  });
const installed = (...names: string[]) => Object.fromEntries(names.map((name) => [name, '1']));
const pairs = (manifest: Record<string, string>, ...texts: string[]) =>
  oneSidedConflicts(manifest, stanzas(...texts)).map(({ package: one, other }) => `${one} ${other}`);

test.each<[string, string[], string[]]>([
  ['one that names the other', ['a: Conflicts b', 'b'], ['a b']],
  ['both that name each other, once', ['a: Conflicts b', 'b: Conflicts a'], ['a b']],
  ['a name that is not the first', ['a: Conflicts x, y, b', 'b'], ['a b']],
  ['one that is not installed', ['a: Conflicts x'], []],
  ['itself', ['a: Conflicts a'], []],
  ['what it provides itself', ['a: Conflicts v; Provides v'], []],
  ['another that provides the name', ['a: Conflicts v', 'b: Provides v'], ['a b']],
  [
    'two others that provide the name, sorted',
    ['a: Conflicts v', 'libx7: Provides v', 'b: Provides v'],
    ['a b', 'a libx7'],
  ],
  ['two pairs, sorted as they come', ['a: Conflicts b', 'b: Conflicts libx7', 'libx7'], ['a b', 'b libx7']],
  ['two that provide and exclude one name', ['a: Conflicts v; Provides v', 'b: Conflicts v; Provides v'], ['a b']],
  ['a library’s name without its ABI', ['a: Conflicts libx', 'libx7: ABIVersion 7; Provides libx'], ['a libx7']],
  ['a version that fits', ['a: Conflicts b (<= 1)', 'b'], ['a b']],
  ['a version that does not', ['a: Conflicts b (>> 1)', 'b'], []],
  ['a condition that nobody can read', ['a: Conflicts b (# 1)', 'b'], []],
  ['a provided version that fits', ['a: Conflicts v (< 3)', 'b: Provides v (= 2)'], ['a b']],
  ['a provided version that fits, without a blank', ['a: Conflicts v (> 1)', 'b: Provides v (=2)'], ['a b']],
  ['a provided version that does not', ['a: Conflicts v (> 3)', 'b: Provides v (= 2)'], []],
  ['a name provided in no version, and a condition', ['a: Conflicts v (>= 1)', 'b: Provides v'], []],
  ['a name provided in no version, and a condition the other way', ['a: Conflicts v (<= 1)', 'b: Provides v'], []],
])('%s', (_, texts, expected) => {
  expect(pairs(installed('a', 'b', 'libx7'), ...texts)).toEqual(expected);
});

test('what no stanza describes in its version takes no part', () => {
  expect(pairs({ a: '2', b: '1' }, 'a: Conflicts b', 'b')).toEqual([]);
  expect(pairs({}, 'a: Conflicts b', 'b')).toEqual([]);
});

test('without any conflict in the index there is none, and none is of a package that is not installed', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'constructor');
  const relation = fc.record({ name, condition: fc.constantFrom('', '', '>= 1', '<< 1', '= 1', '?') });
  const stanza = fc.record({
    name,
    version: fc.constantFrom('1', '2'),
    conflicts: fc.array(relation, { maxLength: 3 }),
    provides: fc.array(relation, { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.array(stanza, { maxLength: 8 }), fc.uniqueArray(name), (index, names) => {
      const manifest = installed(...names);
      const found = oneSidedConflicts(manifest, index);
      for (const pair of found) {
        expect(names).toContain(pair.package);
        expect(names).toContain(pair.other);
        expect(pair.package).not.toBe(pair.other);
        expect(found.filter((one) => one.package === pair.other && one.other === pair.package)).toEqual([]);
      }
      // The order of an index says nothing, but for stanzas of one name and version.
      const unique = [...new Map(index.map((one) => [one.name, one])).values()];
      expect(
        new Set(oneSidedConflicts(manifest, unique.toReversed()).map((p) => [p.package, p.other].sort().join())),
      ).toEqual(new Set(oneSidedConflicts(manifest, unique).map((p) => [p.package, p.other].sort().join())));
      expect(
        oneSidedConflicts(
          manifest,
          index.map((one) => ({ ...one, conflicts: [] })),
        ),
      ).toEqual([]);
    }),
  );
});

test('what a feed says again and again is looked at so often and no more', () => {
  const again = (relation: Relation) => Array.from({ length: 500 }, () => relation);
  const hostile = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      name: `x${n}`,
      version: '1',
      conflicts: again({ name: 'v', condition: '>> 1' }),
      provides: again({ name: 'v', condition: '= 1' }),
    }));
  const found = (count: number) => {
    const index = [...stanzas('a: Conflicts b'), ...hostile(count), ...stanzas('b: Conflicts c', 'c')];
    const names = index.map(({ name }) => name);
    return oneSidedConflicts(installed(...names), index).map(({ package: one, other }) => `${one} ${other}`);
  };
  expect(found(0)).toEqual(['a b', 'b c']);
  expect(found(200)).toEqual(['a b']);
});

test('many are cut', () => {
  const names = Array.from({ length: 200 }, (_, n) => `p${n}`);
  const index = stanzas(...names.map((name) => `${name}: Conflicts p0`));
  expect(oneSidedConflicts(installed(...names), index)).toHaveLength(20);
});
