import { expect, test } from 'vitest';
import { logLine } from './log-line.ts';

test('an entry is one line of JSON, its own words first, without what is not known', () => {
  const line = logLine(
    { time: 'now', event: 'a lease was lost' },
    { lease: 'l-1', kind: undefined, tries: 2, node: null },
  );
  expect(line).toBe('{"time":"now","event":"a lease was lost","lease":"l-1","tries":2,"node":null}');
});

test.each([
  ['a line that looks like an entry', '\n{"event":"forged"}'],
  ['a sequence that moves the cursor', '\u001b[2J'],
  ['a C1 control character', '\u009b2J'],
  ['a separator that some take for the end of a line', 'a\u2028b'],
])('%s stays in its field', (_, text) => {
  const line = logLine({ event: 'x' }, { error: text, list: [text] });
  expect(line).not.toMatch(/[\n\u001b\u009b\u2028]/u);
  expect(Object.keys(JSON.parse(line))).toEqual(['event', 'error', 'list']);
});

test('a field cannot take the place of what each entry has', () => {
  expect(JSON.parse(logLine({ event: 'true' }, { event: 'false' }))).toEqual({ event: 'true', event_: 'false' });
});

test('ends', () => {
  expect(logLine({ event: 'x' }, { error: 'a'.repeat(100_000) }).length).toBeLessThan(21_000);
});
