import { describe, expect, it, test } from 'vitest';
import { fc } from '../chance.fixture.ts';
import { logLines, logPieceNumber, shownLine } from './build-log.ts';

test.each<[string, string | null, number | null]>([
  ['the first', '1', 1],
  ['the last', '128', 128],
  ['none before the first', '0', null],
  ['none behind the last', '129', null],
  ['no spelling but one', '01', null],
  ['no sign', '+1', null],
  ['no fraction', '1.5', null],
  ['no power', '1e2', null],
  ['no path', '1/../2', null],
  ['no line', '1\n', null],
  ['no number at all', '', null],
])('a piece has a number: %s', (_, text, piece) => {
  expect(logPieceNumber(text ?? '')).toBe(piece);
});

describe('a line that is shown', () => {
  it.each([
    ['keeps words and tabs', 'a\tb ü €', 'a\tb ü €'],
    ['has no colours', '\x1b[1;31mred\x1b[0m', 'red'],
    ['moves no cursor', '\x1b[2Kgone\x1b[1A', 'gone'],
    ['sets no title', '\x1b]0;title\x07rest', ']0;titlerest'],
    ['does not ring', 'a\x07b', 'ab'],
    ['has no zero in it', 'a\0b', 'ab'],
    ['is one line for every reader', 'a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg', 'abcdefg'],
    ['runs in one direction', 'a\u202eb\u2066c', 'abc'],
  ])('%s', (_, line, shown) => {
    expect(shownLine(line)).toBe(shown);
  });
});

test('a piece is its lines, however they end, and the last end begins no other', () => {
  expect(logLines('a\nb\r\nc\rd\n')).toEqual(['a', 'b', 'c', 'd']);
  expect(logLines('a\n\nb')).toEqual(['a', '', 'b']);
  expect(logLines('')).toEqual(['']);
});

test('whatever is written, lines are lines', () => {
  fc.assert(
    fc.property(fc.uint16Array({ max: 0x20ff }), (units) => {
      const text = String.fromCharCode(...units);
      expect(logLines(text).join('')).not.toMatch(/[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]/);
    }),
  );
});
