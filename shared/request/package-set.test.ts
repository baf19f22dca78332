import { describe, expect, it } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { foldPackages } from './package-set.ts';

const defaults = new Set(['base', 'dnsmasq', 'ppp']);

describe('folding', () => {
  it.each<[string, string[], 'additional' | 'absolute', string[], string[]]>([
    ['nothing', [], 'additional', [], []],
    ['an addition', ['vim'], 'additional', ['vim'], []],
    ['an addition with a plus', ['+vim'], 'additional', ['vim'], []],
    ['a default', ['ppp'], 'additional', [], []],
    ['a removal', ['-ppp'], 'additional', [], ['ppp']],
    ['a removal of what is not there', ['-vim'], 'additional', [], []],
    ['an addition and its removal: the removal wins', ['vim', '-vim'], 'additional', [], []],
    ['a default and its removal, in either order', ['-ppp', 'ppp'], 'additional', [], ['ppp']],
    ['an absolute list', ['base', 'vim'], 'absolute', ['vim'], ['dnsmasq', 'ppp']],
    ['an absolute list of all defaults', ['ppp', 'dnsmasq', 'base'], 'absolute', [], []],
    ['an absolute list with a removal', ['base', 'dnsmasq', 'ppp', '-ppp'], 'absolute', [], ['ppp']],
  ])('%s', (_, asked, spelling, add, remove) => {
    expect(foldPackages(asked, defaults, spelling)).toEqual({ add, remove });
  });

  const name = fc.constantFrom<string[]>('a', 'b', 'c', 'd', 'e', 'f', 'constructor', '10', '9');
  const names = fc.uniqueArray(name);
  const words = fc.array(fc.tuple(fc.constantFrom('', '+', '-'), name).map((parts) => parts.join('')));
  const spelled = fc.constantFrom('additional' as const, 'absolute' as const);
  const asWords = (selection: { add: readonly string[]; remove: readonly string[] }) => [
    ...selection.add,
    ...selection.remove.map((removed) => `-${removed}`),
  ];

  it('what is folded already changes nothing', () => {
    fc.assert(
      fc.property(words, names, spelled, (asked, known, spelling) => {
        const once = foldPackages(asked, new Set(known), spelling);
        expect(foldPackages(asWords(once), new Set(known), 'additional')).toEqual(once);
      }),
    );
  });

  it('one set in its absolute and its additional spelling is one selection', () => {
    fc.assert(
      fc.property(names, names, (wanted, known) => {
        const additional = [
          ...wanted.filter((each) => !known.includes(each)),
          ...known.filter((each) => !wanted.includes(each)).map((each) => `-${each}`),
        ];
        expect(foldPackages(wanted, new Set(known), 'absolute')).toEqual(
          foldPackages(additional, new Set(known), 'additional'),
        );
      }),
    );
  });

  it('order, duplicates and plus signs change nothing', () => {
    fc.assert(
      fc.property(words, names, spelled, (asked, known, spelling) => {
        const other = [...asked, ...asked].reverse().map((word) => word.replace(/^(?![+-])/, '+'));
        expect(foldPackages(other, new Set([...known].reverse()), spelling)).toEqual(
          foldPackages(asked, new Set(known), spelling),
        );
      }),
    );
  });

  it('adds no default, removes nothing but defaults, and never both', () => {
    fc.assert(
      fc.property(words, names, spelled, (asked, known, spelling) => {
        const { add, remove } = foldPackages(asked, new Set(known), spelling);
        expect(add.filter((each) => known.includes(each))).toEqual([]);
        expect(remove.filter((each) => !known.includes(each))).toEqual([]);
        expect([add, remove]).toEqual([[...new Set(add)].sort(), [...new Set(remove)].sort()]);
      }),
    );
  });
});
