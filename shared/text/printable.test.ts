import { expect, test } from 'vitest';
import { printable, printableJson, quoted } from './printable.ts';

test.each([
  ['ath79/generic – schön', 'ath79/generic – schön'],
  ['a\nb', 'a\\x0ab'],
  ['\x1b[2Jgone', '\\x1b[2Jgone'],
  ['\x9b31m', '\\x9b31m'],
  ['back\b\x7f', 'back\\x08\\x7f'],
  ['exe.\u202egnp', 'exe.\\u{202e}gnp'],
  ['one\u2028two', 'one\\u{2028}two'],
])('%j is shown as %j', (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('a page is cut', () => {
  expect(printable('x'.repeat(50), 10)).toBe(`${'x'.repeat(10)}…`);
});

test.each([
  ['vim', '"vim"'],
  ['say "a"', '"say \\"a\\""'],
  ['a\x1b[2J\x9b\u202e\u2028', '"a\\u001b[2J\\x9b\\u{202e}\\u{2028}"'],
  ['x'.repeat(50), `"${'x'.repeat(40)}…"`],
  ['\ud800', '"\\ud800"'],
])('%j is quoted as %s', (text, shown) => {
  expect(quoted(text)).toBe(shown);
});

test('data is the same data, and nothing of it moves a cursor or turns the direction', () => {
  const data = { name: 'a\n\x1b[2J\x9b31m\u202egnp\u2028', 'key\x9b': ['–'] };
  const text = printableJson(data);
  expect(JSON.parse(text)).toEqual(data);
  expect(text).toBe('{\n  "name": "a\\n\\u001b[2J\\u009b31m\\u202egnp\\u2028",\n  "key\\u009b": [\n    "–"\n  ]\n}');
});
