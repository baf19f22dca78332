import { appendFile, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PackageStore, sha256OfBytes } from './package-store.ts';

let directory: string;
let store: PackageStore;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'store-'));
  store = await PackageStore.open(directory);
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const bytes = Buffer.from('a package');
const sha256 = sha256OfBytes(bytes);
const place = () => path.join(directory, sha256.slice(0, 2), sha256);

it('what is put is there under its digest, once, and read back', async () => {
  expect(await store.has(sha256)).toBe(false);
  expect(await store.read(sha256)).toBeNull();
  expect(await store.put(bytes)).toBe(sha256);
  const { ino } = await stat(place());
  await store.put(bytes);
  expect((await stat(place())).ino).toBe(ino);
  expect(await store.sizeOf(sha256)).toBe(bytes.length);
  expect(await store.read(sha256)).toEqual(bytes);
});

it('what was half-written when the node was killed is gone at the next start', async () => {
  await writeFile(store.temporaryPath(), 'half of it');
  await store.put(bytes);
  const again = await PackageStore.open(directory);
  expect(await readdir(path.join(directory, 'incoming'))).toEqual([]);
  expect(await again.has(sha256)).toBe(true);
});

it.each([
  ['cut by a power failure', () => truncate(place(), 3)],
  ['emptied by one', () => truncate(place(), 0)],
  ['longer than it was', () => appendFile(place(), 'x')],
])('a file that is %s is not served after a restart, but removed', async (_, spoil) => {
  await store.put(bytes);
  await spoil();
  const again = await PackageStore.open(directory);
  expect(await again.hold(sha256)).toBeNull();
  expect(await again.has(sha256)).toBe(false);
  await again.put(bytes);
  expect(await again.read(sha256)).toEqual(bytes);
});

it('a file that is removed while its digest is taken is one that is not there', async () => {
  for (let round = 0; round < 20; round++) {
    await store.put(bytes);
    store.doubt(sha256);
    const [, isThere] = await Promise.all([store.remove(sha256), store.has(sha256)]);
    expect([true, false]).toContain(isThere);
    expect(await store.has(sha256)).toBe(false);
  }
});

it('doubt makes the digest be taken again', async () => {
  await store.put(bytes);
  await writeFile(place(), 'A PACKAGE');
  expect(await store.has(sha256)).toBe(true);
  store.doubt(sha256);
  expect(await store.has(sha256)).toBe(false);
});

it('as a shelf it tells sizes, last use and what is in use, and removes only what is not', async () => {
  await store.put(bytes);
  const long = Date.now() - 30 * 24 * 3_600_000;
  await utimes(place(), long / 1000, long / 1000);
  // As a node that starts again, which finds times of long ago.
  store = await PackageStore.open(directory);
  const other = await store.put(Buffer.from('another'));
  const byName = async () => new Map((await store.entries()).map(({ name, ...entry }) => [name, entry]));
  expect((await byName()).get(sha256)).toMatchObject({ bytes: bytes.length, inUse: false });
  expect((await byName()).get(sha256)?.lastUsedMs).toBeCloseTo(long, -1);

  const held = await store.hold(sha256);
  const again = await store.hold(sha256);
  expect((await byName()).get(sha256)).toMatchObject({ inUse: true });
  expect((await byName()).get(sha256)?.lastUsedMs).toBeGreaterThan(long + 24 * 3_600_000);
  await expect(store.remove(sha256)).rejects.toThrow('that nobody reads');
  await held?.release();
  await expect(store.remove(sha256)).rejects.toThrow('that nobody reads');
  expect(await readFile(place())).toEqual(bytes);
  await again?.release();
  await store.remove(sha256);
  expect([...(await byName()).keys()]).toEqual([other]);
  expect(await store.has(sha256)).toBe(false);
});

it('a name that is no digest is no file of the store', async () => {
  await expect(store.remove('../../etc/passwd')).rejects.toThrow('expected a sha256');
  await writeFile(path.join(directory, 'stranger'), '');
  expect(await store.entries()).toEqual([]);
});
