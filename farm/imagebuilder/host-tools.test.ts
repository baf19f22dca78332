import { expect, test } from 'vitest';
import { findTool, missingHostTools } from './host-tools.ts';

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
