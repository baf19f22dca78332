import { expect, test } from 'vitest';
import { withoutTrailingSlashes } from './trailing-slashes.ts';

test.each([
  ['https://mirror.example', 'https://mirror.example'],
  ['https://mirror.example/releases/', 'https://mirror.example/releases'],
  ['a/b///', 'a/b'],
  ['/a//b', '/a//b'],
  ['a/\n', 'a/\n'],
  ['//', ''],
  ['', ''],
])('%j without the slashes behind it is %j', (text, expected) => {
  expect(withoutTrailingSlashes(text)).toBe(expected);
});

test('slashes of megabytes that are not at the end cost no more than their number', () => {
  const text = `${'/'.repeat(4 * 1024 ** 2)}a`;
  expect(withoutTrailingSlashes(text)).toBe(text);
});
