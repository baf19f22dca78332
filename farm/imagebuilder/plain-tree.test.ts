/** Trees that an ImageBuilder's own code has bent, against what the node would read or write through them. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mustBePlain, readRepositories } from './plain-tree.ts';

let tree: string;
let outside: string;
beforeEach(async () => {
  tree = await mkdtemp(path.join(tmpdir(), 'plain-tree-'));
  outside = path.join(tree, 'outside');
  await mkdir(outside);
  await writeFile(path.join(outside, 'secret'), 'hunter2');
});
afterEach(async () => await rm(tree, { recursive: true }));

test('a tree as it comes is plain', async () => {
  await writeFile(path.join(tree, 'repositories.conf'), 'src/gz a http://x/\n');
  await mkdir(path.join(tree, 'keys'));
  await expect(mustBePlain(tree)).resolves.toBeUndefined();
  expect(await readRepositories(path.join(tree, 'repositories.conf'))).toBe('src/gz a http://x/\n');
});

describe('refused, as upstream’s fault', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['repositories.conf', () => symlink(path.join(outside, 'secret'), path.join(tree, 'repositories.conf'))],
    ['repositories', () => mkdir(path.join(tree, 'repositories'))],
    ['keys', () => symlink(outside, path.join(tree, 'keys'))],
    ['dl', () => symlink(outside, path.join(tree, 'dl'))],
  ])('%s that is something else', async (name, bend) => {
    await bend();
    await expect(mustBePlain(tree)).rejects.toMatchObject({
      kind: 'upstream_unavailable',
      detail: expect.stringContaining(`its ${name} is no plain`),
    });
  });

  test.each<[string, (file: string) => unknown]>([
    ['a link', (file) => symlink(path.join(outside, 'secret'), file)],
    ['a pipe that nobody writes to', (file) => execFileSync('mkfifo', [file])],
    ['a file without end', (file) => writeFile(file, 'x'.repeat(70_000))],
    ['nothing', () => undefined],
  ])('repositories that are %s are not read', async (_, make) => {
    const file = path.join(tree, 'repositories');
    await make(file);
    await expect(readRepositories(file)).rejects.toMatchObject({ kind: 'upstream_unavailable' });
  });
});
