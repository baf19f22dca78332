import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  checkStateDirectory,
  createWorkspace,
  removeAllButOutput,
  removeWorkspace,
  removeWorkspaces,
  writeDefaults,
} from './workspace.ts';

let state: string;
beforeEach(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'workspace-'));
});
afterEach(async () => await rm(state, { recursive: true }));

const modeOf = async (file: string): Promise<string> => ((await stat(file)).mode & 0o777).toString(8);

test('a workspace is for the node alone', async () => {
  expect(await modeOf((await createWorkspace(state, 'lease1')).directory)).toBe('700');
});

test('the first-boot script is for root alone, its directories are those of a root file system, and no clock is in them', async () => {
  const files = await writeDefaults(await createWorkspace(state, 'lease1'), 'secret');
  const script = path.join(files, 'etc/uci-defaults/99-asu-defaults');
  expect(await readFile(script, 'utf8')).toBe('secret');
  expect(await modeOf(script)).toBe('600');
  for (const directory of ['.', 'etc', 'etc/uci-defaults'])
    expect(await modeOf(path.join(files, directory))).toBe('755');
  expect((await stat(script)).mtimeMs).toBe(0);
});

test('after a build only its output is left', async () => {
  const workspace = await createWorkspace(state, 'lease1');
  await writeDefaults(workspace, 'secret');
  await writeFile(path.join(workspace.binDirectory, 'image'), 'bytes');
  await removeAllButOutput(workspace);
  expect(await readdir(workspace.directory)).toEqual(['bin']);
  expect(await readdir(workspace.binDirectory)).toEqual(['image']);
});

test('a second attempt under the same lease starts empty', async () => {
  const first = await createWorkspace(state, 'lease1');
  await writeFile(path.join(first.binDirectory, 'profiles.json'), '{}');
  const second = await createWorkspace(state, 'lease1');
  expect(await readdir(second.binDirectory)).toEqual([]);
});

test('after a crash the workspaces that it left are removed', async () => {
  for (const leaseId of ['lost', 'lost-too']) await createWorkspace(state, leaseId);
  await removeWorkspaces(state, (line) => expect.fail(line));
  expect(await readdir(path.join(state, 'work'))).toEqual([]);
});

test('what is still to be uploaded stays', async () => {
  for (const leaseId of ['lost', 'wanted']) await createWorkspace(state, leaseId);
  await removeWorkspaces(state, (line) => expect.fail(line), ['wanted', 'never-there']);
  expect(await readdir(path.join(state, 'work'))).toEqual(['wanted']);
});

test('a directory that its own user may not empty is removed all the same', async () => {
  const { binDirectory } = await createWorkspace(state, 'lease1');
  await mkdir(path.join(binDirectory, 'shut'));
  await writeFile(path.join(binDirectory, 'shut/file'), '');
  await chmod(path.join(binDirectory, 'shut'), 0o555);
  await removeWorkspace(state, 'lease1');
  expect(await readdir(path.join(state, 'work'))).toEqual([]);
});

test('a node that has never built anything has nothing to remove', async () => {
  await expect(removeWorkspaces(path.join(state, 'new'), (line) => expect.fail(line))).resolves.toBeUndefined();
});

test('a lease id that leads elsewhere is refused', async () => {
  for (const leaseId of ['..', '../imagebuilders', 'a/b', '', '.hidden']) {
    await expect(createWorkspace(state, leaseId)).rejects.toThrow('expected a lease id');
    await expect(removeWorkspace(state, leaseId)).rejects.toThrow('expected a lease id');
  }
});

test('a state directory that make cannot work below is refused with a sentence', () => {
  expect(() => checkStateDirectory('/var/lib/asu-node_1.0')).not.toThrow();
  for (const directory of ['relative', '/with blank', '/a#b', '/a$b', '/a:b', '/100%', '/ünicode'])
    expect(() => checkStateDirectory(directory)).toThrow('expected the state directory');
});
