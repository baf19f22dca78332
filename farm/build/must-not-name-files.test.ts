import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mustNotNameFiles } from './must-not-name-files.ts';

let tree: string;
beforeAll(async () => {
  tree = await mkdtemp(path.join(tmpdir(), 'tree-'));
  for (const file of ['rules.mk', 'Makefile']) await writeFile(path.join(tree, file), '');
  for (const directory of ['scripts', 'target']) await mkdir(path.join(tree, directory));
  await symlink('nowhere', path.join(tree, 'bin.link'));
});
afterAll(async () => await rm(tree, { recursive: true }));

test.each<[string, 'opkg' | 'apk', string[], string[]]>([
  ['apk: names of files are named', 'apk', ['vim', 'rules.mk', 'Makefile'], ['Makefile', 'rules.mk']],
  ['apk: a link is one, wherever it leads', 'apk', ['bin.link'], ['bin.link']],
  ['apk: a directory is no package to anybody', 'apk', ['scripts', 'target'], []],
  ['apk: what is not there is a package', 'apk', ['vim', 'rules', 'libncurses6'], []],
  ['opkg goes by the end of a name, which the grammar refuses', 'opkg', ['rules.mk'], []],
])('%s', async (_, era, names, missingPackages) => {
  const judged = mustNotNameFiles(era, tree, names);
  if (missingPackages.length === 0) await expect(judged).resolves.toBeUndefined();
  else await expect(judged).rejects.toMatchObject({ kind: 'unknown_package', missingPackages });
});
