import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { type MirrorServer, serveMirror } from './mirror-server.ts';
import { type MakeResult, type UnpackedImageBuilder, unpackImageBuilder } from './unpacked-imagebuilder.ts';

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
  await rm(base, { recursive: true, maxRetries: 5 });
});

let counter = 0;
const unpack = (version: string, target = 'demo/generic') =>
  unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target, directory: join(base, `tree-${++counter}`) });

type Image = {
  readonly name: string;
  readonly type: string;
  readonly sha256: string;
  readonly sha256_unsigned: string;
  readonly size?: number;
};
type Built = MakeResult & {
  readonly output: string;
  readonly files: readonly string[];
  readonly images: readonly Image[];
};

async function build(builder: UnpackedImageBuilder, variables: Record<string, string>): Promise<Built> {
  const output = join(base, `out-${++counter}`);
  const result = await builder.make('image', { ...variables, BIN_DIR: output });
  const files: string[] = await readdir(output).catch(() => []);
  const text = files.includes('profiles.json') ? await readFile(join(output, 'profiles.json'), 'utf8') : '{}';
  const profiles = Object.values((JSON.parse(text).profiles ?? {}) as Record<string, { images: Image[] }>);
  return { ...result, output, files: files.toSorted(), images: profiles.flatMap(({ images }) => images) };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const imageOf = (built: Built, type: string) => {
  const image = built.images.find((candidate) => candidate.type === type);
  if (image === undefined) throw new Error(`expected a ${type} image, got ${JSON.stringify(built.images)}`);
  return image;
};
const bytesOf = (built: Built, type: string) => readFile(join(built.output, imageOf(built, type).name));

/** Member names of the tar in front of `bytes`, which is also unpacked. */
async function untar(bytes: Uint8Array): Promise<{ readonly names: readonly string[]; readonly directory: string }> {
  const directory = join(base, `untarred-${++counter}`);
  await mkdir(directory);
  const listing = execFileSync('tar', ['-xvf', '-', '-C', directory], { input: bytes, encoding: 'utf8' });
  return { names: listing.trimEnd().split('\n'), directory };
}

/** fwtool's blocks from the end of a file backwards; checks each CRC over all that stands before its trailer. */
function trailers(bytes: Buffer): { type: number; data: Buffer; rest: Buffer }[] {
  const trailer = bytes.subarray(-16);
  if (bytes.length < 16 || trailer.readUInt32BE(0) !== 0x46577830) return [];
  expect(trailer.readUInt32BE(4)).toBe(~crc32(bytes.subarray(0, -16)) >>> 0);
  const rest = bytes.subarray(0, bytes.length - trailer.readUInt32BE(12));
  return [{ type: trailer.readUInt8(8), data: bytes.subarray(rest.length, -16), rest }, ...trailers(rest)];
}

/** What a user may bring: first-boot settings, a changed file, and an init script that leaves a trace where it runs. */
async function filesOverlay(canary: string): Promise<string> {
  const directory = join(base, `files-${++counter}`);
  await mkdir(join(directory, 'etc/uci-defaults'), { recursive: true });
  await mkdir(join(directory, 'etc/init.d'));
  await writeFile(join(directory, 'etc/uci-defaults/99-first'), 'uci set system.@system[0].hostname=demo\n');
  await writeFile(join(directory, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/demo\n');
  await writeFile(join(directory, 'etc/init.d/custom'), `#!/bin/sh /etc/rc.common\n: >${canary}\n`);
  return directory;
}

describe.each(['24.10.2', '25.12.1'])('an image of %s', (version) => {
  const isOpkg = version === '24.10.2';
  const prefix = `openwrt-${version}-demo-generic-acme_ax3000-v1`;
  let builder: UnpackedImageBuilder;
  let canary: string;
  let variables: Record<string, string>;
  let built: Built;

  beforeAll(async () => {
    canary = join(base, `canary-${version}`);
    variables = {
      PROFILE: 'acme_ax3000-v1',
      PACKAGES: 'vim',
      FILES: await filesOverlay(canary),
      DISABLED_SERVICES: 'odhcpd dropbear',
    };
    builder = await unpack(version);
    built = await build(builder, variables);
  });

  it('comes with all its files, exit status 0 and sums that hold', async () => {
    expect(built.code).toBe(0);
    const suffixes = ['-rootfs.tar.gz', '-squashfs-factory.bin', '-squashfs-sysupgrade.bin', '.manifest'];
    const names = [...suffixes, ...(isOpkg ? [] : ['.bom.cdx.json'])].map((suffix) => prefix + suffix);
    expect(built.files).toEqual([...names, 'profiles.json', 'sha256sums'].toSorted());
    const lines = (await readFile(join(built.output, 'sha256sums'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => line.slice(66))).toEqual(built.files.filter((name) => name !== 'sha256sums'));
    for (const line of lines)
      expect(line).toBe(`${sha256(await readFile(join(built.output, line.slice(66))))} *${line.slice(66)}`);
  });

  it('is described in profiles.json as upstream describes its own', async () => {
    const document = JSON.parse(await readFile(join(built.output, 'profiles.json'), 'utf8'));
    const upstreamPath = join(mirror.directory, `releases/${version}/targets/demo/generic/profiles.json`);
    const upstream = JSON.parse(await readFile(upstreamPath, 'utf8'));
    expect({ ...document, profiles: {} }).toEqual({ ...upstream, profiles: {} });
    const { images: _, ...profile } = document.profiles['acme_ax3000-v1'];
    const { images: __, ...upstreamProfile } = upstream.profiles['acme_ax3000-v1'];
    expect(profile).toEqual(upstreamProfile);
    for (const image of built.images) {
      const bytes = await readFile(join(built.output, image.name));
      expect(sha256(bytes)).toBe(image.sha256);
      expect(image.size).toBe(isOpkg ? undefined : bytes.length);
    }
  });

  it('is a sysupgrade tar of board, kernel and root, with metadata that names its devices', async () => {
    const bytes = await bytesOf(built, 'sysupgrade');
    const { names, directory } = await untar(bytes);
    expect(names).toEqual(['CONTROL', 'kernel', 'root'].map((name) => `sysupgrade-acme_ax3000-v1/${name}`));
    expect(await readFile(join(directory, names[0] ?? ''), 'utf8')).toBe('BOARD=acme_ax3000-v1\n');
    const metadata = trailers(bytes).find(({ type }) => type === 1);
    expect(metadata?.data.subarray(0, 8)).toEqual(Buffer.alloc(8));
    expect(JSON.parse(metadata?.data.subarray(8).toString() ?? '')).toMatchObject({
      supported_devices: ['acme,ax3000-v1', 'ax3000-v1'],
      version: { version, target: 'demo/generic', board: 'acme_ax3000-v1' },
    });
  });

  it('has what was asked for in its root: packages, files over them, services as told', async () => {
    const { directory } = await untar(await bytesOf(built, 'sysupgrade'));
    const packed = gunzipSync(await readFile(join(directory, 'sysupgrade-acme_ax3000-v1/root')));
    expect(gunzipSync(await readFile(join(built.output, `${prefix}-rootfs.tar.gz`)))).toEqual(packed);
    const root = await untar(packed);
    const read = (path: string) => readFile(join(root.directory, path), 'utf8');
    expect(await read('usr/lib/demo/vim')).toMatch(/^vim \S+ demo_generic\n$/);
    expect(await read('etc/passwd')).toContain('/bin/demo');
    expect(await read('etc/uci-defaults/99-first')).toContain('hostname=demo');
    const started = await readdir(join(root.directory, 'etc/rc.d'));
    expect(started).toContain('S19dnsmasq');
    expect(started).not.toContain('S19dropbear');
    expect(built.stdout).toContain('\nDisabling dropbear\n');
  });

  it('ran the init script out of FILES on the build host, as the original does: whoever takes FILES must know', async () => {
    expect((await stat(canary)).isFile()).toBe(true);
  });

  it('built in another tree differs by its signature alone, and not at all without one', async () => {
    const again = await build(await unpack(version), variables);
    for (const type of ['sysupgrade', 'factory'])
      expect(imageOf(again, type).sha256_unsigned).toBe(imageOf(built, type).sha256_unsigned);
    expect(imageOf(again, 'factory').sha256).toBe(imageOf(built, 'factory').sha256);
    const isSame = imageOf(again, 'sysupgrade').sha256 === imageOf(built, 'sysupgrade').sha256;
    expect(isSame).toBe(!isOpkg);
    const [last, previous] = trailers(await bytesOf(again, 'sysupgrade'));
    expect([last?.type, previous?.type]).toEqual(isOpkg ? [0, 1] : [1, undefined]);
    if (isOpkg) expect(sha256(last?.rest ?? Buffer.of())).toBe(imageOf(again, 'sysupgrade').sha256_unsigned);
  });

  it('too big for its device is missing, told in a warning, and no failure', async () => {
    const big = await build(builder, { PROFILE: '3oaks_pocket2', PACKAGES: 'demo-huge' });
    expect(big.code).toBe(0);
    expect(big.files).not.toContain('profiles.json');
    expect(big.stderr).toMatch(/^ {4}WARNING: Image file \S+ is too big: \d+ > 524288$/m);
    expect(big.stdout).toMatch(/^Skip JSON creation for non existing file \S+$/m);
    expect(big.stdout).toContain('JSON info file script could not find any JSON files for target');
  });

  it('whose postinst fails is a failure', async () => {
    const broken = await build(builder, { PACKAGES: 'demo-badpostinst' });
    expect(broken.code).toBe(2);
    expect(broken.stderr).toContain('demo-badpostinst: failing on purpose\n');
    expect(broken.stderr).toMatch(
      isOpkg
        ? / \* pkg_run_script: package "demo-badpostinst" postinst script returned status 7\.\n/
        : /postinst script \.\/lib\/apk\/db\/demo-badpostinst-1\.0-r1\.X\w+\.post-install has failed with exit code 7\n/,
    );
  });
});

describe('an image of the snapshot', () => {
  it('has no version in its name, a given name in lower case, and is for the first profile if none is named', async () => {
    const built = await build(await unpack('SNAPSHOT'), { EXTRA_IMAGE_NAME: 'My_Name', FILES: join(base, 'nowhere') });
    expect(built.code).toBe(0);
    const name = 'openwrt-my-name-demo-generic-3oaks_pocket2-squashfs-sysupgrade.bin';
    expect(built.images.map((image) => image.name)).toEqual([name]);
  });
});

describe('an image of the target whose only profile is generic', () => {
  it.each([
    ['24.10.2', ['combined', 'combined', 'rootfs', 'rootfs'], 'rootfs.tar.gz'],
    ['25.12.1', ['combined', 'combined', 'rootfs', 'rootfs', 'rootfs'], 'targz-rootfs.tar.gz'],
  ])('of %s has the kinds of a PC', async (version, types, archive) => {
    const built = await build(await unpack(version, 'demo64/generic'), {});
    expect(built.code).toBe(0);
    expect(built.images.map(({ type }) => type).toSorted()).toEqual(types);
    const prefix = `openwrt-${version}-demo64-generic-generic`;
    expect(built.files).toEqual(expect.arrayContaining([`${prefix}-kernel.bin`, `${prefix}-${archive}`]));
  });

  it('fails when its packages do not fit into ROOTFS_PARTSIZE, or that is no number', async () => {
    const builder = await unpack('25.12.1', 'demo64/generic');
    const full = await build(builder, { PACKAGES: 'demo-huge', ROOTFS_PARTSIZE: '1' });
    expect(full.code).toBe(2);
    expect(full.stderr).toMatch(
      /^error: ext4_allocate_best_fit_partial: failed to allocate \d+ blocks, out of space\?$/m,
    );
    expect(full.images).toEqual([]);
    expect((await build(builder, { ROOTFS_PARTSIZE: 'much' })).code).toBe(2);
  });
});

it('a profile without its kernel is one that make cannot build', async () => {
  const builder = await unpack('24.10.2');
  const kernels = join(builder.directory, 'build_dir/target-demo_generic_musl/linux-demo_generic');
  await rm(join(kernels, 'umbra_NX500-kernel.bin'));
  const built = await build(builder, { PROFILE: 'umbra_NX500' });
  expect(built.code).toBe(2);
  expect(built.stderr).toMatch(/No rule to make target '\S+\/umbra_NX500-kernel\.bin'/);
});

describe('a value that nobody checked', () => {
  let builder: UnpackedImageBuilder;
  beforeAll(async () => {
    builder = await unpack('24.10.2');
    await builder.editFeeds(() => ''); // nothing to fetch: the values have been expanded by the time it fails
  });

  it.each([
    ['PACKAGES', 'make', (canary: string) => `$(shell touch ${canary})`],
    ['PACKAGES', 'the shell', (canary: string) => `\`touch ${canary}\``],
    ['PACKAGES', 'the shell, unquoted', (canary: string) => `vim&touch ${canary}`],
    ['PROFILE', 'make', (canary: string) => `$(shell touch ${canary})`],
    ['PROFILE', 'the shell', (canary: string) => `a'; touch ${canary}; '`],
    ['EXTRA_IMAGE_NAME', 'make', (canary: string) => `$(shell touch ${canary})`],
    ['FILES', 'the shell', (canary: string) => `a";touch ${canary};"`],
    ['STRIP_ABI', 'make', (canary: string) => `$(shell touch ${canary})`],
  ])('in %s is run by %s, so that a canary sings', async (variable, _, payload) => {
    const canary = join(base, `sung-${++counter}`);
    await builder.make('manifest', { [variable]: payload(canary) });
    expect((await stat(canary)).isFile()).toBe(true);
  });
});
