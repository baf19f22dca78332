import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type HostileMember as Member, tarOf } from './hostile-tar.fixture.ts';
import { ArchiveError, type Compression, unpack } from './unpack.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'unpack-'));
});
afterEach(async () => await rm(directory, { recursive: true }));

const never = new AbortController().signal;
const tree = () => path.join(directory, 'tree');

async function unpackBytes(tar: Buffer, limits?: { maxBytes: number; maxMembers: number }): Promise<void> {
  const archive = path.join(directory, 'archive');
  await writeFile(archive, gzipSync(tar));
  await unpack({ path: archive, compression: 'gz' }, tree(), never, limits);
}

const top: Member = { name: 'top/', type: '5', mode: 0o755 };

test.each<[Compression, string]>([
  ['gz', '-z'],
  ['xz', '-J'],
  ['zst', '--zstd'],
])('what GNU tar packed as %s comes out the same: names, modes, times, links', async (compression, flag) => {
  const source = path.join(directory, 'openwrt-imagebuilder');
  const long = 'a-directory-with-quite-a-long-name-of-more-than-fifty-bytes/'.repeat(4);
  await mkdir(path.join(source, long), { recursive: true });
  await writeFile(path.join(source, long, 'file'), 'deep');
  await writeFile(path.join(source, 'Makefile'), 'all:\n', { mode: 0o755 });
  await utimes(path.join(source, 'Makefile'), 1_600_000_000, 1_600_000_000);
  await writeFile(path.join(source, 'empty'), '', { mode: 0o600 });
  await symlink('Makefile', path.join(source, 'GNUmakefile'));
  await symlink(`${long}file`, path.join(source, 'long-link'));
  execFileSync('ln', [path.join(source, 'Makefile'), path.join(source, 'hard')]);
  await mkdir(path.join(source, 'staging_dir/host/bin'), { recursive: true });
  await symlink('/usr/bin/perl', path.join(source, 'staging_dir/host/bin/perl'));
  const archive = path.join(directory, 'archive');
  execFileSync('tar', [flag, '-cf', archive, '-C', directory, 'openwrt-imagebuilder']);

  await unpack({ path: archive, compression }, tree(), never);
  const difference = ['-r', '--no-dereference', source, tree()];
  expect(execFileSync('diff', difference).toString()).toBe('');
  const made = await stat(path.join(tree(), 'Makefile'));
  expect({ mode: made.mode & 0o777, mtimeMs: made.mtimeMs, links: made.nlink }).toEqual({
    mode: 0o755,
    mtimeMs: 1_600_000_000_000,
    links: 2,
  });
  expect(await readlink(path.join(tree(), 'staging_dir/host/bin/perl'))).toBe('/usr/bin/perl');
  expect((await readdir(directory)).sort()).toEqual(['archive', 'openwrt-imagebuilder', 'tree']);
});

test('pax headers are read', async () => {
  const source = path.join(directory, 'top');
  await mkdir(source);
  const name = `${'ü'.repeat(80)}.txt`;
  await writeFile(path.join(source, name), 'text');
  const archive = path.join(directory, 'archive');
  execFileSync('tar', ['-z', '--format=pax', '-cf', archive, '-C', directory, 'top']);
  await unpack({ path: archive, compression: 'gz' }, tree(), never);
  expect(await readFile(path.join(tree(), name), 'utf8')).toBe('text');
});

/** As GNU tar writes it before a member whose name is too long for its field. */
const longName = (name: string): Member => ({ name: '././@LongLink', type: 'L', content: name });

const hostile: [string, Member[]][] = [
  ['an absolute path', [top, { name: '/etc/evil', content: 'x' }]],
  ['a path that climbs', [top, { name: 'top/../../evil', content: 'x' }]],
  ['a path that climbs and comes back', [top, { name: 'top/a/../b', content: 'x' }]],
  ['two top directories', [top, { name: 'other/file', content: 'x' }]],
  ['a file as top', [{ name: 'top', content: 'x' }]],
  ['a link as top', [{ name: 'top', type: '2', link: '/tmp' }]],
  ['nothing', []],
  ['a link to an absolute path', [top, { name: 'top/l', type: '2', link: '/etc/passwd' }]],
  ['a link that climbs out', [top, { name: 'top/l', type: '2', link: '../../x' }]],
  ['a link that climbs out by its own directory', [top, { name: 'top/a/l', type: '2', link: '../../x' }]],
  [
    'links that climb out together',
    [top, { name: 'top/a/b', type: '2', link: '..' }, { name: 'top/l', type: '2', link: 'a/b/../x' }],
  ],
  ['a file below a link', [top, { name: 'top/l', type: '2', link: '.' }, { name: 'top/l/evil', content: 'x' }]],
  ['a link over a file', [top, { name: 'top/f', content: 'x' }, { name: 'top/f', type: '2', link: 'g' }]],
  ['a file over a link', [top, { name: 'top/f', type: '2', link: 'g' }, { name: 'top/f', content: 'x' }]],
  ['a directory over a link', [top, { name: 'top/f', type: '2', link: 'g' }, { name: 'top/f/', type: '5' }]],
  ['a file twice', [top, { name: 'top/f', content: 'x' }, { name: 'top/f', content: 'y' }]],
  ['a hard link out', [top, { name: 'top/h', type: '1', link: '/etc/passwd' }]],
  ['a hard link that climbs', [top, { name: 'top/h', type: '1', link: 'top/../../x' }]],
  [
    'a hard link to a link',
    [top, { name: 'top/l', type: '2', link: 'x' }, { name: 'top/h', type: '1', link: 'top/l' }],
  ],
  ['a host tool that is none', [top, { name: 'top/staging_dir/host/bin/x', type: '2', link: '/usr/bin/../../etc/x' }]],
  ['a host tool elsewhere', [top, { name: 'top/perl', type: '2', link: '/usr/bin/perl' }]],
  ['a device', [top, { name: 'top/d', type: '3' }]],
  ['a fifo', [top, { name: 'top/d', type: '6' }]],
  ['a name that is far too long', [top, longName(`top${'/'.repeat(60_000)}x`), { name: 'top/f' }]],
  ['an end too early', [top, { name: 'top/f', content: 'x', size: 1_000_000 }]],
];

test.each(hostile)('%s is refused, and nothing of the archive stays', async (_, members) => {
  await expect(unpackBytes(tarOf(members))).rejects.toThrow(ArchiveError);
  expect(await readdir(directory)).toEqual(['archive']);
});

test('a harmless link inside is no offence', async () => {
  await unpackBytes(
    tarOf([
      top,
      { name: 'top/a/l', type: '2', link: '../f' },
      { name: 'top/f', content: 'x' },
      { name: 'top/loop', type: '2', link: 'loop' },
    ]),
  );
  expect(await readFile(path.join(tree(), 'a/l'), 'utf8')).toBe('x');
});

test('set-uid bits and writing for all are not taken over', async () => {
  await unpackBytes(
    tarOf([top, { name: 'top/su', content: 'x', mode: 0o6777 }, { name: 'top/none', content: 'x', mode: 0 }]),
  );
  const modeOf = async (name: string) => (await stat(path.join(tree(), name))).mode & 0o7777;
  expect(await modeOf('su')).toBe(0o755);
  expect(await modeOf('none')).toBe(0o600);
});

test('too many bytes and too many members are refused', async () => {
  const big = tarOf([top, { name: 'top/f', content: 'x'.repeat(10_000) }]);
  await expect(unpackBytes(big, { maxBytes: 5000, maxMembers: 10 })).rejects.toThrow(/at most 5000 bytes/);
  const many = tarOf([top, ...Array.from({ length: 10 }, (_, index) => ({ name: `top/${index}` }))]);
  await expect(unpackBytes(many, { maxBytes: 1e6, maxMembers: 10 })).rejects.toThrow(/at most 10 members/);
});

test.each<Compression>(['gz', 'xz', 'zst'])(
  'an archive (%s) that is refused in its middle does not stay open',
  async (compression) => {
    const archive = path.join(directory, 'archive');
    const tool = { gz: 'gzip', xz: 'xz', zst: 'zstd' }[compression];
    // More than is read ahead.
    const bytes = tarOf([top, { name: 'top/f', content: randomBytes(1 << 20).toString('latin1') }]);
    await writeFile(archive, execFileSync(tool, ['-c'], { input: bytes, maxBuffer: 1 << 24 }));
    const limits = { maxBytes: 5000, maxMembers: 10 };
    await expect(unpack({ path: archive, compression }, tree(), never, limits)).rejects.toThrow(ArchiveError);
    const openFiles = async () =>
      (
        await Promise.all(
          (await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
        )
      ).filter((file) => file === archive);
    await expect.poll(openFiles, { timeout: 30_000 }).toEqual([]);
  },
);

test.each<Compression>(['gz', 'xz', 'zst'])('bytes that are no %s are refused', async (compression) => {
  const archive = path.join(directory, 'archive');
  await writeFile(archive, '<html>no archive</html>');
  await expect(unpack({ path: archive, compression }, tree(), never)).rejects.toThrow(ArchiveError);
  expect(await readdir(directory)).toEqual(['archive']);
});

test('a compressed archive that was cut is refused', async () => {
  const archive = path.join(directory, 'archive');
  const packed = gzipSync(tarOf([top, { name: 'top/f', content: 'text' }]));
  await writeFile(archive, packed.subarray(0, packed.length - 6));
  await expect(unpack({ path: archive, compression: 'gz' }, tree(), never)).rejects.toThrow();
  expect(await readdir(directory)).toEqual(['archive']);
});

test('an abort leaves nothing', async () => {
  const archive = path.join(directory, 'archive');
  await writeFile(archive, gzipSync(tarOf([top, { name: 'top/f', content: 'text' }])));
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(unpack({ path: archive, compression: 'gz' }, tree(), signal)).rejects.toThrow('enough');
  expect(await readdir(directory)).toEqual(['archive']);
});

test('what a crash left half done is replaced', async () => {
  await mkdir(`${tree()}.unpacking`);
  await writeFile(`${tree()}.unpacking/rubbish`, 'x');
  await unpackBytes(tarOf([top, { name: 'top/f', content: 'text' }]));
  expect(await readdir(tree())).toEqual(['f']);
});
