import { expect, test } from 'vitest';
import { toldNames } from './told-names.ts';

test('names of packages are told with commas between them', () => {
  expect(toldNames(['a'])).toEqual({ header: 'a', sentence: 'a' });
  expect(toldNames(['a', 'b', 'c'])).toEqual({ header: 'a, b, c', sentence: 'a, b, c' });
});

test('of none nothing is told', () => {
  expect(toldNames([])).toEqual({ header: '', sentence: '' });
});

test('there is room for 2,000 characters, and not for one more', () => {
  const [name, longer] = ['p'.repeat(999), 'p'.repeat(1_000)];
  expect(toldNames([name, name]).sentence).toBe(`${name}, ${name}`);
  expect(toldNames([name, longer])).toEqual({ header: name, sentence: `${name} and 1 more` });
});

test('of thousands those are told that there is room for, and how many more there are', () => {
  const names = Array.from({ length: 10_000 }, (_, n) => `package-${String(n).padStart(4, '0')}`);
  const { header, sentence } = toldNames(names);
  expect(header.length).toBeLessThanOrEqual(2_000);
  const told = header.split(', ');
  expect(told).toEqual(names.slice(0, told.length));
  expect(told.length).toBeGreaterThan(100);
  expect(sentence).toBe(`${header} and ${10_000 - told.length} more`);
});

test('the longest of names is told whole', () => {
  const name = 'p'.repeat(127);
  expect(toldNames([name]).header).toBe(name);
});
