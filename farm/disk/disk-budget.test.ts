import { link, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskBudget } from './disk-budget.ts';
import { bytesOnDisk } from './disk-usage.ts';
import { DiskWatch } from './disk-watch.ts';
import { freeBytes } from './free-space.ts';
import type { Shelf, ShelfEntry } from './shelf.ts';
import { WorkspaceShelf } from './workspace-shelf.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-disk-'));
});
afterEach(async () => await rm(directory, { recursive: true }));

/** A shelf in memory; what it gives up is free again on its file system. */
class MemoryShelf implements Shelf {
  readonly removed: string[] = [];
  readonly name: string;
  readonly held: Map<string, ShelfEntry>;
  readonly stuck: readonly string[];

  constructor(name: string, held: readonly ShelfEntry[], stuck: readonly string[] = []) {
    this.name = name;
    this.held = new Map(held.map((entry) => [entry.name, entry]));
    this.stuck = stuck;
  }

  async entries() {
    return [...this.held.values()];
  }

  async remove(name: string) {
    if (this.stuck.includes(name)) throw new Error('no');
    this.held.delete(name);
    this.removed.push(name);
  }
}

const entry = (name: string, bytes: number, lastUsedMs: number, inUse = false): ShelfEntry => ({
  name,
  bytes,
  lastUsedMs,
  inUse,
});

function budgetOf(shelves: readonly Shelf[], more: { bytes?: number; reserveBytes?: number; diskBytes?: number } = {}) {
  const told: string[] = [];
  const used = async () =>
    (await Promise.all(shelves.map((shelf) => shelf.entries().catch(() => []))))
      .flat()
      .reduce((total, { bytes }) => total + bytes, 0);
  const budget = new DiskBudget(shelves, {
    bytes: more.bytes ?? 100,
    reserveBytes: more.reserveBytes ?? 0,
    directory,
    freeBytes: async () => (more.diskBytes ?? 1e12) - (await used()),
    tell: (line) => told.push(line),
  });
  return { budget, told };
}

test('what was used longest ago goes first, across shelves, and never what is in use', async () => {
  const builders = new MemoryShelf('ImageBuilders', [entry('ib-old', 40, 1, true), entry('ib-new', 20, 5)]);
  const packages = new MemoryShelf('packages', [entry('p-old', 20, 2), entry('p-new', 20, 9)]);
  const { budget, told } = budgetOf([builders, packages]);
  expect(await budget.makeRoom(40)).toBe(true);
  expect([builders.removed, packages.removed]).toEqual([['ib-new'], ['p-old']]);
  expect(told).toContain('made room: p-old of the packages is removed (20 bytes)');
});

test('where room cannot be made nothing is removed in vain', async () => {
  const shelf = new MemoryShelf('ImageBuilders', [entry('busy', 40, 1, true), entry('idle', 20, 2)]);
  const { budget } = budgetOf([shelf]);
  expect(await budget.makeRoom(61)).toBe(false);
  expect(shelf.removed).toEqual([]);
  expect(await budget.makeRoom(60)).toBe(true);
});

test('without anything asked for, it comes back to the budget: after a build, or when the budget became smaller', async () => {
  const shelf = new MemoryShelf('packages', [entry('a', 60, 1), entry('b', 60, 2)]);
  expect(await budgetOf([shelf]).budget.makeRoom(0)).toBe(true);
  expect(shelf.removed).toEqual(['a']);
});

test('the reserve of the file system counts, whoever filled it', async () => {
  const shelf = new MemoryShelf('packages', [entry('a', 10, 1), entry('b', 10, 2)]);
  // Others hold 70 of 100; 10 stay free.
  const { budget } = budgetOf([shelf], { bytes: 1000, reserveBytes: 10, diskBytes: 30 });
  expect(await budget.makeRoom(5)).toBe(true);
  expect(shelf.removed).toEqual(['a']);
  expect(await budget.makeRoom(21)).toBe(false);
});

test('what cannot be removed is told and passed over', async () => {
  const shelf = new MemoryShelf('packages', [entry('a', 50, 1), entry('b', 50, 2)], ['a']);
  const { budget, told } = budgetOf([shelf]);
  expect(await budget.makeRoom(50)).toBe(true);
  expect(shelf.removed).toEqual(['b']);
  expect(told[0]).toBe('a of the packages cannot be removed: no');
  expect(await budget.makeRoom(60)).toBe(false);
});

test('a shelf that cannot be listed is told, and does not keep the others from giving way', async () => {
  const broken: Shelf = { name: 'broken', entries: () => Promise.reject(new Error('EIO')), remove: async () => {} };
  const shelf = new MemoryShelf('packages', [entry('a', 90, 1)]);
  const { budget, told } = budgetOf([broken, shelf]);
  expect(await budget.makeRoom(50)).toBe(true);
  expect(shelf.removed).toEqual(['a']);
  expect(told[0]).toBe('the broken cannot be listed: EIO');
});

test('room that is held is promised once, and counts less by what was written into it', async () => {
  const { budget } = budgetOf([], { bytes: 1 << 20 });
  const place = path.join(directory, 'being-written');
  const room = await budget.hold(700 << 10, () => bytesOnDisk(place));
  expect(room).not.toBeNull();
  expect(await budget.hold(700 << 10, () => 0)).toBeNull();
  await writeFile(place, Buffer.alloc(512 << 10, 1));
  // 188 KiB are still to come; what is written is for its shelf to count.
  expect(await budget.makeRoom(800 << 10)).toBe(true);
  expect(await budget.makeRoom(900 << 10)).toBe(false);
  room?.[Symbol.dispose]();
  expect(await budget.makeRoom(1 << 20)).toBe(true);
});

test('of many who ask at once, no more are promised room than there is room for', async () => {
  const { budget } = budgetOf([], { bytes: 1000 });
  const rooms = await Promise.all(Array.from({ length: 10 }, () => budget.hold(300, () => 0)));
  expect(rooms.filter((room) => room !== null)).toHaveLength(3);
});

test('the watch says in a sentence why no build is taken, and nothing once there is room', async () => {
  const GIB = 1024 ** 3;
  const shelf = new MemoryShelf('ImageBuilders', [entry('busy', 3.5 * GIB, 1, true)]);
  const { budget } = budgetOf([shelf], { bytes: 4 * GIB, reserveBytes: GIB, diskBytes: 5.2 * GIB });
  const watch = new DiskWatch(budget);
  expect(await watch.isFull()).toBe(
    'a build needs 1.0 GiB of disk, and nothing is left that could make room: 1.7 GiB are free and 1.0 GiB must stay so, 3.5 GiB of 4.0 GiB are used and 0.0 GiB promised to what runs',
  );
  shelf.held.set('busy', entry('busy', 3.5 * GIB, 1));
  expect(await watch.isFull()).toBeNull();
  expect(shelf.removed).toEqual(['busy']);
});

test('a file counts by its blocks: a hole takes nothing, a second name nothing more, and what is not there is nothing', async () => {
  await mkdir(path.join(directory, 'tree/deep'), { recursive: true });
  const empty = await bytesOnDisk(path.join(directory, 'tree'));
  await writeFile(path.join(directory, 'tree/deep/file'), Buffer.alloc(1 << 20, 1));
  await link(path.join(directory, 'tree/deep/file'), path.join(directory, 'tree/same'));
  await writeFile(path.join(directory, 'tree/hole'), '');
  await truncate(path.join(directory, 'tree/hole'), 1 << 30);
  const bytes = (await bytesOnDisk(path.join(directory, 'tree'))) - empty;
  expect(bytes).toBeGreaterThanOrEqual(1 << 20);
  expect(bytes).toBeLessThan(1.1 * (1 << 20));
  expect(await bytesOnDisk(path.join(directory, 'nothing'))).toBe(0);
  expect(await freeBytes(directory)).toBeGreaterThan(0);
});

test('a workspace that a build is in stays; one that was left behind goes', async () => {
  const shelf = new WorkspaceShelf(directory);
  shelf.occupy('running');
  // What was seen of it last counts; it is not looked at again for everybody who asks.
  shelf.saw('running', 110_000);
  shelf.saw('left', 1);
  expect(await shelf.entries()).toEqual([]);
  for (const lease of ['running', 'left']) {
    await mkdir(path.join(directory, 'work', lease), { recursive: true });
    await writeFile(path.join(directory, 'work', lease, 'file'), Buffer.alloc(100_000, 1));
  }
  const { budget } = budgetOf([shelf], { bytes: 120_000 });
  expect(await budget.makeRoom(0)).toBe(true);
  expect((await shelf.entries()).map(({ name, inUse }) => [name, inUse])).toEqual([['running', true]]);
  expect((await shelf.entries()).map(({ bytes }) => bytes)).toEqual([110_000]);
  expect(await budget.makeRoom(20_000)).toBe(false);
  await expect(shelf.remove('running')).rejects.toThrow('a build is using it');
  await expect(shelf.remove('../x')).rejects.toThrow('expected a lease id');
});
