import { execFileSync } from 'node:child_process';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeTree } from './remove-tree.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'remove-tree-'));
});
afterEach(async () => await rm(root, { recursive: true }));

test.each([
  [
    'deeper than a path is long',
    'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); n=$(printf %0200d 0); mkdir $n; cd -P $n; done; echo x >file',
  ],
  ['closed to its owner', 'mkdir -p a/b; echo x >a/b/file; chmod 0 a/b; chmod 500 a'],
  ['a link to elsewhere', 'ln -s ../kept link; ln -s ../../kept/file file'],
  ['nothing', ':'],
])('%s is removed, and nothing beside it', async (_, script) => {
  execFileSync('sh', ['-c', `mkdir tree kept; echo kept >kept/file; cd tree; ${script}`], { cwd: root });
  await removeTree(path.join(root, 'tree'));
  await expect(access(path.join(root, 'tree'))).rejects.toThrow('ENOENT');
  expect(await readFile(path.join(root, 'kept/file'), 'utf8')).toBe('kept\n');
});

test('what is not there is no fault, what cannot be removed is one', async () => {
  await removeTree(path.join(root, 'nosuch'));
  await writeFile(path.join(root, 'file'), '');
  await expect(removeTree(path.join(root, 'file/below'))).rejects.toThrow('ENOTDIR');
});
