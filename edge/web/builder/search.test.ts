import { expect, test } from 'vitest';
import { search } from './search.ts';

const NAMES = ['Acme AX3000 v1', 'Acme AX3000 v2', 'Beta AX3000', 'Beta 3000AX', 'ax3000', '100%_sure (.*)'];
const ALL = NAMES.map((text) => ({ text }));
const found = (typed: string, atMost = 10) => search(ALL, typed, atMost).rows.map(({ text }) => text);

test.each([
  ['the name itself, then words that begin so, then the rest', 'ax3000', ['ax3000', ...NAMES.slice(0, 3)]],
  ['words in any order', 'v1 acme', ['Acme AX3000 v1']],
  ['any case, and spaces around', '  BETA ', ['Beta AX3000', 'Beta 3000AX']],
  ['signs as they are', '.*', ['100%_sure (.*)']],
  ['nothing', 'nosuch', []],
])('finds %s', (_, typed, names) => {
  expect(found(typed)).toEqual(names);
});

test('all, in their order, where nothing is typed', () => {
  expect(found('')).toEqual(NAMES);
});

test('tells how many there are beside those that it gives', () => {
  expect(search(ALL, 'ax3000', 2)).toEqual({ rows: [{ text: 'ax3000' }, { text: 'Acme AX3000 v1' }], total: 4 });
});
