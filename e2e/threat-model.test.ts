/**
 * The threat model says of each attack which test tries it. A test that was renamed, or a row without one, is a claim that nobody
 * can check.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const DOCS = path.resolve(import.meta.dirname, '../docs');
const TEST_FILE = /\]\(([^)\s]+\.test\.tsx?)\)/g;
/** `*a name*`, or its beginning: `*a name …*`. */
const TEST_NAME = /(?<!\*)\*([^*]+)\*(?!\*)/g;
/** What the section "A node that lies" names without a file is told there. */
const LYING_NODES = ['../e2e/lying-nodes.test.ts', '../e2e/lies/lies.ts'];

const page = await readFile(path.join(DOCS, 'threat-model.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| tries '))
  .map((line) => line.slice(2, -2).split(' | '));

test('there are rows, each of three cells', () => {
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.filter((cells) => cells.length !== 3)).toEqual([]);
});

test.each(rows)('%s: names its test, or says that there is none', async (_, __, shown = '') => {
  const files = [...shown.matchAll(TEST_FILE)].map(([, file = '']) => file);
  const names = [...shown.matchAll(TEST_NAME)].map(([, name = '']) => name.replace(/\s*…$/, ''));
  expect(files.length + names.length > 0 || shown.startsWith('no test: '), shown).toBe(true);
  const texts = await Promise.all([...files, ...LYING_NODES].map((file) => readFile(path.resolve(DOCS, file), 'utf8')));
  const told = texts.join('\n');
  for (const name of names) expect(told, name).toContain(name);
});
