import { describe, expect, test } from 'vitest';
import { type BucketHolder, belongsToAnother, mayHave, readHolder } from './bucket-holder.ts';

const HOLDER: BucketHolder = { format: 1, id: '0123456789abc', since: 1_763_000_000_000, name: 'https://asu.example' };

describe('what lies in foreman.json', () => {
  test('is read as it was written', () => expect(readHolder(JSON.stringify(HOLDER))).toEqual(HOLDER));

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no id', JSON.stringify({ ...HOLDER, id: undefined })],
    ['another id than edges have', JSON.stringify({ ...HOLDER, id: '../' })],
    ['another format', JSON.stringify({ ...HOLDER, format: 2 })],
    ['more than an edge writes', JSON.stringify({ ...HOLDER, more: 1 })],
    ['no time', JSON.stringify({ ...HOLDER, since: -1 })],
  ])('%s is what no edge wrote', (_, text) => expect(readHolder(text)).toBeNull());
});

test.each([
  ['its own id', HOLDER.id, '', 'has it'],
  ['its own id, and told to take over another', HOLDER.id, 'fffffffffffff', 'has it'],
  ['another id', 'fffffffffffff', '', 'no'],
  ['another id, told to take over this one', 'fffffffffffff', HOLDER.id, 'takes it'],
  ['another id, told to take over a third', 'fffffffffffff', 'eeeeeeeeeeeee', 'no'],
] as const)('an edge with %s', (_, id, takesOver, may) => expect(mayHave(HOLDER, id, takesOver)).toBe(may));

test('an operator reads whose it is, since when, and what can be done', () => {
  expect(belongsToAnother(HOLDER)).toMatch(
    /0123456789abc \(https:\/\/asu\.example\), since 2025-11-13T.*STORE_PREFIX.*TAKES_OVER=0123456789abc$/,
  );
  expect(belongsToAnother({ ...HOLDER, name: '' })).toContain('another edge, 0123456789abc, since');
});
