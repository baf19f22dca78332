/** Each package that this stands on has its reason in docs/dependencies.md, and none has one that is gone. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const PROJECT = path.resolve(import.meta.dirname, '..');
const read = (file: string): Promise<string> => readFile(path.join(PROJECT, file), 'utf8');

test('the page names the packages of package.json, all of them and no other', async () => {
  const manifest = JSON.parse(await read('package.json')) as Record<string, Readonly<Record<string, string>>>;
  const { dependencies = {}, devDependencies = {}, optionalDependencies = {} } = manifest;
  const text = await read('docs/dependencies.md');
  const rows = text.split('\n').filter((line) => line.startsWith('| `') || line.startsWith('`node-'));
  const firstCells = rows.map((row) => (row.startsWith('|') ? (row.split('|')[1] ?? '') : row));
  const named = firstCells
    .flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
    .filter(isPackage);
  const expected = [
    ...Object.keys(dependencies),
    ...Object.keys(devDependencies),
    ...Object.keys(optionalDependencies),
  ];
  expect(named.toSorted()).toEqual(expected.toSorted());
});

const isPackage = (name: string | undefined): boolean => name !== undefined && !name.includes(' ');

test('every version is exact', async () => {
  const manifest = JSON.parse(await read('package.json')) as Record<string, Readonly<Record<string, string>>>;
  for (const part of ['dependencies', 'devDependencies', 'optionalDependencies'])
    for (const [name, version] of Object.entries(manifest[part] ?? {}))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
});
