/**
 * Each package that this stands on has its reason in docs/dependencies.md, and none has one that is gone. What npm installs is the
 * lock's bytes, and runs no script that nobody has looked at.
 */
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

interface Locked {
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly libc?: string | readonly string[];
}

const locked = async (): Promise<[string, Locked][]> => {
  const { packages } = JSON.parse(await read('package-lock.json')) as { packages: Readonly<Record<string, Locked>> };
  return Object.entries(packages).filter(([place]) => place !== '');
};

/** Where npm installs it: what the containers, CI and nodes are. */
function isForDebian({ os = 'linux', cpu = ['x64', 'arm64'], libc = 'glibc' }: Locked): boolean {
  const allowed = (wanted: string | readonly string[], mine: readonly string[]) =>
    mine.some((name) => [wanted].flat().includes(name));
  return allowed(os, ['linux']) && allowed(cpu, ['x64', 'arm64']) && allowed(libc, ['glibc']);
}

test('the lock has a sha512 of each file that Debian gets; others may lack one only where they are optional', async () => {
  const packages = await locked();
  expect(packages.length).toBeGreaterThan(100);
  const unsealed = packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'));
  expect(unsealed.filter(([, entry]) => !entry.optional || isForDebian(entry))).toEqual([]);
});

test('what runs a script when it is installed was judged by name', async () => {
  const { allowScripts } = JSON.parse(await read('package.json')) as {
    allowScripts: Readonly<Record<string, boolean>>;
  };
  const withScript = (await locked()).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const names = withScript.map(([place]) => place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length));
  expect(names.length).toBeGreaterThan(0);
  for (const name of new Set(names)) expect(allowScripts, name).toHaveProperty([name]);
});

test('npm is told to install nothing where such a name is missing', async () => {
  expect((await read('.npmrc')).split('\n')).toContain('strict-allow-scripts=true');
});

test.each(['edge', 'node'])('so is the npm that makes the container of the %s, where no .npmrc is', async (name) => {
  const installing = (await read(`deploy/${name}.Containerfile`)).match(/^RUN npm .*$/gm) ?? [];
  expect(installing).toHaveLength(1);
  expect(installing[0]).toMatch(/^RUN npm ci --omit=dev --strict-allow-scripts(?: |$)/);
});
