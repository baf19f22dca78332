import { createHash } from 'node:crypto';
import { link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectImages } from './collect-images.ts';

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

test('no profiles.json, another profile, or a profile without images: nothing was made', async () => {
  expect(await collectImages(bin, ordered)).toBeNull();
  await made([sysupgrade], goodFiles, { profiles: { other: { images: [sysupgrade] } } });
  expect(await collectImages(bin, ordered)).toBeNull();
  await made([], goodFiles);
  expect(await collectImages(bin, ordered)).toBeNull();
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
