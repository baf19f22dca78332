import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ImageBuilderRecord } from './imagebuilder-record.ts';
import { ImageBuilderShelf } from './imagebuilder-shelf.ts';

let state: string;
let shelf: ImageBuilderShelf;
const [one, other, third] = ['1', '2', '3'].map((digit) => digit.repeat(64)) as [string, string, string];

beforeEach(async () => {
  state = await mkdtemp(path.join(os.tmpdir(), 'asu-shelf-'));
  shelf = new ImageBuilderShelf(state);
});
afterEach(async () => await rm(state, { recursive: true }));

const facts: Omit<ImageBuilderRecord, 'bytes'> = {
  url: 'https://mirror.example/releases/24.10.2/targets/x86/64/ib.tar.zst',
  version: '24.10.2',
  target: 'x86/64',
  signedBy: 'd310c6f2833e97f7',
  fetchedAtMs: 5,
};

const below = (...names: string[]) => path.join(state, 'imagebuilders', ...names);

async function put(sha256: string, usedS: number): Promise<void> {
  await mkdir(below(sha256), { recursive: true });
  await writeFile(below(sha256, 'Makefile'), Buffer.alloc(50_000, 1));
  await shelf.vouch(sha256, facts);
  await utimes(below(`${sha256}.json`), usedS, usedS);
}

const names = async () => (await readdir(below())).sort();

test('an empty node has none, and nothing to remove', async () => {
  expect(await shelf.list()).toEqual([]);
  await shelf.sweep(() => {});
  await expect(shelf.remove(one)).rejects.toThrow(`there is no ImageBuilder ${one}`);
});

test('the last used comes first; use is remembered, by other processes too', async () => {
  await put(one, 100);
  await put(other, 200);
  expect((await shelf.list()).map(({ sha256, inUse }) => [sha256, inUse])).toEqual([
    [other, false],
    [one, false],
  ]);
  const held = shelf.use(one);
  const [first] = await shelf.list();
  expect(first).toMatchObject({ sha256: one, inUse: true, record: facts });
  expect(first?.bytes).toBeGreaterThanOrEqual(50_000);
  held[Symbol.dispose]();
  expect((await new ImageBuilderShelf(state).list())[0]).toMatchObject({ sha256: one, inUse: false });
});

test('what several hold is removed when the last is done, and everything beside it goes with it', async () => {
  await put(one, 100);
  await put(other, 200);
  await shelf.keepBeside(one, 'info', 'text');
  const [first, second] = [shelf.use(one), shelf.use(one)];
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await expect(shelf.remove(one)).rejects.toThrow('in use');
  second[Symbol.dispose]();
  await shelf.remove(one);
  expect(await names()).toEqual([other, `${other}.json`]);
});

test.each(['..', '../x', `${one}/..`, '', one.slice(1), `../../x.removing`])(
  '%j is no name to remove',
  async (name) => {
    await put(one, 1);
    await writeFile(path.join(state, 'x.removing'), '');
    await expect(shelf.remove(name)).rejects.toThrow(/^expected a/);
    expect(await readdir(state)).toContain('x.removing');
    expect(await names()).toEqual([one, `${one}.json`]);
  },
);

test.each<[string, string | Partial<Record<keyof ImageBuilderRecord, unknown>>]>([
  ['no JSON', '{'],
  ['empty', ''],
  ['a list', '[]'],
  ['null', 'null'],
  ['without a signer', { signedBy: undefined }],
  ['with a signer that is none', { signedBy: 'nobody' }],
  ['with a number for a URL', { url: 5 }],
  ['with a text for a time', { fetchedAtMs: '5' }],
])('a record that is %s counts as lost, and the tree is the first to go', async (_, content) => {
  await put(one, 1_900_000_000);
  await put(other, 1_800_000_000);
  const text = typeof content === 'string' ? content : JSON.stringify({ ...facts, bytes: 5, ...content });
  await writeFile(below(`${one}.json`), text);
  await utimes(below(one), 1, 1);
  expect((await shelf.list()).map(({ sha256, record }) => [sha256, record === null])).toEqual([
    [other, false],
    [one, true],
  ]);
  const told: string[] = [];
  await shelf.sweep((line) => told.push(line));
  expect(told).toEqual([expect.stringContaining(one)]);
  expect(await shelf.has(one)).toBe(true);
});

test('a sweep removes what a crash left half done, and nothing else', async () => {
  await put(one, 1);
  for (const directory of [`${other}.unpacking`, `${one}.abc.removing`, 'of-somebody'])
    await mkdir(below(directory, 'deep'), { recursive: true });
  for (const file of [
    `${one}.info`,
    `${one}.info.lease-1`,
    `${one}.json.new`,
    `${third}.json`,
    `${third}.info`,
    'note',
  ])
    await writeFile(below(file), '');
  await shelf.sweep((line) => expect.unreachable(line));
  expect(await names()).toEqual([one, `${one}.info`, `${one}.json`, 'note', 'of-somebody']);
});

test('what is being unpacked counts and stays; what a removal left behind counts and goes', async () => {
  await put(one, 5);
  await mkdir(below(`${other}.unpacking`));
  await mkdir(below(`${third}.abc.removing`));
  const entries = await shelf.entries();
  expect(entries.map(({ name, inUse }) => [name, inUse])).toEqual([
    [one, false],
    [`${other}.unpacking`, true],
    [`${third}.abc.removing`, false],
  ]);
  await shelf.remove(`${third}.abc.removing`);
  await expect(shelf.remove(`${other}.unpacking`)).rejects.toThrow('expected a sha256');
  expect(await names()).toEqual([one, `${one}.json`, `${other}.unpacking`]);
});
