/** `asu keygen` as a process: where the secret goes, and where it never does. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { serverKeys } from '../../shared/crypto/server-keys.ts';
import { asu } from './asu-process.fixture.ts';

let root: string;
let directory: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'asu-keygen-'));
});
beforeEach(async () => {
  directory = await mkdtemp(path.join(root, 'x-'));
});
afterAll(() => rm(root, { recursive: true }));

const keygen = (...args: readonly string[]) => asu(['keygen', ...args], { cwd: directory });
const publicKeyOf = async (secret: string) => (await serverKeys(secret)).usign.publicKey;

test('without words the secret is on stdout alone, and its public key on stderr', async () => {
  const [one, other] = await Promise.all([keygen(), keygen()]);
  expect(one.stdout).toMatch(/^[0-9a-f]{64}\n$/);
  expect(one).toEqual({ status: 0, stdout: one.stdout, stderr: await publicKeyOf(one.stdout.trim()) });
  expect(other.stdout).not.toBe(one.stdout);
});

test('with --out it is in a file for its owner only, and nowhere else', async () => {
  const { status, stdout, stderr } = await keygen('--out', 'server-key');
  const file = path.join(directory, 'server-key');
  const secret = await readFile(file, 'utf8');
  expect(secret).toMatch(/^[0-9a-f]{64}\n$/);
  expect([status, stdout, (await stat(file)).mode & 0o777]).toEqual([0, await publicKeyOf(secret.trim()), 0o600]);
  expect(stdout + stderr).not.toContain(secret.trim());
});

test('a file that is there is not overwritten, nor one that a link leads to', async () => {
  await writeFile(path.join(directory, 'old'), 'precious');
  await symlink('elsewhere', path.join(directory, 'link'));
  for (const name of ['old', 'link']) {
    const ended = await keygen('--out', name);
    expect([ended.status, ended.stdout]).toEqual([1, '']);
    expect(ended.stderr).toContain(`${name} is there already and is not overwritten`);
  }
  expect(await readFile(path.join(directory, 'old'), 'utf8')).toBe('precious');
  expect((await readdir(directory)).sort()).toEqual(['link', 'old']);
});

test('a place that there is not is a sentence', async () => {
  expect(await keygen('--out', 'no/such')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'no/such cannot be written (ENOENT)\n',
  });
});

test('the public key of a secret that is there already', async () => {
  await keygen('--out', 'server-key');
  await chmod(path.join(directory, 'server-key'), 0o400);
  const secret = (await readFile(path.join(directory, 'server-key'), 'utf8')).trim();
  const ended = await keygen('--public-from', 'server-key');
  expect(ended).toEqual({ status: 0, stdout: await publicKeyOf(secret), stderr: '' });
});

test.each<[string, string[], RegExp]>([
  ['both', ['--out', 'a', '--public-from', 'b'], /^--out and --public-from exclude each other/],
  ['a file that is none', ['--public-from', 'nothing'], /^--public-from: nothing cannot be read \(ENOENT\)\n$/],
  ['a secret that is none', ['--public-from', 'wrong'], /^--public-from: expected 64 hex digits in wrong, /],
  ['a disk image', ['--public-from', 'large'], /^--public-from: expected at most 4096 bytes in large, got more\n$/],
  ['a word', ['frob'], /^expected flags only, got "frob"/],
])('%s is refused, and nothing of it is shown', async (_, args, sentence) => {
  await writeFile(path.join(directory, 'wrong'), `${'A1'.repeat(32)}x\n`);
  await writeFile(path.join(directory, 'large'), 'A1'.repeat(10_000));
  const ended = await keygen(...args);
  expect([ended.status, ended.stdout]).toEqual([2, '']);
  expect(ended.stderr).toMatch(sentence);
  expect(ended.stderr).not.toContain('A1A1');
});
