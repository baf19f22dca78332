import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Built, isWhole } from './built.ts';
import { handedBackReport } from './node-report.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-built-'));
});
afterEach(() => rm(directory, { recursive: true }));

const sha256 = createHash('sha256').update('image').digest('hex');

test.each([
  ['as they were', { a: 'image', b: 'image' }, true],
  ['one of them with other bytes of the same size', { a: 'image', b: 'imagE' }, false],
  ['one of them cut short, as a power cut leaves it', { a: '', b: 'image' }, false],
  ['one of them gone', { a: 'image' }, false],
])('with its files %s (%j) it is whole: %j', async (_, there: Record<string, string>, whole) => {
  for (const [name, text] of Object.entries(there)) await writeFile(path.join(directory, name), text);
  const files = ['a', 'b'].map((name) => ({ name, path: path.join(directory, name), sizeBytes: 5, sha256 }));
  const built: Built = {
    ...{ name: 'x', requestHash: 'a'.repeat(64), deadlineMs: 1, durationMs: 1, isPrivate: false },
    ...{ files, lastWord: handedBackReport('x') },
  };
  expect(await isWhole(built)).toBe(whole);
});
