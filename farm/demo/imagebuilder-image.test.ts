import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { type MirrorServer, serveMirror } from './mirror-server.ts';
import { type UnpackedImageBuilder, unpackImageBuilder } from './unpacked-imagebuilder.ts';

let base: string;
let mirror: DemoMirror;
let server: MirrorServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'demo-image-'));
  mirror = await generateMirror({ directory: join(base, 'mirror') });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true });
});

let counter = 0;
const unpack = (version: string, target = 'demo/generic') =>
  unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target, directory: join(base, `tree-${++counter}`) });

type Image = { name: string; type: string; filesystem: string; sha256: string; sha256_unsigned: string; size?: number };

async function build(builder: UnpackedImageBuilder, variables: Record<string, string>) {
  const output = join(base, `out-${++counter}`);
  const result = await builder.make('image', { ...variables, BIN_DIR: output });
  const files = await readdir(output).catch(() => []);
  const profiles = files.includes('profiles.json')
    ? JSON.parse(await readFile(join(output, 'profiles.json'), 'utf8')).profiles
    : {};
  const images: Image[] = Object.values(profiles as Record<string, { images: Image[] }>).flatMap(
    (profile) => profile.images,
  );
  return { ...result, output, files, images };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Members of an uncompressed tar that stands at the front of the file. */
function members(bytes: Uint8Array): Record<string, Buffer> {
  const names = execFileSync('tar', ['-tf', '-'], { input: bytes, encoding: 'utf8' }).trimEnd().split('\n');
  return Object.fromEntries(
    names.map((name) => [name, execFileSync('tar', ['-xOf', '-', name], { input: bytes, maxBuffer: 1 << 26 })]),
  );
}

/** fwtool's blocks from the end of a file backwards; checks each CRC over all that stands before its trailer. */
function trailers(bytes: Buffer): { type: number; data: Buffer; rest: Buffer }[] {
  const trailer = bytes.subarray(-16);
  if (bytes.length < 16 || trailer.readUInt32BE(0) !== 0x46577830) return [];
  expect(trailer.readUInt32BE(4)).toBe(~crc32(bytes.subarray(0, -16)) >>> 0);
  const size = trailer.readUInt32BE(12);
  const rest = bytes.subarray(0, bytes.length - size);
  return [{ type: trailer.readUInt8(8), data: bytes.subarray(rest.length, -16), rest }, ...trailers(rest)];
}

describe.each([
  { version: '24.10.2', prefix: 'openwrt-24.10.2-demo-generic-acme_ax3000-v1' },
  { version: '25.12.1', prefix: 'openwrt-25.12.1-demo-generic-acme_ax3000-v1' },
  { version: 'SNAPSHOT', prefix: 'openwrt-demo-generic-acme_ax3000-v1' },
])('an image of $version', ({ version, prefix }) => {
  let built: Awaited<ReturnType<typeof build>>;
  const isOpkg = version === '24.10.2';

  beforeAll(async () => {
    const files = join(base, `files-${version}`);
    await mkdir(join(files, 'etc/uci-defaults'), { recursive: true });
    await writeFile(join(files, 'etc/uci-defaults/99-first'), 'uci set system.@system[0].hostname=demo\n');
    await writeFile(join(files, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/demo\n');
    await chmod(join(files, 'etc/uci-defaults/99-first'), 0o755);
    built = await build(await unpack(version), {
      PROFILE: 'acme_ax3000-v1',
      PACKAGES: 'vim',
      FILES: files,
      DISABLED_SERVICES: 'odhcpd dropbear',
    });
  });

  it('comes with all its files, exit status 0 and sums that hold', async () => {
    expect(built.code).toBe(0);
    const expected = [
      '-rootfs.tar.gz',
      '-squashfs-factory.bin',
      '-squashfs-sysupgrade.bin',
      '.manifest',
      ...(isOpkg ? [] : ['.bom.cdx.json']),
    ];
    expect(built.files.sort()).toEqual(
      [...expected.map((suffix) => prefix + suffix), 'profiles.json', 'sha256sums'].sort(),
    );
    const sums = (await readFile(join(built.output, 'sha256sums'), 'utf8')).trimEnd().split('\n');
    expect(sums.map((line) => line.slice(66)).sort()).toEqual(
      built.files.filter((name) => name !== 'sha256sums').sort(),
    );
    for (const line of sums)
      expect(line).toBe(`${sha256(await readFile(join(built.output, line.slice(66))))} *${line.slice(66)}`);
  });

  it('is described in profiles.json as upstream describes its own', async () => {
    const document = JSON.parse(await readFile(join(built.output, 'profiles.json'), 'utf8'));
    const path = mirror.releases.find((release) => release.version === version)?.path;
    const upstream = JSON.parse(
      await readFile(join(mirror.directory, `${path}/targets/demo/generic/profiles.json`), 'utf8'),
    );
    const { images, ...profile } = document.profiles['acme_ax3000-v1'];
    const { images: _, ...upstreamProfile } = upstream.profiles['acme_ax3000-v1'];
    expect({ ...document, profiles: {} }).toEqual({ ...upstream, profiles: {} });
    expect(profile).toEqual(upstreamProfile);
    for (const image of images as Image[]) {
      const bytes = await readFile(join(built.output, image.name));
      expect(sha256(bytes)).toBe(image.sha256);
      expect(image.size).toBe(isOpkg ? undefined : bytes.length);
    }
  });

  it('is a sysupgrade tar of board, kernel and root, with metadata that names its devices', async () => {
    const image = built.images.find(({ type }) => type === 'sysupgrade');
    const bytes = await readFile(join(built.output, image?.name ?? ''));
    const parts = members(bytes);
    expect(Object.keys(parts)).toEqual(
      ['CONTROL', 'kernel', 'root'].map((name) => `sysupgrade-acme_ax3000-v1/${name}`),
    );
    expect(parts['sysupgrade-acme_ax3000-v1/CONTROL']?.toString()).toBe('BOARD=acme_ax3000-v1\n');
    const metadata = trailers(bytes).find(({ type }) => type === 1);
    expect(metadata?.data.subarray(0, 8)).toEqual(Buffer.alloc(8));
    expect(JSON.parse(metadata?.data.subarray(8).toString() ?? '')).toMatchObject({
      supported_devices: ['acme,ax3000-v1', 'ax3000-v1'],
      version: { version, target: 'demo/generic', board: 'acme_ax3000-v1' },
    });
  });

  it('has what was asked for in its root: packages, files over them, services as told', async () => {
    const image = built.images.find(({ type }) => type === 'sysupgrade');
    const parts = members(await readFile(join(built.output, image?.name ?? '')));
    const root = members(gunzipSync(parts['sysupgrade-acme_ax3000-v1/root'] ?? Buffer.of()));
    expect(root['./usr/lib/demo/vim']?.toString()).toMatch(/^vim \S+ demo_generic\n$/);
    expect(root['./etc/passwd']?.toString()).toContain('/bin/demo');
    expect(root['./etc/uci-defaults/99-first']?.toString()).toContain('hostname=demo');
    const started = Object.keys(root).filter((name) => name.startsWith('./etc/rc.d/S'));
    expect(started).toContain('./etc/rc.d/S19dnsmasq');
    expect(started).not.toContain('./etc/rc.d/S19dropbear');
    expect(built.stdout).toContain('\nDisabling dropbear\n');
    expect(gunzipSync(await readFile(join(built.output, `${prefix}-rootfs.tar.gz`)))).toEqual(
      gunzipSync(parts['sysupgrade-acme_ax3000-v1/root'] ?? Buffer.of()),
    );
  });

  it('built in another tree differs by its signature alone, and not at all without one', async () => {
    const files = join(base, `files-${version}`);
    const again = await build(await unpack(version), {
      PROFILE: 'acme_ax3000-v1',
      PACKAGES: 'vim',
      FILES: files,
      DISABLED_SERVICES: 'odhcpd dropbear',
    });
    const sums = (of: typeof built, key: 'sha256' | 'sha256_unsigned') =>
      Object.fromEntries(of.images.map((image) => [image.type, image[key]]));
    expect(sums(again, 'sha256_unsigned')).toEqual(sums(built, 'sha256_unsigned'));
    const [one, other] = [sums(built, 'sha256'), sums(again, 'sha256')];
    expect(other.factory).toBe(one.factory);
    if (!isOpkg) return expect(other.sysupgrade).toBe(one.sysupgrade);
    expect(other.sysupgrade).not.toBe(one.sysupgrade);
    const image = again.images.find(({ type }) => type === 'sysupgrade');
    const [signature, metadata] = trailers(await readFile(join(again.output, image?.name ?? '')));
    expect([signature?.type, metadata?.type]).toEqual([0, 1]);
    expect(sha256(signature?.rest ?? Buffer.of())).toBe(image?.sha256_unsigned);
  });
});

describe('an image of the target whose only profile is generic', () => {
  it.each([
    ['24.10.2', ['combined', 'combined', 'rootfs', 'rootfs'], 'rootfs.tar.gz'],
    ['25.12.1', ['combined', 'combined', 'rootfs', 'rootfs', 'rootfs'], 'targz-rootfs.tar.gz'],
  ])('of %s has the kinds of a PC', async (version, types, archive) => {
    const built = await build(await unpack(version, 'demo64/generic'), {});
    expect(built.code).toBe(0);
    expect(built.images.map(({ type }) => type).sort()).toEqual(types);
    const prefix = `openwrt-${version}-demo64-generic-generic`;
    expect(built.files).toEqual(expect.arrayContaining([`${prefix}-kernel.bin`, `${prefix}-${archive}`]));
  });

  it('fails when its packages do not fit into ROOTFS_PARTSIZE', async () => {
    const built = await build(await unpack('25.12.1', 'demo64/generic'), {
      PACKAGES: 'demo-huge',
      ROOTFS_PARTSIZE: '1',
    });
    expect(built.code).toBe(2);
    expect(built.stderr).toMatch(
      /^error: ext4_allocate_best_fit_partial: failed to allocate \d+ blocks, out of space\?$/m,
    );
    expect(built.images).toEqual([]);
  });
});

describe.each(['24.10.2', '25.12.1'])('in %s', (version) => {
  it('an image too big for its device is missing, told in a warning, and no failure', async () => {
    const built = await build(await unpack(version), { PROFILE: '3oaks_pocket2', PACKAGES: 'demo-huge' });
    expect(built.code).toBe(0);
    expect(built.files).not.toContain('profiles.json');
    expect(built.stderr).toMatch(/^ {4}WARNING: Image file \S+ is too big: \d+ > 524288$/m);
    expect(built.stdout).toMatch(/^Skip JSON creation for non existing file \S+$/m);
    expect(built.stdout).toContain('JSON info file script could not find any JSON files for target');
  });

  it('a failing postinst fails the image', async () => {
    const built = await build(await unpack(version), { PACKAGES: 'demo-badpostinst' });
    expect(built.code).toBe(2);
    expect(built.stderr).toContain('demo-badpostinst: failing on purpose\n');
    expect(built.stderr).toMatch(
      version === '24.10.2'
        ? / \* pkg_run_script: package "demo-badpostinst" postinst script returned status 7\.\n/
        : /postinst script \.\/lib\/apk\/db\/demo-badpostinst-1\.0-r1\.X\w+\.post-install has failed with exit code 7\n/,
    );
  });

  it('a name for the image is lower-cased, FILES that do not exist are passed over, the first profile is the default', async () => {
    const built = await build(await unpack(version), { EXTRA_IMAGE_NAME: 'My_Name', FILES: join(base, 'nowhere') });
    expect(built.code).toBe(0);
    expect(built.images.map(({ name }) => name)).toEqual([
      `openwrt-${version}-my-name-demo-generic-3oaks_pocket2-squashfs-sysupgrade.bin`,
    ]);
  });

  it('a profile without kernel is one that make cannot build', async () => {
    const builder = await unpack(version);
    await rm(join(builder.directory, 'build_dir/target-demo_generic_musl/linux-demo_generic/umbra_NX500-kernel.bin'));
    const built = await build(builder, { PROFILE: 'umbra_NX500' });
    expect(built.code).toBe(2);
    expect(built.stderr).toMatch(/No rule to make target '\S+\/umbra_NX500-kernel\.bin'/);
  });

  it('init scripts out of FILES run on the build host, as in the original: whoever passes FILES on must know', async () => {
    const files = join(base, `hostile-${version}`);
    const canary = join(base, `canary-init-${version}`);
    await mkdir(join(files, 'etc/init.d'), { recursive: true });
    await writeFile(join(files, 'etc/init.d/evil'), `#!/bin/sh /etc/rc.common\n: >${canary}\n`);
    await build(await unpack(version), { FILES: files });
    expect((await stat(canary)).isFile()).toBe(true);
  });
});

describe('values that nobody checked', () => {
  it.each([
    ['PACKAGES', (canary: string) => `$(shell touch ${canary})`],
    ['PACKAGES', (canary: string) => `\`touch ${canary}\``],
    ['PACKAGES', (canary: string) => `vim;touch ${canary}`],
    ['PROFILE', (canary: string) => `$(shell touch ${canary})`],
    ['PROFILE', (canary: string) => `a'; touch ${canary}; '`],
    ['EXTRA_IMAGE_NAME', (canary: string) => `$(shell touch ${canary})`],
    ['STRIP_ABI', (canary: string) => `$(shell touch ${canary})`],
  ])('are run by make or the shell, so a canary would sing: %s', async (variable, payload) => {
    const builder = await unpack('24.10.2');
    const canary = join(base, `canary-${++counter}`);
    await builder.make('manifest', { [variable]: payload(canary) });
    expect((await stat(canary)).isFile()).toBe(true);
  });

  it('that are plain leave none', async () => {
    const builder = await unpack('24.10.2');
    const before = await readdir(base);
    await builder.make('manifest', { PACKAGES: 'vim -dnsmasq', PROFILE: 'umbra_NX500', STRIP_ABI: '1' });
    expect((await readdir(base)).sort()).toEqual(before.sort());
  });
});
