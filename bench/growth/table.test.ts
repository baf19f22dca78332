import { expect, test } from 'vitest';
import type { Curve } from './curve.ts';
import { exceeded, growthTable, shortSize } from './table.ts';

const curve = (name: string, values: readonly number[]): Curve => ({
  name,
  unit: 'rows',
  points: values.map((value, at) => ({ size: 10 ** (3 + at), value })),
  bound: { kind: 'flat', factor: 1.5, slack: 10 },
});

test('a row has each value, its exponent, its steepest step, its limit and whether that is kept', () => {
  const [head, lease, stats] = growthTable('results', [curve('lease', [60, 60]), curve('stats', [50, 5_000])]);
  expect(head?.split(/ {2,}/)).toEqual(['results', '1k', '10k', 'exponent', 'steepest', 'limit']);
  expect(lease?.split(/ {2,}/)).toEqual(['lease, rows', '60', '60', '0', '×1', '≤ 1.5 × first + 10: kept']);
  expect(stats?.split(/ {2,}/)).toEqual(['stats, rows', '50', '5000', '2', '×100', '≤ 1.5 × first + 10: EXCEEDED']);
});

test('only what exceeds its limit is told, with its values', () => {
  expect(exceeded([curve('lease', [60, 60]), curve('stats', [50, 5_000])])).toEqual([
    'stats: expected ≤ 1.5 × first + 10, got 50 at 1k, 5000 at 10k (rows)',
  ]);
});

test.each([
  [64, '64'],
  [1_000, '1k'],
  [100_000, '100k'],
  [1_000_000, '1M'],
])('the size %i is written %s', (size, text) => expect(shortSize(size)).toBe(text));
