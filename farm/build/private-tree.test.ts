/** What a build is given to write into, and what must not change below it. */
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Fence, probeFence } from '../fence/fence.ts';
import { privateTree } from './private-tree.ts';
import { createWorkspace, type Workspace } from './workspace.ts';

let state: string;
let pristine: string;
let workspace: Workspace;
beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'private-tree-'));
  pristine = path.join(state, 'imagebuilders/aa');
  await mkdir(path.join(pristine, 'keys'), { recursive: true });
  await writeFile(path.join(pristine, 'Makefile'), 'pristine');
  workspace = await createWorkspace(state, 'lease1');
});
afterEach(async () => await rm(state, { recursive: true }));

const never = new AbortController().signal;
const none: Fence = { kind: 'none', canOverlay: false, told: 'none', host: null };
const modeOf = async (file: string): Promise<string> => ((await stat(file)).mode & 0o777).toString(8);

describe('a copy, where there is no overlay', () => {
  test('writing to it does not write to the tree that later builds start from', async () => {
    const tree = await privateTree(pristine, workspace, none, never);
    expect(tree.lower).toBeNull();
    await tree.write('Makefile', 'changed');
    expect(await readFile(path.join(workspace.tree, 'Makefile'), 'utf8')).toBe('changed');
    expect(await readFile(path.join(pristine, 'Makefile'), 'utf8')).toBe('pristine');
  });

  test('a link in the archive is replaced, not followed', async () => {
    const outside = path.join(state, 'outside');
    await writeFile(outside, 'untouched');
    await symlink(outside, path.join(pristine, 'repositories'));
    const tree = await privateTree(pristine, workspace, none, never);
    await tree.write('repositories', 'ours');
    expect(await readFile(outside, 'utf8')).toBe('untouched');
    expect(await readFile(path.join(workspace.tree, 'repositories'), 'utf8')).toBe('ours');
  });

  test.each([
    ['No space left on device', 'disk_full'],
    ['Disk quota exceeded', 'disk_full'],
    ['Input/output error', 'internal'],
  ])('one that ends in "%s" is %s', async (words, kind) => {
    // Another cp, with the words of the real one: root has no quota, and a disk that breaks is not to be had.
    const tools = path.join(state, 'tools');
    await mkdir(tools);
    const script = `#!/bin/sh\necho "cp: error writing 'x': ${words}" >&2\nexit 1\n`;
    await writeFile(path.join(tools, 'cp'), script, { mode: 0o755 });
    const { PATH } = process.env;
    process.env.PATH = `${tools}:${PATH}`;
    try {
      await expect(privateTree(pristine, workspace, none, never)).rejects.toMatchObject({ kind });
    } finally {
      process.env.PATH = PATH;
    }
  });

  test('a build that is called off is not copied to its end', async () => {
    await expect(privateTree(pristine, workspace, none, AbortSignal.abort(new Error('called off')))).rejects.toThrow(
      'called off',
    );
  });
});

test('an overlay: what is written lies above, with modes that an ImageBuilder accepts whatever the node’s umask', async () => {
  const fence = await probeFence(state);
  // Where no overlay can be had, what the copy does is all there is to test.
  if (!fence.canOverlay) throw new Error(`expected overlays on a machine that runs the tests, got: ${fence.told}`);
  const umask = process.umask(0o077);
  try {
    const tree = await privateTree(pristine, workspace, fence, never);
    expect(tree.lower).toBe(pristine);
    await tree.write('keys/ours', 'key');
  } finally {
    process.umask(umask);
  }
  const upper = path.join(workspace.directory, 'upper');
  expect(await readFile(path.join(upper, 'keys/ours'), 'utf8')).toBe('key');
  expect([
    await modeOf(upper),
    await modeOf(path.join(upper, 'keys')),
    await modeOf(path.join(upper, 'keys/ours')),
  ]).toEqual(['755', '755', '644']);
});
