import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UsageError } from '../cli/flags.ts';
import { secretsOf, withSecret } from './node-s3.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-node-s3-'));
});
afterEach(() => rm(directory, { recursive: true }));

const place = { endpoint: 'https://s3.example', bucket: 'asu-images', region: 'auto', accessKeyId: 'k' };

test('a secret is read from its file, without the line’s end', async () => {
  const file = path.join(directory, 'secret');
  await writeFile(file, 'hunter2\n');
  expect(await withSecret({ ...place, secret: { file } })).toEqual({ ...place, secretAccessKey: 'hunter2' });
  expect(await withSecret({ ...place, secret: { text: 'x' } })).toEqual({ ...place, secretAccessKey: 'x' });
});

test('so is the session token of a temporary key', async () => {
  const file = path.join(directory, 'token');
  await writeFile(file, `${'x'.repeat(4000)}\n`);
  const of = (sessionToken: { text: string } | { file: string }) =>
    withSecret({ ...place, secret: { text: 's' }, sessionToken });
  expect(await of({ file })).toEqual({ ...place, secretAccessKey: 's', sessionToken: 'x'.repeat(4000) });
  expect(await of({ text: 't' })).toEqual({ ...place, secretAccessKey: 's', sessionToken: 't' });
  await writeFile(file, '\n');
  await expect(of({ file })).rejects.toThrow(/--s3-session-token-file: expected a token/);
});

test('a log must show neither the secret nor the session token', () => {
  expect(secretsOf({ ...place, secretAccessKey: 'hunter2', sessionToken: 'until-friday' })).toEqual([
    'hunter2',
    'until-friday',
  ]);
  expect(secretsOf({ ...place, secretAccessKey: 'hunter2' })).toEqual(['hunter2']);
});

test.each([
  ['is not there', null, /--s3-secret-file: .* cannot be read \(ENOENT\)/],
  ['is empty', '\n', /--s3-secret-file: expected a secret/],
  ['is too large for one', 'x'.repeat(2000), /--s3-secret-file: expected at most 1024 bytes/],
])('a file that %s stops the start', async (_, text, sentence) => {
  const file = path.join(directory, 'secret');
  if (text !== null) await writeFile(file, text);
  await expect(withSecret({ ...place, secret: { file } })).rejects.toThrow(UsageError);
  await expect(withSecret({ ...place, secret: { file } })).rejects.toThrow(sentence);
});
