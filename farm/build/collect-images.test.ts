import { createHash } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectImages, MAX_FILES } from './collect-images.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A block as fwtool appends it; see strip-signature.ts. */
function block(type: 0 | 1, data: Buffer): Buffer {
  const trailer = Buffer.alloc(16);
  trailer.write('FWx0', 0, 'latin1');
  trailer.writeUInt8(type, 8);
  trailer.writeUInt32BE(data.length + 16, 12);
  return Buffer.concat([data, trailer]);
}

const ordered = { target: 'ath79/generic', revision: 'r1-abc', profile: 'acme_x1', filesystem: '' };
const rootfs = Buffer.from('kernel and root file system');
const unsigned = Buffer.concat([rootfs, block(1, Buffer.from('{"metadata_version":"1.1"}'))]);
const signed = Buffer.concat([unsigned, block(0, Buffer.from('a certificate and a signature'))]);

let bin: string;
beforeEach(async () => {
  bin = await mkdtemp(path.join(tmpdir(), 'collect-'));
});
afterEach(async () => await rm(bin, { recursive: true }));

type Image = {
  name: string;
  type: string;
  filesystem?: string;
  sha256: string;
  sha256_unsigned: string;
  size?: number;
};

const sysupgrade: Image = {
  name: 'x1-squashfs-sysupgrade.bin',
  type: 'sysupgrade',
  filesystem: 'squashfs',
  sha256: sha256(signed),
  sha256_unsigned: sha256(unsigned),
  size: signed.length,
};
const ext4: Image = {
  name: 'x1-ext4-factory.img',
  type: 'factory',
  filesystem: 'ext4',
  sha256: sha256(rootfs),
  sha256_unsigned: sha256(rootfs),
};

/** What an ImageBuilder leaves in BIN_DIR. */
async function made(images: Image[], files: Record<string, Buffer>, more: object = {}): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(bin, name), bytes);
  const document = {
    metadata_version: 1,
    target: ordered.target,
    version_code: ordered.revision,
    linux_kernel: { version: '6.6.86' },
    profiles: { acme_x1: { images } },
    ...more,
  };
  await writeFile(path.join(bin, 'profiles.json'), JSON.stringify(document));
  const sums = Object.entries(files).map(([name, bytes]) => `${sha256(bytes)} *${name}\n`);
  await writeFile(path.join(bin, 'sha256sums'), sums.join(''));
}

const goodFiles = {
  [sysupgrade.name]: signed,
  [ext4.name]: rootfs,
  'x1.manifest': Buffer.from('vim - 9.1-r1\n'),
  'x1-kernel.bin': Buffer.from('kernel'),
};

test('a signature is taken off, metadata stays, and every list agrees with the bytes that are left', async () => {
  await made([sysupgrade, ext4], goodFiles);
  const result = await collectImages(bin, ordered);
  expect(await readFile(path.join(bin, sysupgrade.name))).toEqual(unsigned);
  expect(result?.images).toContainEqual({
    name: sysupgrade.name,
    type: 'sysupgrade',
    filesystem: 'squashfs',
    sha256: sha256(unsigned),
    sizeBytes: unsigned.length,
  });
  expect(result?.files.map(({ name }) => name)).toEqual([
    'profiles.json',
    'x1-ext4-factory.img',
    'x1-kernel.bin',
    'x1-squashfs-sysupgrade.bin',
    'x1.manifest',
    'sha256sums',
  ]);
  for (const file of result?.files ?? []) {
    const bytes = await readFile(file.path);
    expect({ name: file.name, sha256: sha256(bytes), sizeBytes: bytes.length }).toEqual({
      name: file.name,
      sha256: file.sha256,
      sizeBytes: file.sizeBytes,
    });
  }
  const sums = await readFile(path.join(bin, 'sha256sums'), 'utf8');
  expect(sums).toContain(`${sha256(unsigned)} *${sysupgrade.name}\n`);
  const document = JSON.parse(result?.profilesJson ?? '');
  expect(document.linux_kernel).toEqual({ version: '6.6.86' });
  expect(document.profiles.acme_x1.images[0]).toMatchObject({
    sha256: sha256(unsigned),
    sha256_unsigned: sha256(unsigned),
    size: unsigned.length,
  });
  expect(result?.imageManifest).toBe('vim - 9.1-r1\n');
});

test('a wanted file system leaves the others out, on disk and in the lists', async () => {
  await made([sysupgrade, ext4], goodFiles);
  const result = await collectImages(bin, { ...ordered, filesystem: 'squashfs' });
  expect(result?.images.map(({ filesystem }) => filesystem)).toEqual(['squashfs']);
  expect(result?.files.map(({ name }) => name)).not.toContain(ext4.name);
  expect(await readdir(bin)).not.toContain(ext4.name);
  expect(result?.profilesJson).not.toContain(ext4.name);
});

test('a file system that the profile is not built with is named as the reason', async () => {
  await made([sysupgrade, ext4], goodFiles);
  await expect(collectImages(bin, { ...ordered, filesystem: 'ubifs' })).rejects.toMatchObject({
    kind: 'no_sysupgrade',
    detail: 'Error: No image was built for this profile with file system ubifs; it has ext4, squashfs',
  });
});

test('no profiles.json, no profile in it, or a profile without images: nothing was made', async () => {
  expect(await collectImages(bin, ordered)).toBeNull();
  await made([sysupgrade], goodFiles, { profiles: {} });
  expect(await collectImages(bin, ordered)).toBeNull();
  await made([], goodFiles);
  expect(await collectImages(bin, ordered)).toBeNull();
});

test.each<[string, object]>([
  ['another profile', { other: { images: [sysupgrade] } }],
  ['another profile beside it', { acme_x1: { images: [sysupgrade] }, other: { images: [] } }],
  ['a name of Object', { constructor: { images: [sysupgrade] } }],
])('%s is no build of what was ordered, and not for want of an image', async (_, profiles) => {
  await made([sysupgrade], goodFiles, { profiles });
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
});

test('an image of another target or revision is not what was ordered', async () => {
  await made([sysupgrade], goodFiles, { version_code: 'r2-def' });
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'upstream_unavailable' });
  await made([sysupgrade], goodFiles, { target: 'x86/64' });
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'upstream_unavailable' });
});

test.each<[string, Image, Record<string, Buffer>]>([
  ['is not there', sysupgrade, {}],
  ['has other bytes than its digest', sysupgrade, { [sysupgrade.name]: rootfs }],
  ['has no signature to take off', { ...ext4, sha256_unsigned: 'a'.repeat(64) }, { [ext4.name]: rootfs }],
  [
    'is something else without its signature',
    { ...sysupgrade, sha256_unsigned: 'a'.repeat(64) },
    { [sysupgrade.name]: signed },
  ],
  ['has a name that leaves the directory', { ...ext4, name: '../x1' }, {}],
  ['has a name of two lines', { ...ext4, name: 'x1\nx2' }, {}],
  ['has a name that hides', { ...ext4, name: '.x1' }, {}],
  ['has another size than its own', { ...ext4, size: 1 }, { [ext4.name]: rootfs }],
  ['takes the name of the list of packages', { ...ext4, name: 'x1.manifest' }, { 'x1.manifest': rootfs }],
  ['takes the name of the digests', { ...ext4, name: 'sha256sums' }, {}],
])('an image that %s fails the build, as a fault of ours', async (_, image, files) => {
  await made([image], files);
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
});

test('a link where an image should be is never followed', async () => {
  await made([sysupgrade], goodFiles);
  const secret = path.join(bin, 'secret');
  await writeFile(secret, signed);
  await rm(path.join(bin, sysupgrade.name));
  await symlink(secret, path.join(bin, sysupgrade.name));
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
  await rm(path.join(bin, sysupgrade.name));
  await link(secret, path.join(bin, sysupgrade.name));
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
  expect(await readFile(secret)).toEqual(signed);
});

const GIB = 1024 ** 3;
const at = (name: string) => path.join(bin, name);
/** What it says it is, and in its place whatever the test puts there. */
async function inPlaceOf(name: string, put: (file: string) => Promise<unknown>): Promise<void> {
  await made([sysupgrade, ext4], goodFiles);
  await rm(at(name));
  await put(at(name));
}
const sparse = (sizeBytes: number) => async (file: string) => {
  await writeFile(file, '');
  await truncate(file, sizeBytes);
};

test.each<[string, string, (file: string) => Promise<unknown>]>([
  ['an image that is a pipe', ext4.name, (file) => execa('mkfifo', [file])],
  ['an image that is a directory', ext4.name, (file) => mkdir(file)],
  ['an image that links to a device', ext4.name, (file) => symlink('/dev/zero', file)],
  ['an image of 100 GiB without a byte', ext4.name, sparse(100 * GIB)],
  ['a kernel that is a pipe', 'x1-kernel.bin', (file) => execa('mkfifo', [file])],
  ['a kernel of 100 GiB without a byte', 'x1-kernel.bin', sparse(100 * GIB)],
  ['a list of packages that is a link', 'x1.manifest', (file) => symlink('/etc/hostname', file)],
  ['a profiles.json of 1 GiB', 'profiles.json', sparse(GIB)],
  ['a profiles.json that is nested without end', 'profiles.json', (file) => writeFile(file, '['.repeat(900_000))],
  ['digests of 1 GiB', 'sha256sums', sparse(GIB)],
])('%s is refused without being read, as a fault of ours', async (_, name, put) => {
  await inPlaceOf(name, put);
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
});

test('a size that profiles.json tells is held against the file before the file is read', async () => {
  await made([{ ...ext4, size: GIB }], {});
  await sparse(8 * GIB)(at(ext4.name));
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({
    detail: expect.stringContaining(`expected ${ext4.name} with ${GIB} bytes, got ${8 * GIB}`),
  });
});

const listen = async (file: string) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(file, resolve));
  server.unref();
};

test.each<[string, (file: string) => Promise<unknown>]>([
  ['a pipe', (file) => execa('mkfifo', [file])],
  ['a socket', listen],
  ['a directory with something in it', (file) => mkdir(path.join(file, 'with/something'), { recursive: true })],
  ['a link', (file) => symlink('/dev/zero', file)],
])('%s in the place of profiles.json or sha256sums is none', async (_, put) => {
  await inPlaceOf('sha256sums', put);
  const result = await collectImages(bin, ordered);
  expect(result?.files.map(({ name }) => name)).toEqual(['profiles.json', ext4.name, sysupgrade.name, 'sha256sums']);
  await rm(at('profiles.json'));
  await put(at('profiles.json'));
  expect(await collectImages(bin, ordered)).toBeNull();
});

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED, LOUDLY: making a device needs root');
test.skipIf(!isRoot)('a device in the place of an image is not opened', async () => {
  await inPlaceOf(ext4.name, (file) => execa('mknod', [file, 'c', '1', '5']));
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
});

test('what nobody names does not matter: 10,000 files, directories without end, names of two lines', async () => {
  await made([sysupgrade, ext4], goodFiles);
  const deep = at(Array.from({ length: 40 }, (_, n) => `${n}`.repeat(40)).join('/'));
  await mkdir(deep, { recursive: true });
  await execa('sh', ['-c', 'seq 10000 | xargs touch'], { cwd: at('0'.repeat(40)) });
  await writeFile(at('x\ny'), '');
  await writeFile(at('sha256sums'), `${await readFile(at('sha256sums'), 'utf8')}\\${'a'.repeat(64)} *x\\ny\n`);
  const result = await collectImages(bin, ordered);
  expect(result?.files).toHaveLength(6);
});

test.each<[string, (n: number) => string]>([
  ['files', (n) => `f${n}`],
  ['times the same file', () => 'x1-kernel.bin'],
])('digests of too many %s are refused', async (_, name) => {
  await made([sysupgrade, ext4], goodFiles);
  const lines = Array.from({ length: MAX_FILES + 1 }, (__, n) => `${'a'.repeat(64)} *${name(n)}\n`);
  await writeFile(at('sha256sums'), lines.join(''));
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
});

test('too many images, and two of one name, are refused before any is read', async () => {
  await made(
    Array.from({ length: MAX_FILES + 1 }, (_, n) => ({ ...ext4, name: `x${n}` })),
    {},
  );
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ detail: expect.stringContaining('at most') });
  await made([sysupgrade, sysupgrade], goodFiles);
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ detail: expect.stringContaining('one name') });
  expect(await readFile(at(sysupgrade.name))).toEqual(signed);
});

test('two lists of packages are one too many', async () => {
  await made([sysupgrade], { ...goodFiles, 'x2.manifest': Buffer.from('vim - 1\n') });
  await expect(collectImages(bin, ordered)).rejects.toMatchObject({ kind: 'internal' });
});

test('links in the place of what we write are replaced, and what they lead to stays', async () => {
  await made([sysupgrade], goodFiles);
  const secret = at('secret');
  await writeFile(secret, 'secret');
  await rm(at('sha256sums'));
  await symlink(secret, at('sha256sums'));
  const result = await collectImages(bin, ordered);
  expect(result?.files.at(-1)?.name).toBe('sha256sums');
  expect(await readFile(secret, 'utf8')).toBe('secret');
});

test('a build that is stopped is not read to its end', async () => {
  await made([sysupgrade, ext4], goodFiles);
  const reason = new Error('stopped');
  await expect(collectImages(bin, ordered, AbortSignal.abort(reason))).rejects.toBe(reason);
});
