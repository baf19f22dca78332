import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { PiecesInText } from './pieces-in-text.ts';

/** By looking for each piece at each character. */
function hiddenByHand(pieces: readonly string[], text: string): string {
  const hidden = new Set<number>();
  for (const piece of pieces)
    for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + 1))
      for (let of = 0; of < piece.length; of += 1) hidden.add(at + of);
  return Array.from(text, (sign, at) => (hidden.has(at) ? '_' : sign)).join('');
}

test('each character of each piece is in a place, none beside, and places are in order and apart', () => {
  const word = (maxLength: number) => fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength });
  const words = fc.array(
    word(6).map((signs) => signs.join('')),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(words, word(40), (pieces, signs) => {
      const text = signs.join('');
      const places = new PiecesInText(pieces).places(text);
      const shown = Array.from(text);
      for (const { start, end } of places) shown.fill('_', start, end);
      expect(shown.join('')).toBe(hiddenByHand(pieces, text));
      for (const [at, { start, end }] of places.entries()) {
        expect(start).toBeLessThan(end);
        expect(start).toBeGreaterThanOrEqual(places[at - 1]?.end ?? 0);
      }
    }),
  );
});

test.each<[string, string[], string, [number, number][]]>([
  ['nothing to look for', [], 'abc', []],
  [
    'one piece twice',
    ['ab'],
    'ab ab',
    [
      [0, 2],
      [3, 5],
    ],
  ],
  [
    'two that stand side by side',
    ['ab', 'cd'],
    'abcd',
    [
      [0, 2],
      [2, 4],
    ],
  ],
  ['two that overlap', ['abc', 'cde'], 'abcde', [[0, 5]]],
  ['one within another', ['b', 'abc'], 'abc', [[0, 3]]],
  ['one that joins what was found before it', ['ab', 'cd', 'abxcd'], 'abxcd', [[0, 5]]],
  ['the end of a piece that broke off', ['abcx', 'bc'], 'abcd', [[1, 3]]],
])('%s', (_, pieces, text, places) => {
  expect(new PiecesInText(pieces).places(text).map(({ start, end }) => [start, end])).toEqual(places);
});
