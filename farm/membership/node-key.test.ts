import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadNodeKey } from './node-key.ts';

let directory: string;
beforeEach(async () => {
  directory = path.join(await mkdtemp(path.join(os.tmpdir(), 'asu-key-')), 'state');
});
afterEach(() => rm(path.dirname(directory), { recursive: true, force: true }));

test('a key is made once, also by two starts at once, and nobody else can read it', async () => {
  const [one, two] = await Promise.all([loadNodeKey(directory), loadNodeKey(directory)]);
  expect(one.publicKey).toEqual(two.publicKey);
  expect((await loadNodeKey(directory)).publicKey).toEqual(one.publicKey);
  expect((await stat(path.join(directory, 'node-key'))).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

test.each(['', 'hunter2', 'ab'.repeat(31)])('a key file that holds %j is refused and left as it is', async (text) => {
  await loadNodeKey(directory);
  const file = path.join(directory, 'node-key');
  await writeFile(file, text);
  await expect(loadNodeKey(directory)).rejects.toThrow(/expected 64 hex digits; remove the file/);
  expect(await readFile(file, 'utf8')).toBe(text);
});
