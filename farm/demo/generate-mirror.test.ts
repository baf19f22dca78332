import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyUsign } from '../../shared/crypto/usign.ts';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';

let base: string;
let mirror: DemoMirror;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'demo-mirror-'));
  mirror = await generateMirror({ directory: join(base, 'one') });
});
afterAll(() => rm(base, { recursive: true }));

const read = (path: string) => readFile(join(mirror.directory, path));
const readText = (path: string) => readFile(join(mirror.directory, path), 'utf8');
const readJson = async (path: string) => JSON.parse(await readText(path));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function digests(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = paths.map(async (path) => [path.slice(directory.length), sha256(await readFile(path))]);
  return Object.fromEntries((await Promise.all(pairs)).sort());
}

describe('generating twice', () => {
  it('gives the same bytes, so that a digest in one place holds in another', async () => {
    const again = await generateMirror({ directory: join(base, 'two') });
    const [one, two] = [await digests(mirror.directory), await digests(again.directory)];
    expect(Object.keys(one).length).toBeGreaterThan(800);
    expect(two).toEqual(one);
  });

  it('over itself with other options brings the mirror to those options', async () => {
    const directory = join(base, 'over');
    await generateMirror({ directory, delaySeconds: 7 });
    await generateMirror({ directory });
    expect(await digests(directory)).toEqual(await digests(mirror.directory));
  });

  it('refuses a directory that holds something else, since what does not belong is removed', async () => {
    const directory = await mkdtemp(join(base, 'foreign-'));
    await writeFile(join(directory, 'thesis.txt'), 'years');
    await expect(generateMirror({ directory })).rejects.toThrow('expected an empty directory or a demo mirror');
    expect(await readdir(directory)).toEqual(['thesis.txt']);
  });

  const packers = (['xz', 'zst'] as const).filter(
    (name) => spawnSync({ xz: 'xz', zst: 'zstd' }[name], ['-V']).status === 0,
  );
  it.each(packers)('can pack the ImageBuilders as .tar.%s', async (compression) => {
    const packed = await generateMirror({ directory: join(base, compression), compression });
    const path = packed.releases[0]?.targets[0]?.imageBuilder ?? '';
    expect(path).toMatch(new RegExp(`\\.tar\\.${compression}$`));
    const magic = { xz: 'fd377a58', zst: '28b52ffd' }[compression];
    expect((await readFile(join(packed.directory, path))).subarray(0, 4).toString('hex')).toBe(magic);
  });
});

describe('a mirror with a delay', () => {
  it('has it in its ImageBuilders, where no cleaned environment can lose it', async () => {
    const slow = await generateMirror({ directory: join(base, 'slow'), delaySeconds: 7 });
    for (const { targets } of slow.releases)
      for (const { imageBuilder } of targets) {
        const top = imageBuilder.split('/').at(-1)?.replace('.tar.gz', '');
        const tarball = join(slow.directory, imageBuilder);
        const { stdout } = spawnSync('tar', ['-xOf', tarball, `${top}/include/target.mk`], { encoding: 'utf8' });
        expect(stdout).toContain('\nDELAY_SECONDS := 7\n');
      }
  });
});

describe('what the mirror says of itself', () => {
  it('names both releases, the snapshot, two targets and four profiles', async () => {
    expect(mirror.releases.map(({ version, era }) => `${version} ${era}`)).toEqual([
      '24.10.2 opkg',
      '25.12.1 apk',
      'SNAPSHOT apk',
    ]);
    expect(await readJson('.versions.json')).toEqual({
      stable_version: '25.12.1',
      oldstable_version: '24.10.2',
      upcoming_version: '',
      versions_list: ['25.12.1', '24.10.2'],
    });
    for (const release of mirror.releases) {
      expect(await readJson(`${release.path}/.targets.json`)).toEqual({
        'demo/generic': 'demo_generic',
        'demo64/generic': 'demo64',
      });
      const { profiles } = await readJson(`${release.path}/.overview.json`);
      expect(profiles.map(({ id }: { id: string }) => id)).toEqual([
        '3oaks_pocket2',
        'acme_ax3000-v1',
        'umbra_NX500',
        'generic',
      ]);
    }
  });

  it('has one revision per release, the same in profiles.json and version.buildinfo', async () => {
    for (const { path, revision, targets } of mirror.releases)
      for (const { target } of targets) {
        expect(revision).toMatch(/^r\d{5}-[0-9a-f]{10}$/);
        expect((await readJson(`${path}/targets/${target}/profiles.json`)).version_code).toBe(revision);
        expect(await readText(`${path}/targets/${target}/version.buildinfo`)).toBe(`${revision}\n`);
      }
  });

  it('signs sha256sums, which name every file of the target with its digest', async () => {
    for (const { path, targets } of mirror.releases)
      for (const { target } of targets) {
        const directory = `${path}/targets/${target}`;
        const message = await read(`${directory}/sha256sums`);
        const signature = await readText(`${directory}/sha256sums.sig`);
        expect(await verifyUsign({ message, signature, publicKeys: [mirror.publicKey] })).toEqual({
          ok: true,
          keyId: mirror.keyId,
        });
        const sums = message
          .toString()
          .trimEnd()
          .split('\n')
          .map((line) => /^([0-9a-f]{64}) \*(\S+)$/.exec(line));
        const present = Object.entries(await digests(join(mirror.directory, directory)));
        const expected = present
          .filter(([name]) => !name.startsWith('/sha256sums'))
          .map(([name, sum]) => `${sum} ${name.slice(1)}`);
        expect(sums.map((match) => `${match?.[1]} ${match?.[2]}`).sort()).toEqual(expected.sort());
      }
  });
});

describe('a feed', () => {
  it('of the opkg era has a signed Packages whose files have size and digest as told, but for the corrupt one', async () => {
    const feed = 'releases/24.10.2/packages/demo_generic/packages';
    const index = await read(`${feed}/Packages`);
    expect(gunzipSync(await read(`${feed}/Packages.gz`)).equals(index)).toBe(true);
    const signature = await readText(`${feed}/Packages.sig`);
    expect(await verifyUsign({ message: index, signature, publicKeys: [mirror.publicKey] })).toMatchObject({
      ok: true,
    });
    const field = (stanza: string, name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? '';
    const wrong: string[] = [];
    for (const stanza of index.toString().trim().split('\n\n')) {
      const bytes = await read(`${feed}/${field(stanza, 'Filename')}`);
      expect(bytes.length).toBe(Number(field(stanza, 'Size')));
      if (sha256(bytes) !== field(stanza, 'SHA256sum')) wrong.push(field(stanza, 'Package'));
    }
    expect(wrong).toEqual(['demo-corrupt']);
  });

  it('lists libraries with ABI suffix in index v1 and without in v2', async () => {
    const v1 = await readJson('releases/24.10.2/packages/demo_generic/base/index.json');
    expect(v1).not.toHaveProperty('version');
    expect(v1.packages).toHaveProperty('libubox20230523');
    const v2 = await readJson('releases/25.12.1/packages/demo_generic/base/index.json');
    expect(v2.version).toBe(2);
    expect(v2.packages).toHaveProperty('libubox');
    expect(Object.keys(v2.packages).filter((name) => name.startsWith('libubox'))).toEqual(['libubox']);
  });

  it('of the apk era is one signed text', async () => {
    const text = await readText('releases/25.12.1/packages/demo64/luci/packages.adb');
    const [magic, comment, base64, empty, ...rest] = text.split('\n');
    expect([magic, empty]).toEqual(['demo-adb', '']);
    const claim = {
      message: Buffer.from(rest.join('\n')),
      signature: `${comment}\n${base64}\n`,
      publicKeys: [mirror.publicKey],
    };
    expect(await verifyUsign(claim)).toMatchObject({ ok: true });
    expect(text).toContain('Package: luci-i18n-base-de\n');
  });

  it('for kernel modules lies where linux_kernel of profiles.json says', async () => {
    for (const { path } of mirror.releases) {
      const target = `${path}/targets/demo/generic`;
      const { version, release, vermagic } = (await readJson(`${target}/profiles.json`)).linux_kernel;
      const kmods = await readJson(`${target}/kmods/${version}-${release}-${vermagic}/index.json`);
      expect(kmods.packages['kmod-usb2']).toBe(`${version}-r1`);
    }
  });
});
