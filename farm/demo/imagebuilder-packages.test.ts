import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { updatePackage } from './change-mirror.ts';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { type MirrorServer, serveMirror } from './mirror-server.ts';
import { type MakeResult, type UnpackedImageBuilder, unpackImageBuilder } from './unpacked-imagebuilder.ts';

const nowhere = 'http://127.0.0.1:1';
let base: string;
let mirror: DemoMirror;
let server: MirrorServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'demo-packages-'));
  mirror = await generateMirror({ directory: join(base, 'mirror') });
  server = await serveMirror(mirror.directory);
});
beforeEach(() => server.setFault(undefined));
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true, maxRetries: 5 });
});

let trees = 0;
const unpack = (version: string, target = 'demo/generic') =>
  unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target, directory: join(base, `tree-${++trees}`) });

const manifest = (builder: UnpackedImageBuilder, packages: string, more: Record<string, string> = {}) =>
  builder.make('manifest', { PACKAGES: packages, ...more });
const names = ({ stdout }: MakeResult) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' - ')[0]);

describe('make info', () => {
  it('tells target, revision and every profile, writes its cache and nothing else, asks for nothing', async () => {
    const builder = await unpack('24.10.2');
    server.forgetRequests();
    const before = await readdir(builder.directory, { recursive: true });
    const { code, stdout, stderr } = await builder.make('info');
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'Current Target: "demo/generic"',
      'Current Architecture: "demo"',
      `Current Revision: "${mirror.releases[0]?.revision}"`,
    ]);
    const profiles = ['Available Profiles:', '3oaks_pocket2:', 'acme_ax3000-v1:', 'umbra_NX500:'];
    expect(lines.filter((line) => /^[^ ].*:$/.test(line))).toEqual(profiles);
    expect(stdout).toContain(
      'acme_ax3000-v1:\n    Acme AX3000 v1\n    Packages: kmod-usb2 kmod-usb-storage\n' +
        '    hasImageMetadata: 1\n    SupportedDevices: acme,ax3000-v1 ax3000-v1\n',
    );
    const after = await readdir(builder.directory, { recursive: true });
    expect(after.filter((name) => !before.includes(name))).toEqual(['.profiles.mk']);
    expect(server.requests()).toEqual([]);
  });

  it('of a target without metadata shows no devices', async () => {
    const { stdout } = await (await unpack('SNAPSHOT', 'demo64/generic')).make('info');
    expect(stdout).toMatch(/\ngeneric:\n {4}Generic demo64\/generic\n {4}Packages: \S.*\n {4}hasImageMetadata: 0\n$/);
  });
});

describe.each(['24.10.2', '25.12.1'])('packages of %s', (version) => {
  let builder: UnpackedImageBuilder;
  let result: MakeResult;

  beforeAll(async () => {
    builder = await unpack(version);
    result = await manifest(builder, 'tmux luci-app-firewall -dnsmasq -ppp-mod-pppoe -busybox', {
      PROFILE: 'acme_ax3000-v1',
      STRIP_ABI: '1',
    });
  });

  it('are the defaults, the device’s, the wanted and what those need, sorted', () => {
    expect(result.code).toBe(0);
    expect(names(result)).toEqual([...names(result)].sort());
    expect(names(result)).toEqual(
      expect.arrayContaining([
        'base-files',
        'kmod-usb-storage',
        'tmux',
        'libevent2',
        'libncurses',
        'terminfo',
        'uhttpd',
      ]),
    );
    expect(names(result)).not.toContain('luci');
    expect(result.stdout).toMatch(/^tmux - 3\.5a-r1$/m);
  });

  it('leave out what is removed, unless another needs it', () => {
    expect(names(result)).not.toContain('dnsmasq');
    expect(names(result)).not.toContain('ppp-mod-pppoe');
    expect(names(result)).toContain('busybox');
  });

  it('met by a virtual name are one of its providers, the one that is there anyway', () => {
    expect(names(result)).toContain('firewall4');
    expect(names(result)).not.toContain('firewall');
    expect(names(result)).toContain('nftables-json');
    expect(names(result)).not.toContain('nftables-nojson');
  });

  it('follow an update of the mirror, asking only for what is new, and keep their ABI suffix unless told otherwise', async () => {
    const curl = (of: MakeResult) => /^curl - (.*)-r(\d+)$/m.exec(of.stdout);
    const before = await manifest(builder, 'curl');
    expect(before.stdout).toMatch(/^libubox\d{8} - /m);
    await updatePackage(mirror.directory, { version, package: 'curl' });
    server.forgetRequests();
    const after = await manifest(builder, 'curl');
    expect(curl(after)?.[1]).toBe(curl(before)?.[1]);
    expect(Number(curl(after)?.[2])).toBe(Number(curl(before)?.[2]) + 1);
    expect(after.stdout.replace(/^curl .*$/m, '')).toBe(before.stdout.replace(/^curl .*$/m, ''));
    const fetched = server.requests().filter((line) => /\.(ipk|apk)$/.test(line));
    expect(fetched).toEqual([expect.stringContaining('/curl')]);
  });

  it('for a profile that does not exist are refused on stdout', async () => {
    const { code, stdout } = await manifest(builder, '', { PROFILE: 'nosuch' });
    expect(code).toBe(2);
    expect(stdout).toBe(
      'Profile "nosuch" does not exist!\nUse "make info" to get a list of available profile names.\n',
    );
  });
});

describe('opkg', () => {
  let builder: UnpackedImageBuilder;
  beforeAll(async () => {
    builder = await unpack('24.10.2');
  });

  it('says “Collected errors” even on success', async () => {
    const { code, stderr } = await manifest(builder, 'vim');
    expect(code).toBe(0);
    expect(stderr).toContain('Collected errors:\n * opkg_conf_parse_file: Duplicate src declaration (openwrt_core ');
  });

  it('fails for a package that is nowhere', async () => {
    const { code, stdout, stderr } = await manifest(builder, 'nosuchpkg');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Collected errors:\n * opkg_install_cmd: Cannot install package nosuchpkg.\n');
    expect(stderr).toMatch(/make\[2\]: \*\*\* \[Makefile:\d+: package_install\] Error 255\n/);
  });

  describe('asked for everything that cannot be', () => {
    let result: MakeResult;
    beforeAll(async () => {
      result = await manifest(
        builder,
        'demo-brokendep demo-conflict-a demo-conflict-b demo-corrupt demo-badpostinst demo-clash dnsmasq-full',
      );
    });

    it.each([
      [
        'a dependency that is nowhere',
        ' * pkg_hash_check_unresolved: cannot find dependency libdoesnotexist for demo-brokendep\n' +
          ' * pkg_hash_fetch_best_installation_candidate: Packages for demo-brokendep found, but incompatible with the architectures configured\n' +
          ' * opkg_install_cmd: Cannot install package demo-brokendep.\n',
      ],
      [
        'a declared conflict',
        ' * check_conflicts_for: The following packages conflict with demo-conflict-b:\n' +
          ' * check_conflicts_for: \tdemo-conflict-a * \n * opkg_install_cmd: Cannot install package demo-conflict-b.\n',
      ],
      [
        'bytes that are not the index’s',
        " * opkg_install_pkg: Checksum or size mismatch for package demo-corrupt. Either the opkg or the package index are corrupt. Try 'opkg update'.\n" +
          ' * opkg_install_cmd: Cannot install package demo-corrupt.\n',
      ],
      [
        'a postinst that fails, already in make manifest',
        ' * pkg_run_script: package "demo-badpostinst" postinst script returned status 7.\n',
      ],
    ])('tells of %s', (_, words) => {
      expect([result.code, result.stdout]).toEqual([2, '']);
      expect(result.stderr).toContain(words);
    });

    it.each([
      ['demo-clash', 'usr/sbin/dropbear', 'dropbear'],
      ['dnsmasq-full', 'usr/sbin/dnsmasq', 'dnsmasq'],
    ])('tells that %s and a default package clash over a file', (wanted, path, loser) => {
      const place = `${builder.directory}/build_dir/target-demo_generic_musl/root-demo/${path}`;
      expect(result.stderr).toContain(
        ` * check_data_file_clashes: Package ${loser} wants to install file ${place}\n\tBut that file is already provided by package  * ${wanted}\n`,
      );
    });
  });

  it('has nothing against two firewalls, and passes over a feed that is not there', async () => {
    await builder.editFeeds((text) => text.replace('/telephony\n', '/nope\n'));
    const result = await manifest(builder, 'firewall');
    await builder.editFeeds((text) => text.replace('/nope\n', '/telephony\n'));
    expect(result.code).toBe(0);
    expect(names(result)).toEqual(expect.arrayContaining(['firewall', 'firewall4']));
    expect(result.stderr).toMatch(/ \* opkg_download: Failed to download \S+\/nope\/Packages\.gz, wget returned 8\.\n/);
    expect(result.stderr).toMatch(/\*\*\* Failed to download the package list from \S+\/nope\/Packages\.gz\n/);
  });

  it('does without a list that was tampered with, then misses its packages', async () => {
    const foreign = await readFile(join(mirror.directory, 'releases/24.10.2/packages/demo64/luci/Packages.gz'));
    server.setFault((path) => (path.endsWith('demo_generic/luci/Packages.gz') ? { body: foreign } : undefined));
    const { code, stderr } = await manifest(builder, 'luci');
    expect(code).toBe(2);
    expect(stderr).toMatch(/luci\/Packages\.sig\nSignature check failed\.\nRemove wrong Signature file\.\n/);
    expect(stderr).toContain(' * opkg_install_cmd: Cannot install package luci.\n');
  });

  it('does without a list that is a web page', async () => {
    server.setFault((path) => (path.endsWith('demo_generic/luci/Packages.gz') ? { html: true } : undefined));
    const { code, stderr } = await manifest(builder, 'luci');
    expect(code).toBe(2);
    expect(stderr).toMatch(/\*\*\* Failed to download the package list from \S+\/luci\/Packages\.gz\n/);
  });

  it('tells of a package file that is gone or cut off', async () => {
    server.setFault((path) =>
      path.includes('/nano_') ? { status: 404 } : path.includes('/htop_') ? { truncateAt: 99 } : undefined,
    );
    const { code, stderr } = await manifest(builder, 'nano htop');
    expect(code).toBe(2);
    expect(stderr).toMatch(/ \* opkg_download: Failed to download \S+\/nano_\S+\.ipk, wget returned 8\.\n/);
    expect(stderr).toMatch(/ \* opkg_download: Failed to download \S+\/htop_\S+\.ipk, wget returned 4\.\n/);
    expect(stderr).toContain(' * opkg_install_cmd: Cannot install package htop.\n');
  });

  it('silently uses the lists it had when the mirror is down, and cannot install anything without', async () => {
    await builder.editFeeds((text) => text.replaceAll(server.url, nowhere));
    const warm = await manifest(builder, '');
    expect(warm.code).toBe(0);
    expect(warm.stderr).toContain(
      'wget returned 4.\n * opkg_download: Check your network settings and connectivity.\n\n',
    );
    await rm(join(builder.directory, 'dl'), { recursive: true, maxRetries: 5 });
    const cold = await manifest(builder, '');
    expect(cold.code).toBe(2);
    expect(cold.stderr).toMatch(
      /cannot find dependency libgcc1 for libc\n.*\n \* opkg_install_cmd: Cannot install package libc\.\nmake/,
    );
  });
});

describe('apk', () => {
  let builder: UnpackedImageBuilder;
  beforeAll(async () => {
    builder = await unpack('25.12.1');
  });

  it('explains all that it cannot select', async () => {
    const { code, stdout, stderr } = await manifest(
      builder,
      'nosuchpkg demo-brokendep demo-conflict-b demo-conflict-a',
    );
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('ERROR: unable to select packages:\n');
    expect(stderr).toContain('  nosuchpkg (no such package):\n    required by: world[nosuchpkg]\n');
    expect(stderr).toContain(
      '  libdoesnotexist (no such package):\n    required by: demo-brokendep-1.0-r1[libdoesnotexist]\n',
    );
    expect(stderr).toContain(
      '  demo-conflict-a-1.0-r1:\n    conflicts: demo-conflict-b-1.0-r1[demo-virtual=1.0-r1]\n    satisfies: world[demo-conflict-a]\n' +
        '  demo-conflict-b-1.0-r1:\n    conflicts: demo-conflict-a-1.0-r1[demo-virtual=1.0-r1]\n    satisfies: world[demo-conflict-b]\n',
    );
    expect(stderr).toMatch(/make\[2\]: \*\*\* \[Makefile:\d+: package_install\] Error 4\n/);
  });

  it.each([
    ['demo-corrupt', /^ERROR: demo-corrupt-1\.0-r1: file format is invalid or inconsistent$/m],
    ['demo-clash', /^ERROR: dropbear-\S+: trying to overwrite usr\/sbin\/dropbear owned by demo-clash-1\.0-r1\.$/m],
  ])('stops at %s', async (packages, words) => {
    const { code, stdout, stderr } = await manifest(builder, packages);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(words);
  });

  it('swaps dnsmasq for dnsmasq-full by itself, and does not yet see that a postinst will fail', async () => {
    const result = await manifest(builder, 'dnsmasq-full demo-badpostinst');
    expect([result.code, result.stderr]).toEqual([0, '']);
    expect(names(result)).toContain('dnsmasq-full');
    expect(names(result)).not.toContain('dnsmasq');
  });

  it('tells of a package file that is gone', async () => {
    server.setFault((path) => (path.includes('/nano-') ? { status: 404 } : undefined));
    const { code, stderr } = await manifest(builder, 'nano');
    expect(code).toBe(2);
    expect(stderr).toMatch(/ERROR: wget: exited with error 8\nERROR: nano-\S+: package mentioned in index not found/);
  });

  it('uses no index that it cannot get, also with a warm cache', async () => {
    await builder.editFeeds((text) => text.replaceAll(server.url, nowhere));
    const { code, stderr } = await manifest(builder, '');
    await builder.editFeeds((text) => text.replaceAll(nowhere, server.url));
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /ERROR: wget: exited with error 4\nWARNING: updating and opening \S+\/packages\.adb: unexpected end of file\n/,
    );
    expect(stderr).toContain('  dropbear (no such package):\n    required by: world[dropbear]\n');
  });

  it('uses no index that a stranger signed', async () => {
    const stranger = 'MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
    const pem = `-----BEGIN PUBLIC KEY-----\n${stranger}\n-----END PUBLIC KEY-----\n`;
    await writeFile(join(builder.directory, 'keys/openwrt-demo.pem'), pem);
    const { code, stderr } = await manifest(builder, '');
    expect(code).toBe(2);
    expect(stderr).toMatch(/WARNING: updating and opening \S+\/packages\.adb: UNTRUSTED signature\n/);
  });
});
