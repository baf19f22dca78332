import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { usignKeyFromSeed } from '../../shared/crypto/usign.ts';
import { directory, readingOf, republish, signed, untrusting, wanted } from './compile.fixture.ts';
import { compileProfiles } from './compile-profiles.ts';
import { compileTarget } from './compile-target.ts';
import { KMODS, type Mirror, openGoodMirror, openMirror, packagesText } from './mirror.fixture.ts';
import { isTrusted } from './trust.ts';

const unsigned = { UPSTREAM_KEYS: [], UPSTREAM_UNSIGNED: true };
const target = (mirror: Mirror, settings = signed(mirror)) => compileTarget(readingOf(mirror), wanted, settings, 1000);

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
      feeds: ['target', 'kmods'].map((name) => ({ name, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })),
      packages: { 'base-files': '1', dnsmasq: '2.90', 'kmod-e1000': '6.6.93-r1' },
      packagesDigest: expect.stringMatching(/^[0-9a-f]{64}$/),
      provides: [],
      providesKnown: false,
      signedBy: mirror.key.keyId,
      fetchedAt: 1000,
      checkedAt: 1000,
    });
  });

  it('of the opkg era takes names without ABI from Packages, and knows what else can be asked for', async () => {
    const mirror = await openMirror();
    await mirror.publishTarget({
      ...wanted,
      era: 'opkg',
      packages: { libubox20230523: '1', odhcpd: '2' },
      kmods: { 'kmod-e1000': '6.6.93-r1' },
      profiles: { default_packages: ['odhcpd', 'libc', '-ppp'] },
    });
    await republish(
      mirror,
      'packages/Packages',
      packagesText(
        { libubox20230523: '1', odhcpd: '2' },
        { libubox20230523: 'ABIVersion: 20230523\nProvides: libubox', odhcpd: 'Provides: dhcp-server, @ra-any' },
      ),
    );
    // Packages alone is read where both are there.
    await republish(mirror, 'packages/index.json', '{"packages":{"libubox20230523":"1"}}');
    expect(await target(mirror)).toMatchObject({
      packages: { libubox: '1', odhcpd: '2', 'kmod-e1000': '6.6.93-r1' },
      // With what an ImageBuilder brings itself, and what upstream installs (of the profile: kmod-e1000, which is listed).
      provides: ['dhcp-server', 'kernel', 'libc', 'libpthread', 'librt', 'libubox20230523', 'ra-any'],
      providesKnown: true,
    });
    expect(mirror.requests).not.toContain(`${directory}/packages/index.json`);
  });

  it('is not sure of names while one of its indexes does not tell', async () => {
    const mirror = await openMirror();
    await mirror.publishTarget({ ...wanted, era: 'opkg', kmods: { 'kmod-e1000': '6.6.93-r1' } });
    expect((await target(mirror))?.providesKnown).toBe(true);
    for (const name of [`${KMODS}/Packages`, `${KMODS}/index.json`]) {
      mirror.files.delete(`${directory}/${name}`);
      const sums = mirror.files.get(`${directory}/sha256sums`)!.split('\n');
      mirror.files.set(`${directory}/sha256sums`, sums.filter((line) => !line.endsWith(name)).join('\n'));
      await mirror.sign(directory);
      expect(await target(mirror)).toMatchObject({ providesKnown: false, provides: [] });
    }
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
    const profiles = await compileProfiles(readingOf(mirror), wanted, signed(mirror), 1000);
    expect(isTrusted(profiles!, signed(mirror))).toBe(true);
    expect(isTrusted(profiles!, untrusting)).toBe(false);
    const built = { ...document, signedBy: 'd310c6f2833e97f7' };
    expect(isTrusted(built, untrusting)).toBe(true);
    expect(isTrusted({ ...built, version: '25.12.5' }, untrusting)).toBe(false);
    const free = { ...document, signedBy: 'unsigned' };
    expect([isTrusted(free, unsigned), isTrusted(free, signed(mirror))]).toEqual([true, false]);
  });
});
