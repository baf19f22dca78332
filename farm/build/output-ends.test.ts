import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { endsOf, OutputEnds } from './output-ends.ts';

test('what fits is kept as it is, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 }), (pieces) => {
      const output = new OutputEnds(1000);
      for (const piece of pieces) output.push(Buffer.from(piece));
      expect(output.toString()).toBe(pieces.join(''));
    }),
  );
});

test('of what does not fit the beginning and the end are kept, and it is said how much is not', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.stringMatching(/^[a-z]{1,40}$/), { minLength: 1, maxLength: 30 }),
      (capBytes, pieces) => {
        const output = new OutputEnds(capBytes);
        for (const piece of pieces) output.push(Buffer.from(piece));
        const all = pieces.join('');
        const cut = all.length - 2 * capBytes;
        expect(output.toString()).toBe(
          cut <= 0 ? all : `${all.slice(0, capBytes)}\n[${cut} bytes left out]\n${all.slice(-capBytes)}`,
        );
      },
    ),
  );
});

test('what is printed a few bytes at a time is not copied again for each of them', () => {
  const [capBytes, piece] = [1024 * 1024, 'abcd'];
  const output = new OutputEnds(capBytes);
  for (let printed = 0; printed < 4 * capBytes; printed += piece.length) output.push(Buffer.from(piece));
  const end = piece.repeat(capBytes / piece.length);
  expect(output.toString() === `${end}\n[${2 * capBytes} bytes left out]\n${end}`).toBe(true);
});

test('a chunk whose buffer the stream uses again is kept as it was', () => {
  const output = new OutputEnds(4);
  const chunk = Buffer.from('abcdefgh');
  output.push(chunk);
  chunk.fill('x');
  expect(output.toString()).toBe('abcdefgh');
});

test('a text that is there already is cut the same way', () => {
  expect(endsOf('abcdefghij', 2)).toBe('ab\n[6 bytes left out]\nij');
});
