import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { updatePackage } from './change-mirror.ts';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { type MirrorServer, serveMirror } from './mirror-server.ts';
import { releasesTable } from './releases-table.ts';
import { unpackImageBuilder } from './unpacked-imagebuilder.ts';

const TARGET = 'demo/keyed';
let base: string;
let mirror: DemoMirror;
let server: MirrorServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'demo-keyed-'));
  mirror = await generateMirror({ directory: join(base, 'mirror'), irreproducible: true });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true, maxRetries: 5 });
});

const targetsOf = ({ releases }: DemoMirror): string[][] =>
  releases.map(({ targets }) => targets.map(({ target }) => target));

it('is in mirrors that ask for it, and stays there when something else changes', async () => {
  const without = await generateMirror({ directory: join(base, 'without') });
  expect(targetsOf(without).flat()).not.toContain(TARGET);
  expect(targetsOf(mirror)).toEqual(releasesTable.map(() => ['demo/generic', 'demo64/generic', TARGET]));
  const updated = await updatePackage(mirror.directory, { version: '24.10.2', package: 'vim', arch: 'demo_keyed' });
  expect(targetsOf(updated)).toEqual(targetsOf(mirror));
});

let trees = 0;

/** The root file system as it goes into an image: what an opkg-era tree appends to images is not in it. */
async function rootOf(version: string, target: string): Promise<Buffer> {
  const directory = join(base, `tree-${++trees}`);
  const builder = await unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target, directory });
  const output = join(base, `out-${trees}`);
  const { code, stderr } = await builder.make('image', { BIN_DIR: output });
  expect(code, stderr).toBe(0);
  const name = (await readdir(output)).find((file) => file.endsWith('rootfs.tar.gz')) ?? '';
  return readFile(join(output, name));
}

it.each(releasesTable.map(({ version }) => version))(
  'builds another image of %s each time, and others do not',
  async (version) => {
    expect((await rootOf(version, TARGET)).equals(await rootOf(version, TARGET))).toBe(false);
    expect((await rootOf(version, 'demo/generic')).equals(await rootOf(version, 'demo/generic'))).toBe(true);
  },
);
