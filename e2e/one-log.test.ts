/** The edge's log is one object a line: a `console.log` somewhere is a line that no collector can read. */
import { glob, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

test('nothing of the edge but its log writes to the console', async () => {
  const writers: string[] = [];
  let files = 0;
  for await (const file of glob('edge/**/*.ts')) {
    if (/\.(?:test|fixture|contract)\.ts$|^edge\/web\//.test(file)) continue;
    files += 1;
    if (/\bconsole\./.test(await readFile(file, 'utf8'))) writers.push(file);
  }
  expect(files).toBeGreaterThan(100);
  expect(writers).toEqual(['edge/log.ts']);
});
