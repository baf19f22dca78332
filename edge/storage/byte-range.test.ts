import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { assertByteRange, resolveByteRange } from './byte-range.ts';

const count = fc.nat({ max: 200 });
const range = fc.oneof(
  fc.record({ offset: count }),
  fc.record({ offset: count, length: count }),
  fc.record({ suffix: count }),
);

test('a range means what slicing means, and what slices to nothing is not satisfiable', () => {
  fc.assert(
    fc.property(range, count, (wanted, size) => {
      const all = Array.from({ length: size }, (_, at) => at);
      const sliced =
        'suffix' in wanted
          ? all.slice(Math.max(0, size - wanted.suffix))
          : all.slice(wanted.offset, 'length' in wanted ? wanted.offset + wanted.length : undefined);
      const first = sliced[0];
      if (first === undefined) expect(() => resolveByteRange(wanted, size)).toThrow('expected a range');
      else expect(resolveByteRange(wanted, size)).toEqual({ offset: first, length: sliced.length });
    }),
  );
});

test.each([{ offset: -1 }, { offset: 0.5 }, { offset: Number.NaN }, { offset: 0, length: -1 }, { suffix: 2 ** 60 }])(
  '%j is no range of any object',
  (wanted) => {
    expect(() => assertByteRange(wanted)).toThrow('expected a range');
  },
);
