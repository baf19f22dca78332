import { expect, test } from 'vitest';
import { canonicalJson, type Json } from './canonical-json.ts';

test.each<[string, Json, string]>([
  ['members in order, whatever order they came in', { b: 1, a: { d: [], c: null } }, '{"a":{"c":null,"d":[]},"b":1}'],
  ['lists as they are', [3, 1, 2], '[3,1,2]'],
  [
    'capitals before small letters, as code units are',
    { a: 1, B: 2, é: 3, '\u{1F600}': 4, '\uFB33': 5 },
    '{"B":2,"a":1,"é":3,"\u{1F600}":4,"\uFB33":5}',
  ],
  ['numbers that look like names', { 10: 'x', 9: 'y' }, '{"10":"x","9":"y"}'],
  ['what JSON escapes', '"\\\n\u0001', '"\\"\\\\\\n\\u0001"'],
  [
    'a member called like one that every object has',
    JSON.parse('{"__proto__":1,"a":true}'),
    '{"__proto__":1,"a":true}',
  ],
])('%s', (_, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('%d has no one spelling', (number) => {
  expect(() => canonicalJson({ a: [number] })).toThrow('whole number');
});
