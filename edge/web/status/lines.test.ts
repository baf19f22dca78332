import { expect, test } from 'vitest';
import type { Chart } from '../../../shared/api/statistics-answers.ts';
import { largest, linesOf, MAX_LINES, total, totalOf } from './lines.ts';

const CHART: Chart = {
  labels: ['a', 'b'],
  datasets: [
    { label: 'Requests', data: [1, 2], color: 'green' },
    { label: 'constructor', data: [4] },
  ],
};

test('lines are named in our words where there are any, and are as long as the chart', () => {
  expect(linesOf(CHART, { Requests: 'Asked' })).toEqual([
    { label: 'Asked', values: [1, 2] },
    { label: 'constructor', values: [4, 0] },
  ]);
  expect([totalOf(CHART, 'Requests'), totalOf(CHART, 'Failures')]).toEqual([3, 0]);
});

test('of many lines the largest are kept, and the sum stays what it was', () => {
  const many = Array.from({ length: 9 }, (_, n) => ({ label: `v${n}`, values: [n, n] }));
  const kept = largest(many, 'others');
  expect(kept.map(({ label }) => label)).toEqual(['v8', 'v7', 'v6', 'v5', 'others']);
  expect(kept).toHaveLength(MAX_LINES);
  expect(kept.reduce((sum, line) => sum + total(line), 0)).toBe(many.reduce((sum, line) => sum + total(line), 0));
});

test('of few lines all are kept, but none that is empty', () => {
  expect(
    largest(
      [
        { label: 'none', values: [0] },
        { label: 'one', values: [1] },
      ],
      'others',
    ),
  ).toEqual([{ label: 'one', values: [1] }]);
});
