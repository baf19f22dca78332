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
