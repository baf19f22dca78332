import { expect, test } from 'vitest';
import { prometheusText } from './prometheus-text.ts';

test('a family is its help, its type and its samples', () => {
  const text = prometheusText([
    { type: 'gauge', name: 'asu_a', help: 'Plain.', samples: [{ value: 3 }] },
    {
      type: 'histogram',
      name: 'asu_b_seconds',
      help: 'With \\ and\nbreak.',
      samples: [
        { suffix: '_bucket', labels: { step: 'init', le: '+Inf' }, value: 2 },
        { suffix: '_sum', labels: { step: 'init' }, value: 0.25 },
      ],
    },
    { type: 'counter', name: 'asu_c_total', help: 'None yet.', samples: [] },
  ]);
  expect(text).toBe(
    [
      '# HELP asu_a Plain.',
      '# TYPE asu_a gauge',
      'asu_a 3',
      '# HELP asu_b_seconds With \\\\ and\\nbreak.',
      '# TYPE asu_b_seconds histogram',
      'asu_b_seconds_bucket{step="init",le="+Inf"} 2',
      'asu_b_seconds_sum{step="init"} 0.25',
      '# HELP asu_c_total None yet.',
      '# TYPE asu_c_total counter',
      '',
    ].join('\n'),
  );
});

test.each([
  ['a"b', 'a\\"b'],
  ['a\\b', 'a\\\\b'],
  ['a\nasu_forged 1', 'a\\nasu_forged 1'],
  ['x\\"', 'x\\\\\\"'],
])('the label %j is written as %s', (value, written) => {
  const text = prometheusText([{ type: 'gauge', name: 'a', help: '', samples: [{ labels: { x: value }, value: 1 }] }]);
  expect(text.split('\n')[2]).toBe(`a{x="${written}"} 1`);
});

test.each([
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [Number.NaN, 'NaN'],
  [1e21, '1e+21'],
])('%j is written as %s', (value, written) => {
  expect(prometheusText([{ type: 'gauge', name: 'a', help: '', samples: [{ value }] }])).toContain(`\na ${written}\n`);
});
