import { expect, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { sha256Hex } from '../crypto/digest.ts';
import { type CanonicalField, canonical } from './canonical.ts';

// Golden: every hash ever given out is made of these bytes, in both runtimes. Never change one; a new spelling gets a new
// name in its first field.
test.each<[CanonicalField[], string]>([
  [[], ''],
  [[null], '~'],
  [[''], '0:,'],
  [['abc', 'd'], '3:abc,1:d,'],
  [[42], '2:42,'],
  [['€'], '3:€,'],
  [[[]], '[0;]'],
  [[['a', 'bc']], '[2;1:a,2:bc,]'],
  [['asu', null, ['a b'], 7], '3:asu,~[1;3:a b,]1:7,'],
])('%j is written as %j', (fields, text) => {
  expect(canonical(fields)).toBe(text);
});

test('the digest of a canonical text is the golden one', () => {
  expect(sha256Hex(canonical(['asu', '€', ['vim', 'luci'], null, 256]))).toBe(
    'c9956c6ba4de30f31e5cfe77cb42f1aad347f06c7527b643ab490958c250924f',
  );
});

const text = fc.string({ unit: 'grapheme', maxLength: 6 });
const field = fc.oneof(text, fc.constant(null), fc.array(text, { maxLength: 4 }));

test('two lists of fields have one text only if they are equal', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 4 }), fc.array(field, { maxLength: 4 }), (one, other) => {
      expect(canonical(one) === canonical(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 2000 },
  );
});

test('moving a boundary between fields changes the text', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 2, maxLength: 12 }), fc.nat(), fc.nat(), (whole, a, b) => {
      const cuts = [a, b].map((cut) => cut % (whole.length + 1));
      const [one, other] = cuts.map((cut) => canonical([whole.slice(0, cut), whole.slice(cut)]));
      expect(one === other).toBe(cuts[0] === cuts[1]);
    }),
  );
});

test('a field that quotes the notation cannot pass for two fields', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(canonical([`${canonical([a])}${b}`])).not.toBe(canonical([a, b]));
    }),
  );
});
