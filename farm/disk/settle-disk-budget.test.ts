import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GIB } from '../../shared/text/byte-size.ts';
import { defaultDiskBudget, rememberedDiskBudget, settleDiskBudget } from './settle-disk-budget.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'disk-budget-'));
});
afterAll(() => rm(root, { recursive: true }));

test.each([
  [0, 5],
  [8, 5],
  [40, 20],
  [200, 100],
  [2000, 100],
])('with %i GiB free it is %i GiB', (free, budget) => {
  expect(defaultDiskBudget(free * GIB)).toBe(budget * GIB);
});

test('the first start decides, later ones remember', async () => {
  const state = path.join(root, 'new', 'state');
  const first = await settleDiskBudget(state, null);
  expect(first).toBeGreaterThanOrEqual(5 * GIB);
  expect(await rememberedDiskBudget(state)).toBe(first);
  await writeFile(path.join(state, 'disk-budget'), '7G\n');
  expect(await settleDiskBudget(state, null)).toBe(7 * GIB);
});

test('what is configured wins and is not remembered', async () => {
  const state = path.join(root, 'configured');
  expect(await settleDiskBudget(state, 3 * GIB)).toBe(3 * GIB);
  expect(await rememberedDiskBudget(state)).toBeNull();
});

test('a file that holds no amount is written anew', async () => {
  const state = path.join(root, 'new', 'state');
  await writeFile(path.join(state, 'disk-budget'), 'half\n');
  await settleDiskBudget(state, null);
  expect(await readFile(path.join(state, 'disk-budget'), 'utf8')).toMatch(/^\d+[KMGT]?\n$/);
});
