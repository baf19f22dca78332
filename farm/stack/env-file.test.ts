/** What is written is what wrangler itself reads. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unstable_getVarsForDev as readByWrangler } from 'wrangler';
import { envFile } from './env-file.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-env-file-'));
});
afterAll(() => rm(directory, { recursive: true }));

test.each([
  ['nothing', ''],
  ['JSON', '{"a":["b"]}'],
  ['JSON on several lines', '{\n  "a": 1\n}\n'],
  ['an apostrophe in JSON', `{"description":"Anna's"}`],
  ['an apostrophe and a backtick', "it's `so`"],
  ['a double quote and an apostrophe', `"it's"`],
  ['the name of another variable', `pa$FIRST and $\{FIRST}`],
  ['the name of no variable', `pa$word$\{x:-y}$`],
  ['a backslash before a dollar', 'a\\$b\\\\$c'],
  ['escapes', 'a\\nb\\tc'],
  ['what would begin a comment', 'a # b'],
  ['what would be another variable', 'a\nFIRST=other'],
  ['blanks around it', '  a  '],
  ['other scripts', 'Ünï ☃ 😀'],
])('a value with %s arrives as it was given, and spoils none beside it', async (_, value) => {
  const variables = { FIRST: 'one', VALUE: value, LAST: '# two' };
  const file = path.join(directory, 'edge.env');
  await writeFile(file, envFile(variables));
  const read = readByWrangler(path.join(directory, 'wrangler.toml'), [file], {}, undefined, true);
  expect(Object.fromEntries(Object.entries(read).map(([name, { value }]) => [name, value]))).toEqual(variables);
});

test.each([
  ['all quotes', `'\`"`],
  ['both single quotes and a backslash', "'`\\n"],
  ['a carriage return', 'a\rb'],
  ['a backslash at the end', 'a\\'],
])('one with %s is refused by its name, and not shown', (_, value) => {
  expect(() => envFile({ S3_SECRET_ACCESS_KEY: `hunter2${value}` })).toThrow(
    /^S3_SECRET_ACCESS_KEY: expected a value without(?!.*hunter2)/,
  );
});
