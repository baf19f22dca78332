import { expect, test } from 'vitest';
import { type Bound, exponent, isKept, stepRatios } from './curve.ts';

const at = (...values: readonly number[]) => values.map((value, step) => ({ size: 10 ** (step + 3), value }));

test('the ratio of each step is of its two points', () => expect(stepRatios({ points: at(2, 4, 12) })).toEqual([2, 3]));

test.each([
  ['what stays', at(7, 7, 7), 0],
  ['what grows as its size', at(5, 50, 500), 1],
  ['what grows as the square root', at(1, 10 ** 0.5, 10), 0.5],
  ['what shrinks as its size', at(100, 10), -1],
])('the exponent of %s', (_, points, expected) => expect(exponent({ points })).toBeCloseTo(expected));

test.each([
  ['a single point', at(5)],
  ['what was nothing at first', at(0, 5)],
])('%s has no exponent', (_, points) => expect(exponent({ points })).toBeNaN());

const FLAT: Bound = { kind: 'flat', factor: 1.5, slack: 10 };
const BELOW: Bound = { kind: 'below', limit: 100 };
const LINEAR: Bound = { kind: 'power', exponent: 1.1 };
const KEEPS: Bound = { kind: 'keeps', share: 0.9 };

test.each([
  ['flat: the same rows of a million', at(60, 90, 100), FLAT, true],
  ['flat: a table that is read whole', at(60, 1_060, 10_060), FLAT, false],
  ['flat: nothing at first, and a few', at(0, 10), FLAT, true],
  ['below: all of it', at(10, 100), BELOW, true],
  ['below: too much on the way', at(10, 101, 5), BELOW, false],
  ['power: as its size', at(1, 10, 100), LINEAR, true],
  ['power: as its square', at(1, 100, 10_000), LINEAR, false],
  ['power: from something to nothing', at(5, 0), LINEAR, true],
  ['power: from nothing to something, which has no exponent', at(0, 5), LINEAR, false],
  ['keeps: as many as before', at(100, 120, 90), KEEPS, true],
  ['keeps: it gave in', at(100, 80), KEEPS, false],
  ['nothing was asked of it', at(1, 1e9), null, true],
  ['nothing was measured', [], BELOW, false],
  ['a figure is missing', at(1, Number.NaN), BELOW, false],
])('%s', (_, points, bound, kept) => expect(isKept({ points, bound })).toBe(kept));
