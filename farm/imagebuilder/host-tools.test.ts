import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findTool, hostTools, installCommand, missingHostTools } from './host-tools.ts';

test('a machine that runs these tests has what the demo needs', async () => {
  expect(await missingHostTools('demo')).toEqual([]);
});

test.each(['gawk', 'rsync', 'wget', 'zstd', 'unzip'])('%s is told to be missing exactly where it is', async (tool) => {
  const isMissing = (await findTool(tool)) === null;
  const told = (await missingHostTools('openwrt')).filter((missing) => missing.tool === tool);
  expect(told).toEqual(isMissing ? [{ tool, package: tool }] : []);
});

test('a tool is found where builds look for it, and nowhere else', async () => {
  expect(await findTool('make')).toMatch(/^\/.*\/make$/);
  expect(await findTool('no-such-tool')).toBeNull();
  expect(await findTool('../../etc/passwd')).toBeNull();
});

test('on a bare host all is missing but what is there; a tool of the right name that cannot do its work is missing too', async () => {
  const bare = await mkdtemp(path.join(tmpdir(), 'bare-host-'));
  onTestFinished(() => rm(bare, { recursive: true }));
  await symlink('/bin/sh', path.join(bare, 'bash'));
  // Not to be executed: no proof.
  await writeFile(path.join(bare, 'make'), '');
  await symlink('/bin/false', path.join(bare, 'perl'));
  const present = (await hostTools('openwrt', [bare])).filter(({ isPresent }) => isPresent);
  expect(present).toEqual([{ tool: 'bash', package: 'bash', isPresent: true }]);
});

test('a fence is needed for real ImageBuilders, not for the demo', async () => {
  const names = async (need: 'demo' | 'openwrt') => (await hostTools(need, [])).map(({ tool }) => tool);
  expect(await names('openwrt')).toContain('bwrap');
  expect(await names('demo')).not.toContain('bwrap');
});

test.each([
  [[], null],
  [['zstd', 'bubblewrap', 'zstd'], 'apt-get install -y bubblewrap zstd'],
])('for %j the command is %j', (packages, command) => {
  expect(installCommand(packages)).toBe(command);
});
