/** What is learned of a directory that a hostile build may have written. */
import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { Served } from '../packages/larder.ts';
import { learnDownloads } from './learn-downloads.ts';

let root: string;
let downloads: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'downloads-'));
  downloads = path.join(root, 'dl');
  await mkdir(downloads);
});
afterEach(async () => await rm(root, { recursive: true }));

const served = (file: string, text: string): Served => ({
  ...{ edition: 'e', file, sha256: sha256Hex(text), sizeBytes: text.length },
  unverified: { scope: ['package'], name: file },
});
const SERVED = [served('vim-9.2-r1.apk', 'vim'), served('nano-8.apk', 'nano')];

const put = async (name: string, text: string) => await writeFile(path.join(downloads, name), text);
const learned = async () => (await learnDownloads(downloads, 'apk', SERVED)).map(({ file, name }) => [file, name]);

test.each<[string, () => Promise<unknown>, string[][]]>([
  [
    'under a digest of apk’s',
    () => put('vim-9.2-r1.01234abc.apk', 'vim'),
    [['vim-9.2-r1.apk', 'vim-9.2-r1.01234abc.apk']],
  ],
  ['as it was asked for', () => put('nano-8.apk', 'nano'), [['nano-8.apk', 'nano-8.apk']]],
  ['with other bytes', () => put('vim-9.2-r1.01234abc.apk', 'mad'), []],
  ['under the name of another', () => put('nano-8.01234abc.apk', 'vim'), []],
  ['under a name that is none of apk’s', () => put('vim-9.2-r1.01234ABC.apk', 'vim'), []],
  [
    'behind a link',
    async () => {
      await writeFile(path.join(root, 'elsewhere'), 'vim');
      await symlink('../elsewhere', path.join(downloads, 'vim-9.2-r1.apk'));
    },
    [],
  ],
  [
    'as a second name',
    async () => {
      await writeFile(path.join(root, 'elsewhere'), 'vim');
      await link(path.join(root, 'elsewhere'), path.join(downloads, 'vim-9.2-r1.apk'));
    },
    [],
  ],
  ['in a pipe', async () => execFileSync('mkfifo', [path.join(downloads, 'vim-9.2-r1.apk')]), []],
  ['in a directory', () => mkdir(path.join(downloads, 'vim-9.2-r1.apk')), []],
])('a package that was kept %s', async (_, keep, expected) => {
  await keep();
  await put('APKINDEX.01234abc.tar.gz', 'vim');
  expect(await learned()).toEqual(expected);
});

test('a link in the place of the whole directory, or nothing, teaches nothing', async () => {
  await put('nano-8.apk', 'nano');
  await symlink('dl', path.join(root, 'link'));
  for (const place of ['link', 'nowhere'])
    expect(await learnDownloads(path.join(root, place), 'apk', SERVED)).toEqual([]);
  expect(await learned()).toHaveLength(1);
});

test('opkg keeps a package under the name that it asked for', async () => {
  const [first] = await learnDownloads(path.join(root, 'nowhere'), 'opkg', [served('vim_9.ipk', 'vim')]);
  expect(first).toMatchObject({ file: 'vim_9.ipk', name: 'vim_9.ipk' });
});
