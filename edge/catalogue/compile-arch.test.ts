import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { readingOf, wanted } from './compile.fixture.ts';
import { compileArch } from './compile-arch.ts';
import { type Mirror, openGoodMirror, openMirror, packagesText } from './mirror.fixture.ts';

describe('the document of an architecture', () => {
  const arch = (mirror: Mirror, previous: Parameters<typeof compileArch>[2] = null) =>
    compileArch(readingOf(mirror), wanted, previous, 1000);
  const feed = (name: string) => `releases/24.10.2/packages/x86_64/${name}/index.json`;

  it('holds the packages of base and of every feed', async () => {
    const mirror = await openGoodMirror();
    const document = await arch(mirror);
    expect(document).toMatchObject({ kind: 'arch', arch: 'x86_64', packages: { curl: '8.1-r1', 'luci-base': '25.1' } });
    expect(document?.feeds.map((entry) => entry.name)).toEqual(['base', 'luci']);
    expect(document?.feeds[1]?.sha256).toBe(sha256Hex(mirror.files.get(feed('luci'))!));
  });

  it('is unknown where upstream has no feeds.conf', async () => {
    const mirror = await openGoodMirror();
    mirror.files.delete('releases/24.10.2/packages/x86_64/feeds.conf');
    expect(await arch(mirror)).toBeNull();
  });

  it('of the opkg era is made of Packages, and of index.json where a feed has nothing else', async () => {
    const mirror = await openMirror();
    const packagesOf = (name: string) => feed(name).replace('index.json', 'Packages');
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '8.1-r1' }, luci: { libx1: '1' } }, 'opkg');
    mirror.files.set(packagesOf('luci'), packagesText({ libx1: '1' }, { libx1: 'ABIVersion: 1\nProvides: libx, xx' }));
    expect(await arch(mirror)).toMatchObject({
      packages: { curl: '8.1-r1', libx: '1' },
      provides: ['libx1', 'xx'],
      providesKnown: true,
    });
    expect(mirror.requests.filter((path) => path.endsWith('index.json'))).toEqual([]);
    mirror.files.delete(packagesOf('luci'));
    expect(await arch(mirror)).toMatchObject({
      packages: { curl: '8.1-r1', libx1: '1' },
      provides: [],
      providesKnown: false,
    });
  });

  it('has the same names and versions from either form', async () => {
    const packages = { curl: '8.1-r1', vim: '9.1.0~abc-r2', constructor: '1:2' };
    const both = [await openMirror(), await openMirror()] as const;
    both[0].publishArch('24.10.2', 'x86_64', { base: packages, luci: { a: '1' } }, 'opkg');
    both[1].publishArch('24.10.2', 'x86_64', { base: packages, luci: { a: '1' } }, 'apk');
    const [opkg, apk] = [await arch(both[0]), await arch(both[1])];
    expect([opkg?.packages, opkg?.packagesDigest]).toEqual([apk?.packages, apk?.packagesDigest]);
    expect([opkg?.providesKnown, apk?.providesKnown]).toEqual([true, false]);
  });

  it('of the apk era asks once whether there is a Packages, not once a feed', async () => {
    const mirror = await openGoodMirror();
    await arch(mirror);
    expect(mirror.requests.filter((path) => path.endsWith('Packages'))).toEqual([
      feed('base').replace('index.json', 'Packages'),
    ]);
  });

  it('leaves out a feed that never had an index, unsure of names meanwhile, and refuses to lose one that had', async () => {
    const mirror = await openMirror();
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '1' }, luci: { 'luci-base': '1' } }, 'opkg');
    const before = await arch(mirror);
    mirror.files.delete(feed('luci'));
    mirror.files.delete(feed('luci').replace('index.json', 'Packages'));
    const without = await arch(mirror);
    expect(without?.feeds.map((entry) => entry.name)).toEqual(['base']);
    expect([before?.providesKnown, without?.providesKnown]).toEqual([true, false]);
    await expect(arch(mirror, before)).rejects.toThrow('luci: has no package index');
  });

  it('takes an empty index for none: of a feed that had one it is trouble', async () => {
    const mirror = await openMirror();
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '1' }, luci: { 'luci-base': '1' } }, 'opkg');
    const before = await arch(mirror);
    for (const name of ['index.json', 'Packages']) mirror.files.set(feed('luci').replace('index.json', name), '');
    await expect(arch(mirror, before)).rejects.toThrow('expected JSON');
    mirror.files.set(feed('luci'), '{"version":2,"packages":{}}');
    await expect(arch(mirror, before)).rejects.toThrow('luci: has no package index');
    expect(await arch(mirror)).toMatchObject({ packages: { curl: '1' }, providesKnown: false });
  });

  it('keeps a feed that feeds.conf has lost, for as long as it is there, and is not sure of one that was never named', async () => {
    const mirror = await openMirror();
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '1' }, luci: { 'luci-base': '1' } }, 'opkg');
    const before = await arch(mirror);
    mirror.files.set('releases/24.10.2/packages/x86_64/feeds.conf', '');
    expect((await arch(mirror, before))?.packages).toEqual(before?.packages);
    expect(await arch(mirror)).toMatchObject({ packages: { curl: '1' }, providesKnown: false });
    for (const name of ['index.json', 'Packages']) mirror.files.delete(feed('luci').replace('index.json', name));
    expect((await arch(mirror, before))?.packages).toEqual({ curl: '1' });
  });

  it('needs base, and readable feeds', async () => {
    const mirror = await openGoodMirror();
    mirror.files.set(feed('luci'), '<html>');
    await expect(arch(mirror)).rejects.toThrow(`${feed('luci')}: expected JSON, got "<html>"`);
    mirror.files.delete(feed('base'));
    mirror.files.set(feed('luci'), '{"version":2,"packages":{}}');
    await expect(arch(mirror)).rejects.toThrow('base: has no package index');
  });
});
