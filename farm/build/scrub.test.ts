import { expect, test } from 'vitest';
import { scrubberOf } from './scrub.ts';

test('the script, its lines and its words are gone from a text', () => {
  const scrub = scrubberOf(`uci set wireless.key='hunter2-hunter2'\npasswd=correcthorse; exit 0\n`);
  const scrubbed = scrub(
    `line 1: hunter2-hunter2: not found\nxcorrecthorsex\nuci set wireless.key='hunter2-hunter2'\nexit 0`,
  );
  expect(scrubbed).toBe('line 1: [defaults]: not found\nx[defaults]x\n[defaults]\nexit 0');
});

test('a build without a script keeps its log', () => {
  expect(scrubberOf('')('Collected errors:')).toBe('Collected errors:');
});

test('what is in several pieces is one hole, and a mark is no piece', () => {
  const scrub = scrubberOf('hunter2-hunter hunter-hunter3 defaults');
  expect(scrub('a hunter2-hunter-hunter3 b')).toBe('a [defaults] b');
  expect(scrub('defaults, hunter2-hunter, hunter-hunter3')).toBe('[defaults], [defaults], [defaults]');
});

test('a script of many words, and a text of what they begin with', () => {
  const words = Array.from({ length: 300 }, (_, at) => `${'a'.repeat(at + 5)}b`);
  const text = 'a'.repeat(1_000_000);
  expect(scrubberOf(words.join(' '))(`${text} ${words[0]}`) === `${text} [defaults]`).toBe(true);
});
