import { appendFile, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FileLedger } from './file-ledger.ts';

let directory: string;
let ledger: FileLedger;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'ledger-'));
  ledger = await FileLedger.open(directory);
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

const scope = ['package', '', 'http://mirror.example/base', 'e'.repeat(64)];
const [one, two] = [{ sha256: '1'.repeat(64), etag: '"x"' }, { sha256: '2'.repeat(64) }];
const onlyFile = async () => path.join(directory, (await readdir(directory))[0] ?? '');

it('what is recorded is found, after a restart too, the last word counting', async () => {
  await ledger.record(scope, 'a.apk', two);
  await ledger.record(scope, 'a.apk', one);
  await ledger.record(scope, '__proto__', two);
  for (const each of [ledger, await FileLedger.open(directory)]) {
    expect(await each.find(scope, 'a.apk')).toEqual(one);
    expect(await each.find(scope, '__proto__')).toEqual(two);
    expect(await each.find(scope, 'toString')).toBeNull();
  }
});

it('scopes share nothing, however their parts are cut', async () => {
  await ledger.record(['a', 'b'], 'x', one);
  expect(await ledger.find(['a', 'b'], 'x')).toEqual(one);
  for (const other of [['ab'], ['a', 'b', ''], ['a b'], ['a","b']]) expect(await ledger.find(other, 'x')).toBeNull();
});

it('a line that a full disk tore costs itself alone', async () => {
  await ledger.record(scope, 'a.apk', one);
  await appendFile(await onlyFile(), '\n{"name":"b.apk","sha2');
  const again = await FileLedger.open(directory);
  await again.record(scope, 'c.apk', two);
  const third = await FileLedger.open(directory);
  expect(await Promise.all(['a.apk', 'b.apk', 'c.apk'].map((name) => third.find(scope, name)))).toEqual([
    one,
    null,
    two,
  ]);
});

it.each(['null', '[]', '{"name":"a.apk"}', '{"name":"a.apk","sha256":"../x"}', '{"name":1,"sha256":"1"}'])(
  'a line of %s is none',
  async (line) => {
    await ledger.record(scope, 'b.apk', one);
    await writeFile(await onlyFile(), line);
    expect(await (await FileLedger.open(directory)).find(scope, 'a.apk')).toBeNull();
  },
);

it('what is forgotten is gone, also from the disk, and the rest stays', async () => {
  await ledger.record(scope, 'a.apk', one);
  await ledger.record(scope, 'b.apk', two);
  await ledger.forget(scope, ['a.apk']);
  expect(await readFile(await onlyFile(), 'utf8')).not.toContain('a.apk');
  for (const each of [ledger, await FileLedger.open(directory)]) {
    expect(await each.find(scope, 'a.apk')).toBeNull();
    expect(await each.find(scope, 'b.apk')).toEqual(two);
  }
});

it('what nobody looked into for three months is removed at a start; a look is enough to keep it', async () => {
  await ledger.record(scope, 'a.apk', one);
  const aged = async () => await utimes(await onlyFile(), 0, Date.now() / 1000 - 100 * 24 * 3600);
  const next = await FileLedger.open(directory);
  await aged();
  expect(await next.find(scope, 'a.apk')).toEqual(one);
  await FileLedger.open(directory);
  expect(await readdir(directory)).toHaveLength(1);
  await aged();
  await FileLedger.open(directory);
  expect(await readdir(directory)).toEqual([]);
});

it('a node that is not started again for a year removes it too, but for what it has in memory', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const running = await FileLedger.open(directory);
  const editions = Array.from({ length: 300 }, (_, day) => ['package', '', 'http://mirror.example/base', String(day)]);
  for (const edition of editions) await running.record(edition, 'a.apk', one);
  for (const name of await readdir(directory))
    await utimes(path.join(directory, name), 0, Date.now() / 1000 - 100 * 24 * 3600);
  await running.record(scope, 'a.apk', one);
  expect(await readdir(directory)).toHaveLength(301);
  vi.advanceTimersByTime(25 * 3_600_000);
  await running.record(scope, 'b.apk', two);
  // As many as are remembered.
  expect(await readdir(directory)).toHaveLength(256);
  // Also after a start.
  const again = await FileLedger.open(directory);
  expect(await readdir(directory)).toHaveLength(256);
  expect(await again.find(scope, 'b.apk')).toEqual(two);
});
