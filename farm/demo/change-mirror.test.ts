import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyUsign } from '../../shared/crypto/usign.ts';
import { moveSnapshot, updatePackage } from './change-mirror.ts';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';

let directory: string;
let mirror: DemoMirror;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-change-'));
  mirror = await generateMirror({ directory });
});
afterAll(() => rm(directory, { recursive: true }));

const read = (path: string) => readFile(join(directory, path));
const readJson = async (path: string) => JSON.parse((await read(path)).toString());

async function sumOf(target: string, name: string): Promise<string | undefined> {
  const message = await read(`${target}/sha256sums`);
  const signature = (await read(`${target}/sha256sums.sig`)).toString();
  expect(await verifyUsign({ message, signature, publicKeys: [mirror.publicKey] })).toMatchObject({ ok: true });
  return message
    .toString()
    .split('\n')
    .find((line) => line.endsWith(` *${name}`))
    ?.slice(0, 64);
}

describe('a snapshot that moves', () => {
  it('has a new revision and a new ImageBuilder under the old name, rightly summed and signed', async () => {
    const snapshot = (of: DemoMirror) => of.releases.find(({ version }) => version === 'SNAPSHOT');
    const target = 'snapshots/targets/demo/generic';
    const name = snapshot(mirror)?.targets[0]?.imageBuilder.split('/').at(-1) ?? '';
    const before = await sumOf(target, name);
    const moved = await moveSnapshot(directory);
    expect(snapshot(moved)?.targets).toEqual(snapshot(mirror)?.targets);
    expect(snapshot(moved)?.revision).not.toBe(snapshot(mirror)?.revision);
    expect((await readJson(`${target}/profiles.json`)).version_code).toBe(snapshot(moved)?.revision);
    const after = await sumOf(target, name);
    expect(after).not.toBe(before);
    expect(after).toBe(
      createHash('sha256')
        .update(await read(`${target}/${name}`))
        .digest('hex'),
    );
  });

  it('leaves releases as they are', async () => {
    const before = await read('releases/25.12.1/targets/demo/generic/sha256sums');
    await moveSnapshot(directory);
    expect(await read('releases/25.12.1/targets/demo/generic/sha256sums')).toEqual(before);
  });
});

describe('a package that is updated', () => {
  it('has its next version in all indexes of its feed, and only its new file', async () => {
    const feed = 'releases/24.10.2/packages/demo_generic/packages';
    await updatePackage(directory, { version: '24.10.2', package: 'vim' });
    expect((await readJson(`${feed}/index.json`)).packages.vim).toBe('9.1.0-r2');
    const index = await read(`${feed}/Packages`);
    expect(index.toString()).toContain('Filename: vim_9.1.0-r2_demo_generic.ipk\n');
    const signature = (await read(`${feed}/Packages.sig`)).toString();
    expect(await verifyUsign({ message: index, signature, publicKeys: [mirror.publicKey] })).toMatchObject({
      ok: true,
    });
    await expect(read(`${feed}/vim_9.1.0-r1_demo_generic.ipk`)).rejects.toThrow('ENOENT');
    await expect(read(`${feed}/vim_9.1.0-r2_demo_generic.ipk`)).resolves.toBeDefined();
  });

  it('goes on counting, for one architecture if told so, and without an ABI suffix in its name', async () => {
    const versions = async () =>
      Promise.all(
        ['demo_generic', 'demo64'].map(
          async (arch) => (await readJson(`releases/25.12.1/packages/${arch}/base/index.json`)).packages.libubox,
        ),
      );
    const [before] = await versions();
    await updatePackage(directory, { version: '25.12.1', package: 'libubox' });
    await updatePackage(directory, { version: '25.12.1', package: 'libubox', arch: 'demo64' });
    expect(await versions()).toEqual([before.replace(/r1$/, 'r2'), before.replace(/r1$/, 'r3')]);
  });

  it('touches no other feed', async () => {
    const other = 'releases/25.12.1/packages/demo64/luci/packages.adb';
    const before = await read(other);
    await updatePackage(directory, { version: '25.12.1', package: 'urandom-seed' });
    expect(await read(other)).toEqual(before);
    expect((await readJson('releases/25.12.1/packages/demo64/base/index.json')).packages['urandom-seed']).toBe('3.1');
  });

  it.each([
    [{ version: '1.0', package: 'vim' }, 'expected one of 24.10.2, 25.12.1, SNAPSHOT, got 1.0'],
    [{ version: '24.10.2', package: 'emacs' }, 'expected the name of a demo package'],
    [{ version: '24.10.2', package: 'vim', arch: 'mips' }, 'expected one of demo_generic, demo64, got mips'],
  ])('is refused as %j with what was expected', async (update, message) => {
    await expect(updatePackage(directory, update)).rejects.toThrow(message);
  });
});

it('in a directory without a mirror, a change says to generate one', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'demo-none-'));
  await expect(moveSnapshot(empty)).rejects.toThrow('generate it first');
  await rm(empty, { recursive: true });
});
