import { expect, test } from 'vitest';
import { findTool, missingHostTools } from './host-tools.ts';

test('a machine that runs these tests has what the demo needs', async () => {
  expect(await missingHostTools('demo')).toEqual([]);
});

test('what real ImageBuilders lack is told with the package that has it', async () => {
  for (const missing of await missingHostTools('openwrt')) {
    expect(missing.package).toMatch(/^[a-z0-9-]+$/);
    expect(await findTool(missing.tool)).toBeNull();
  }
});

test('a tool is found where builds look for it, and nowhere else', async () => {
  expect(await findTool('make')).toMatch(/^\/.*\/make$/);
  expect(await findTool('no-such-tool')).toBeNull();
  expect(await findTool('../../etc/passwd')).toBeNull();
});
