/**
 * Archives of members that chance has put together, and damaged ones: refused or unpacked, nothing is ever outside of the tree, leads
 * out of it or is larger than it may be. FUZZ_RUNS of each (250), others by FUZZ_SEED.
 */
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { type HostileMember, tarOf } from './hostile-tar.fixture.ts';
import { ArchiveError, unpack } from './unpack.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 250);
const LIMITS = { maxBytes: 64 * 1024, maxMembers: 20 };
/** Of a file that is none of the archive's business, beside the tree. */
const BYSTANDER = 'not the archive\u2019s';
/** Where links may lead out: to tools of the host, from one directory. */
const HOST_TOOL = /^\/(?:usr\/)?(?:local\/)?s?bin\/[\w.+-]+$/;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'unpack-fuzz-'));
  await writeFile(path.join(directory, 'bystander'), BYSTANDER);
});
afterEach(() => rm(directory, { recursive: true }));

const part = fc.constantFrom(
  'a',
  'b',
  'l',
  '..',
  '.',
  '',
  'staging_dir/host/bin',
  'tree',
  'bystander',
  '\0',
  'x'.repeat(90),
);
const below = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const top = fc.constantFrom('top/', 'top/', 'top/', './top/', '/', '../', '');
const name = fc.tuple(top, below).map(([first, rest]) => first + rest);
const link = fc.oneof(
  below,
  name,
  fc.constantFrom(
    '/usr/bin/perl',
    '/etc/passwd',
    '/usr/bin/../../etc/passwd',
    '../bystander',
    '../../bystander',
    'l/..',
  ),
);
const member: fc.Arbitrary<HostileMember> = fc.record({
  name,
  type: fc.constantFrom('0', '0', '0', '5', '5', '2', '2', '1', '3', '4', '6', '7', 'x', 'g', 'L', 'K', 'S', '\0', 'Z'),
  link,
  content: fc.constantFrom(
    '',
    'x',
    'x'.repeat(600),
    '20 path=top/../evil\n',
    '17 linkpath=../..\n',
    'top/../../evil\0',
  ),
  mode: fc.constantFrom(0o644, 0o6777, 0),
});
const archive = fc
  .array(member, { minLength: 1, maxLength: 12 })
  .map((members) => tarOf([{ name: 'top/', type: '5', mode: 0o755 }, ...members]));
const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 12 });

/** Every path below, links not followed. */
async function pathsBelow(at: string): Promise<string[]> {
  const entries = await readdir(at, { recursive: true });
  return entries.map((entry) => path.join(at, entry));
}

async function isInside(tree: string, file: string): Promise<boolean> {
  const { isSymbolicLink } = await lstat(file).then((stats) => ({ isSymbolicLink: stats.isSymbolicLink() }));
  if (!isSymbolicLink) return true;
  const target = await readlink(file);
  if (HOST_TOOL.test(target)) return path.dirname(file) === path.join(tree, 'staging_dir/host/bin');
  const reached = await realpath(file).catch(() => null);
  // It leads nowhere, or in a circle.
  if (reached === null) return !target.startsWith('/');
  return reached === tree || reached.startsWith(`${tree}/`) || HOST_TOOL.test(reached);
}

async function expectHarmless(bytes: Buffer): Promise<'unpacked' | 'refused'> {
  const place = await mkdtemp(path.join(directory, 'place-'));
  const [file, tree] = [path.join(place, 'archive'), path.join(place, 'tree')];
  await mkdir(path.join(place, 'neighbour'));
  await writeFile(file, bytes);
  const outcome = await unpack({ path: file, compression: 'gz' }, tree, new AbortController().signal, LIMITS).then(
    () => 'unpacked' as const,
    (error: unknown) => {
      const isOfTheSystem = error instanceof Error && 'syscall' in error && 'code' in error;
      expect(error instanceof ArchiveError || isOfTheSystem, String(error)).toBe(true);
      return 'refused' as const;
    },
  );
  const left = (await readdir(place)).toSorted();
  expect(left).toEqual(outcome === 'unpacked' ? ['archive', 'neighbour', 'tree'] : ['archive', 'neighbour']);
  expect(await readdir(path.join(place, 'neighbour'))).toEqual([]);
  if (outcome === 'unpacked') {
    const real = await realpath(tree);
    const paths = await pathsBelow(real);
    expect(paths.length).toBeLessThanOrEqual(5 * LIMITS.maxMembers);
    let bytesThere = 0;
    for (const each of paths) {
      expect(await isInside(real, each), each).toBe(true);
      const stats = await lstat(each);
      expect(stats.mode & 0o7022, each).toBe(stats.isSymbolicLink() ? stats.mode & 0o7022 : 0);
      if (stats.isFile()) bytesThere += stats.size / stats.nlink;
    }
    expect(bytesThere).toBeLessThanOrEqual(LIMITS.maxBytes);
  }
  expect(await readFile(path.join(directory, 'bystander'), 'utf8')).toBe(BYSTANDER);
  await rm(place, { recursive: true });
  return outcome;
}

test('members that chance has put together do no harm, and some of them are taken', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(archive, async (tar) => {
      outcomes.add(await expectHarmless(gzipSync(tar)));
    }),
    { numRuns: RUNS },
  );
  expect([...outcomes].toSorted()).toEqual(['refused', 'unpacked']);
});

test('an archive whose bytes are damaged below its checksums does no harm', async () => {
  await fc.assert(
    fc.asyncProperty(archive, damage, async (tar, places) => {
      const damaged = Buffer.from(tar);
      for (const [at, byte] of places) damaged[Math.floor(at * (damaged.length - 1))] = byte;
      await expectHarmless(gzipSync(damaged));
    }),
    { numRuns: RUNS },
  );
});

test.each([
  ['ten thousand times as large as it looks', gzipSync(Buffer.alloc(50_000_000))],
  ['gzip within gzip', gzipSync(gzipSync(Buffer.alloc(1000)))],
  ['nothing', Buffer.alloc(0)],
  ['cut off', gzipSync(Buffer.alloc(100_000, 'x')).subarray(0, 60)],
  ['zeros', Buffer.alloc(5000)],
  ['a page', Buffer.from('<html>Log in</html>')],
])('an archive that is %s is refused', async (_, bytes) => {
  expect(await expectHarmless(bytes)).toBe('refused');
});
