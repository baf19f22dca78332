import { describe, expect, it } from 'vitest';
import { OPENWRT_BRANCHES } from '../../shared/branch.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { usignKeyFromSeed } from '../../shared/usign.ts';
import { compileArch } from './compile-arch.ts';
import { compileTarget } from './compile-target.ts';
import { compileVersions } from './compile-versions.ts';
import { KMODS, type Mirror, openGoodMirror, openMirror } from './mirror.fixture.ts';
import { isCurrent, Reading } from './reading.ts';
import { openSlots } from './slots.ts';
import { isTrusted } from './trust.ts';
import { openUpstream } from './upstream.ts';

const upstreamOf = (mirror: Mirror) => openUpstream({ url: mirror.url, fetch: mirror.fetch, slots: openSlots(6) });
const signed = (mirror: Mirror) => ({ UPSTREAM_KEYS: [mirror.key.publicKey], UPSTREAM_UNSIGNED: false });
const unsigned = { UPSTREAM_KEYS: [], UPSTREAM_UNSIGNED: true };
const wanted = { version: '24.10.2', target: 'x86/64', arch: 'x86_64' };
const directory = 'releases/24.10.2/targets/x86/64';
const branches = { BRANCHES: OPENWRT_BRANCHES };

const target = (mirror: Mirror, settings = signed(mirror)) =>
  compileTarget(new Reading(upstreamOf(mirror)), wanted, settings, 1000);
const versions = (mirror: Mirror, previous: Parameters<typeof compileVersions>[2] = null) =>
  compileVersions(new Reading(upstreamOf(mirror)), branches, previous, 1000);

/** Changes a file and what `sha256sums` says of it, and signs that: upstream itself published it so. */
async function republish(mirror: Mirror, file: string, text: string): Promise<void> {
  const old = sha256Hex(mirror.files.get(`${directory}/${file}`)!);
  mirror.files.set(`${directory}/${file}`, text);
  const sums = mirror.files.get(`${directory}/sha256sums`)!;
  mirror.files.set(`${directory}/sha256sums`, sums.replace(old, sha256Hex(text)));
  await mirror.sign(directory);
}

describe('the document of a target', () => {
  it('holds what a build needs, and the packages of the target with the modules of its kernel', async () => {
    const mirror = await openGoodMirror();
    expect(await target(mirror)).toEqual({
      kind: 'target',
      version: '24.10.2',
      target: 'x86/64',
      versionCode: 'r28427-6df0e3d02a',
      archPackages: 'x86_64',
      defaultPackages: ['base-files', 'dnsmasq'],
      profiles: { generic: { devicePackages: ['kmod-e1000'], supportedDevices: [], titles: [], imagePrefix: 'p' } },
      imageBuilder: {
        path: `${directory}/openwrt-imagebuilder-24.10.2-x86-64.Linux-x86_64.tar.zst`,
        sha256: sha256Hex('r28427-6df0e3d02a'),
      },
      packages: { 'base-files': '1', dnsmasq: '2.90', 'kmod-e1000': '6.6.93-r1' },
      packagesDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      signedBy: mirror.key.keyId,
      fetchedAt: 1000,
      checkedAt: 1000,
    });
  });

  it('of the opkg era takes names without ABI from Packages, since index.json version 1 cannot tell them', async () => {
    const mirror = await openGoodMirror();
    const text = 'Package: libubox20230523\nABIVersion: 20230523\nVersion: 1\n';
    mirror.files.set(`${directory}/packages/Packages`, text);
    const sums = mirror.files.get(`${directory}/sha256sums`)!;
    mirror.files.set(`${directory}/sha256sums`, `${sums}${sha256Hex(text)} *packages/Packages\n`);
    await republish(mirror, 'packages/index.json', '{"packages":{"libubox20230523":"1"}}');
    expect((await target(mirror))?.packages).toEqual({ libubox: '1', 'kmod-e1000': '6.6.93-r1' });
  });

  it('with 10,000 packages has 10,000, and none named __proto__', async () => {
    const mirror = await openMirror();
    const packages = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`package-${n}`, `${n}-r1`]));
    await mirror.publishTarget({
      ...wanted,
      packages: { ...packages, ['__proto__']: '1', '../x': '1', constructor: '1' },
    });
    const document = await target(mirror);
    expect(Object.keys(document?.packages ?? {})).toHaveLength(10_001);
    expect(Object.hasOwn(document?.packages ?? {}, '__proto__')).toBe(false);
    expect(document?.packages.constructor).toBe('1');
  });

  it('is unknown where upstream has no sha256sums', async () => {
    const mirror = await openGoodMirror();
    mirror.files.delete(`${directory}/sha256sums`);
    expect(await target(mirror)).toBeNull();
  });

  const troubles: [situation: string, change: (mirror: Mirror) => void | Promise<void>, reason: string | RegExp][] = [
    [
      'sha256sums was changed after it was signed',
      (mirror) => {
        const path = `${directory}/sha256sums`;
        mirror.files.set(
          path,
          mirror.files.get(path)!.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a')),
        );
      },
      /the signature by key \w{16} is not of this file; half-published\?/,
    ],
    [
      'an unknown key signed',
      async (mirror) => mirror.sign(directory, await usignKeyFromSeed(new Uint8Array(32).fill(9))),
      /is signed by key \w{16}, which is not trusted for 24\.10\.2; a key is added with UPSTREAM_KEYS/,
    ],
    ['there is no signature', (mirror) => void mirror.files.delete(`${directory}/sha256sums.sig`), 'has no signature'],
    [
      'a web page lies where the signature should',
      (mirror) => void mirror.files.set(`${directory}/sha256sums.sig`, '<html>'),
      'is no usign signature',
    ],
    [
      'profiles.json is newer than sha256sums',
      (mirror) => void mirror.files.set(`${directory}/profiles.json`, '{"newer":true}'),
      `${directory}/profiles.json: its sha256 is not the one in sha256sums; half-published?`,
    ],
    [
      'the package index is not uploaded yet',
      (mirror) => void mirror.files.delete(`${directory}/packages/index.json`),
      `${directory}/packages/index.json: sha256sums lists it, but it is not there; half-published?`,
    ],
    [
      'the kernel modules are not uploaded yet',
      (mirror) => void mirror.files.delete(`${directory}/${KMODS}/index.json`),
      'sha256sums lists it, but it is not there',
    ],
    [
      'a web page with status 200 stands for the signed list',
      async (mirror) => {
        mirror.files.set(`${directory}/sha256sums`, '<html>Please log in</html>');
        await mirror.sign(directory);
      },
      'expected lines of "<sha256> *<path>", got none',
    ],
    [
      'the index is cut short',
      (mirror) => republish(mirror, 'packages/index.json', '{"version":2,"pack'),
      'expected JSON',
    ],
    [
      'the two witnesses of the revision disagree',
      (mirror) => republish(mirror, 'version.buildinfo', 'r1-0000000000\n'),
      'version.buildinfo says "r1-0000000000", profiles.json r28427-6df0e3d02a',
    ],
    [
      "another release, rightly signed, is shown under this one's name",
      (mirror) => mirror.publishTarget({ ...wanted, profiles: { version_number: '24.10.1' } }),
      'expected version_number 24.10.2, got 24.10.1',
    ],
    [
      'another target is shown, rightly signed',
      (mirror) => mirror.publishTarget({ ...wanted, profiles: { target: 'x86/generic' } }),
      'expected target x86/64, got x86/generic',
    ],
    [
      'the architecture is another than the list of targets says',
      (mirror) => mirror.publishTarget({ ...wanted, profiles: { arch_packages: 'i386' } }),
      'expected arch_packages x86_64, got i386',
    ],
    [
      'the signed list leaves profiles.json out',
      async (mirror) => {
        const path = `${directory}/sha256sums`;
        mirror.files.set(path, mirror.files.get(path)!.replace(/^.*profiles\.json\n/m, ''));
        await mirror.sign(directory);
      },
      'profiles.json: is not listed in the signed sha256sums',
    ],
    [
      'there are two ImageBuilders',
      async (mirror) => {
        const path = `${directory}/sha256sums`;
        const sums = mirror.files.get(path)!;
        mirror.files.set(path, sums + sums.match(/.*imagebuilder.*\n/)![0].replace('.zst', '.xz'));
        await mirror.sign(directory);
      },
      'expected exactly one ImageBuilder',
    ],
    [
      'the server fails',
      (mirror) => void mirror.weather.set(`${directory}/profiles.json`, () => new Response('', { status: 502 })),
      `${directory}/profiles.json: answered 502`,
    ],
  ];
  it.each(troubles)('is in trouble when %s', async (_, change, reason) => {
    const mirror = await openGoodMirror();
    await change(mirror);
    await expect(target(mirror)).rejects.toThrow(reason);
  });

  it('says that UPSTREAM_KEYS is at fault when a key in it is none', async () => {
    const mirror = await openGoodMirror();
    const settings = { UPSTREAM_KEYS: ['no key'], UPSTREAM_UNSIGNED: false };
    await expect(target(mirror, settings)).rejects.toThrow(/^UPSTREAM_KEYS: expected a usign public key/);
  });

  it('without a signature is accepted where the operator allows it, and says so', async () => {
    const mirror = await openGoodMirror();
    mirror.files.delete(`${directory}/sha256sums.sig`);
    expect((await target(mirror, unsigned))?.signedBy).toBe('unsigned');
    await mirror.sign(directory);
    expect((await target(mirror, unsigned))?.signedBy).toBe('unsigned');
    expect((await target(mirror, { ...signed(mirror), UPSTREAM_UNSIGNED: true }))?.signedBy).toBe(mirror.key.keyId);
  });

  it('with a bad signature by a known key is refused even there', async () => {
    const mirror = await openGoodMirror();
    await republish(mirror, 'version.buildinfo', 'r28427-6df0e3d02a\n\n');
    mirror.files.set(`${directory}/sha256sums`, `${mirror.files.get(`${directory}/sha256sums`)}\n`);
    await expect(target(mirror, { ...signed(mirror), UPSTREAM_UNSIGNED: true })).rejects.toThrow('is not of this file');
  });

  it('stops counting when its key is taken away or unsigned mirrors are no longer allowed', async () => {
    const mirror = await openGoodMirror();
    const document = (await target(mirror))!;
    expect(isTrusted(document, signed(mirror))).toBe(true);
    expect(isTrusted(document, { UPSTREAM_KEYS: ['no key'], UPSTREAM_UNSIGNED: false })).toBe(false);
    const built = { ...document, signedBy: 'd310c6f2833e97f7' };
    expect(isTrusted(built, { UPSTREAM_KEYS: [], UPSTREAM_UNSIGNED: false })).toBe(true);
    expect(isTrusted({ ...built, version: '25.12.5' }, { UPSTREAM_KEYS: [], UPSTREAM_UNSIGNED: false })).toBe(false);
    const free = { ...document, signedBy: 'unsigned' };
    expect([isTrusted(free, unsigned), isTrusted(free, signed(mirror))]).toEqual([true, false]);
  });
});

describe('the document of an architecture', () => {
  const arch = (mirror: Mirror, previous: Parameters<typeof compileArch>[2] = null) =>
    compileArch(new Reading(upstreamOf(mirror)), wanted, previous, 1000);
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

  it('reads Packages where index.json is of version 1, and version 1 where there is nothing else', async () => {
    const mirror = await openGoodMirror();
    mirror.files.set(feed('luci'), '{"packages":{"libx1":"1"}}');
    expect((await arch(mirror))?.packages).toEqual({ curl: '8.1-r1', libx1: '1' });
    mirror.files.set(feed('luci').replace('index.json', 'Packages'), 'Package: libx1\nVersion: 1\nABIVersion: 1\n');
    expect((await arch(mirror))?.packages).toEqual({ curl: '8.1-r1', libx: '1' });
    mirror.files.delete(feed('luci'));
    expect((await arch(mirror))?.packages).toEqual({ curl: '8.1-r1', libx: '1' });
  });

  it('leaves out a feed that never had an index, and refuses to lose one that had', async () => {
    const mirror = await openGoodMirror();
    const before = await arch(mirror);
    mirror.files.delete(feed('luci'));
    expect((await arch(mirror))?.feeds.map((entry) => entry.name)).toEqual(['base']);
    await expect(arch(mirror, before)).rejects.toThrow('luci: has neither index.json nor Packages');
  });

  it('needs base, and readable feeds', async () => {
    const mirror = await openGoodMirror();
    mirror.files.set(feed('luci'), '<html>');
    await expect(arch(mirror)).rejects.toThrow(`${feed('luci')}: expected JSON, got "<html>"`);
    mirror.files.delete(feed('base'));
    mirror.files.set(feed('luci'), '{"version":2,"packages":{}}');
    await expect(arch(mirror)).rejects.toThrow('base: has neither index.json nor Packages');
  });
});

describe('the document of versions', () => {
  it('offers releases of enabled branches, and the snapshots that are there', async () => {
    const mirror = await openMirror();
    const x86 = { 'x86/64': 'x86_64' };
    mirror.publishVersions({ '24.10.2': x86, '24.10.10': x86, '22.03.7': x86, SNAPSHOT: x86, '24.10-SNAPSHOT': x86 });
    expect(await versions(mirror)).toEqual({
      kind: 'versions',
      versions: [
        { version: '24.10.10', branch: '24.10', targets: x86 },
        { version: '24.10.2', branch: '24.10', targets: x86 },
        { version: 'SNAPSHOT', branch: 'SNAPSHOT', targets: x86 },
        { version: '24.10-SNAPSHOT', branch: '24.10', targets: x86 },
      ],
      stableVersion: '24.10.2',
      oldstableVersion: '',
      upcomingVersion: '',
      fetchedAt: 1000,
      checkedAt: 1000,
    });
    expect(mirror.requests.some((path) => path.includes('22.03'))).toBe(false);
  });

  it('lists a release that has no targets yet, without any', async () => {
    const mirror = await openGoodMirror();
    mirror.files.delete('releases/24.10.2/.targets.json');
    expect((await versions(mirror)).versions).toEqual([{ version: '24.10.2', branch: '24.10', targets: {} }]);
  });

  it('asks for no path that a version or a target made up', async () => {
    const mirror = await openMirror();
    mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', '../../x': 'x86_64' } });
    const list = JSON.parse(mirror.files.get('.versions.json')!);
    list.versions_list.push('../24.10.1', '24.10.1/..', '__proto__');
    mirror.files.set('.versions.json', JSON.stringify(list));
    expect((await versions(mirror)).versions).toEqual([
      { version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
    ]);
    for (const path of mirror.requests)
      expect(path).toMatch(/^(\.versions|(snapshots|releases\/[\w.-]+)\/\.targets)\.json$/);
  });

  it.each([
    ['is absent', (mirror: Mirror) => void mirror.files.delete('.versions.json'), 'is UPSTREAM_URL a mirror'],
    ['is a web page', (mirror: Mirror) => void mirror.files.set('.versions.json', '<html>'), 'expected JSON'],
  ])('is in trouble when .versions.json %s', async (_, change, reason) => {
    const mirror = await openGoodMirror();
    change(mirror);
    await expect(versions(mirror)).rejects.toThrow(reason);
  });

  it('keeps what it knew of a version in trouble, and lets a new one wait, while others go on', async () => {
    const mirror = await openGoodMirror();
    const before = await versions(mirror);
    mirror.publishVersions({ '24.10.3': {}, '24.10.4': { 'x86/64': 'x86_64' }, '24.10.2': {} });
    mirror.weather.set('releases/24.10.3/.targets.json', () => new Response('', { status: 500 }));
    mirror.weather.set('releases/24.10.2/.targets.json', () => new Response('<html>Sorry</html>'));
    expect((await versions(mirror, before)).versions).toEqual([
      { version: '24.10.4', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
      { version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
    ]);
    // With nothing known before, leaving one out would be to say that it does not exist.
    await expect(versions(mirror)).rejects.toThrow('24.10');
  });
});

describe('a document is current', () => {
  it('while its files are unchanged, by one small question a file', async () => {
    const mirror = await openGoodMirror();
    const reading = new Reading(upstreamOf(mirror));
    await compileTarget(reading, wanted, signed(mirror), 1000);
    mirror.requests.length = 0;
    expect(await isCurrent(reading.files, upstreamOf(mirror))).toBe(true);
    expect(mirror.requests.sort()).toEqual([
      `${directory}/sha256sums if-none-match`,
      `${directory}/sha256sums.sig if-none-match`,
    ]);
  });

  it('by their digests where the mirror has no validators', async () => {
    const mirror = await openGoodMirror();
    const bare = openUpstream({
      url: mirror.url,
      slots: openSlots(6),
      fetch: async (url, init) => {
        const response = await mirror.fetch(url, init);
        return new Response(response.body, { status: response.status });
      },
    });
    const reading = new Reading(bare);
    await compileTarget(reading, wanted, signed(mirror), 1000);
    expect(await isCurrent(reading.files, bare)).toBe(true);
    await mirror.publishTarget({ ...wanted, revision: 'r2-2' });
    expect(await isCurrent(reading.files, bare)).toBe(false);
  });

  it('no more when a feed that was missing appears', async () => {
    const mirror = await openGoodMirror();
    const path = 'releases/24.10.2/packages/x86_64/luci/index.json';
    const luci = mirror.files.get(path)!;
    mirror.files.delete(path);
    const reading = new Reading(upstreamOf(mirror));
    await compileArch(reading, wanted, null, 1000);
    expect(await isCurrent(reading.files, upstreamOf(mirror))).toBe(true);
    mirror.files.set(path, luci);
    expect(await isCurrent(reading.files, upstreamOf(mirror))).toBe(false);
  });

  it('cannot be told on a mirror that is down, after one file', async () => {
    const mirror = await openGoodMirror();
    const reading = new Reading(upstreamOf(mirror));
    await compileVersions(reading, branches, null, 1000);
    mirror.weather.set('*', () => new Response('', { status: 503 }));
    mirror.requests.length = 0;
    await expect(isCurrent(reading.files, upstreamOf(mirror))).rejects.toThrow('.versions.json: answered 503');
    expect(mirror.requests).toHaveLength(2);
  });
});
