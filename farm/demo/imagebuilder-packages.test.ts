import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { updatePackage } from './change-mirror.ts';
import { type DemoMirror, generateMirror } from './generate-mirror.ts';
import { type MirrorServer, serveMirror } from './mirror-server.ts';
import { type UnpackedImageBuilder, unpackImageBuilder } from './unpacked-imagebuilder.ts';

let base: string;
let mirror: DemoMirror;
let server: MirrorServer;
let builder: UnpackedImageBuilder;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'demo-packages-'));
  mirror = await generateMirror({ directory: join(base, 'mirror') });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true });
});

let trees = 0;
const unpack = (version: string, target = 'demo/generic') =>
  unpackImageBuilder({ mirror, mirrorUrl: server.url, version, target, directory: join(base, `tree-${++trees}`) });

beforeEach(() => server.setFault(undefined));
afterEach(() => rm(builder.directory, { recursive: true, force: true }));

const names = (manifest: string) =>
  manifest
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' - ')[0]);
const manifest = (packages: string, more: Record<string, string> = {}) =>
  builder.make('manifest', { PACKAGES: packages, ...more });

describe('make info', () => {
  it('tells target, revision and every profile, writes its cache and nothing else', async () => {
    builder = await unpack('24.10.2');
    const before = await readdir(builder.directory, { recursive: true });
    const { code, stdout, stderr } = await builder.make('info');
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'Current Target: "demo/generic"',
      'Current Architecture: "demo"',
      `Current Revision: "${mirror.releases[0]?.revision}"`,
    ]);
    expect(lines.filter((line) => /^[^ ].*:$/.test(line))).toEqual([
      'Available Profiles:',
      '3oaks_pocket2:',
      'acme_ax3000-v1:',
      'umbra_NX500:',
    ]);
    expect(stdout).toContain(
      'acme_ax3000-v1:\n    Acme AX3000 v1\n    Packages: kmod-usb2 kmod-usb-storage\n    hasImageMetadata: 1\n    SupportedDevices: acme,ax3000-v1 ax3000-v1\n',
    );
    const after = await readdir(builder.directory, { recursive: true });
    expect(after.filter((name) => !before.includes(name))).toEqual(['.profiles.mk']);
    expect(server.requests()).toEqual([]);
  });

  it('of a target without metadata shows neither devices nor a trailing word', async () => {
    builder = await unpack('SNAPSHOT', 'demo64/generic');
    expect((await builder.make('info')).stdout).toMatch(
      /\ngeneric:\n {4}Generic demo64\/generic\n {4}Packages: \S.*\n {4}hasImageMetadata: 0\n$/,
    );
  });
});

describe.each(['24.10.2', '25.12.1', 'SNAPSHOT'])('packages of %s', (version) => {
  beforeEach(async () => {
    builder = await unpack(version);
  });

  it('are the defaults, the device’s, the wanted and what those need', async () => {
    const { code, stdout } = await manifest('tmux luci-i18n-base-de', { PROFILE: 'acme_ax3000-v1', STRIP_ABI: '1' });
    expect(code).toBe(0);
    const installed = names(stdout);
    expect(installed).toEqual([...installed].sort());
    expect(installed).toEqual(
      expect.arrayContaining([
        'base-files',
        'kmod-usb-storage',
        'tmux',
        'libevent2',
        'libncurses',
        'terminfo',
        'luci-base',
        'uhttpd',
      ]),
    );
    expect(installed).not.toContain('luci');
    expect(stdout).toMatch(/^tmux - 3\.5a-r1$/m);
  });

  it('keep their ABI suffix unless told otherwise', async () => {
    const { stdout } = await manifest('');
    expect(names(stdout).find((name) => name?.startsWith('libubox'))).toMatch(/^libubox\d{8}$/);
  });

  it('leave out what is removed, unless another needs it', async () => {
    const installed = names((await manifest('-dnsmasq -ppp -ppp-mod-pppoe -busybox')).stdout);
    expect(installed).not.toEqual(expect.arrayContaining(['dnsmasq']));
    expect(installed).not.toEqual(expect.arrayContaining(['ppp']));
    expect(installed).toContain('busybox');
  });

  it('met by a virtual name are one of its providers, the one that is there anyway', async () => {
    const installed = names((await manifest('luci-app-firewall')).stdout);
    expect(installed).toContain('firewall4');
    expect(installed).not.toContain('firewall');
    expect(installed).toContain('nftables-json');
    expect(installed).not.toContain('nftables-nojson');
  });

  it('follow an update of the mirror', async () => {
    const before = (await manifest('curl')).stdout;
    await updatePackage(mirror.directory, { version, package: 'curl' });
    const after = (await manifest('curl')).stdout;
    const versionOf = (text: string) => /^curl - (.*)-r(\d+)$/m.exec(text);
    expect(versionOf(after)?.[1]).toBe(versionOf(before)?.[1]);
    expect(Number(versionOf(after)?.[2])).toBe(Number(versionOf(before)?.[2]) + 1);
    expect(after.replace(/^curl .*$/m, '')).toBe(before.replace(/^curl .*$/m, ''));
  });

  it('are fetched once: a second run asks for indexes only', async () => {
    await manifest('vim');
    server.forgetRequests();
    expect((await manifest('vim')).code).toBe(0);
    expect(server.requests().filter((line) => /\.(ipk|apk)$/.test(line))).toEqual([]);
    expect(server.requests().some((line) => /Packages\.gz|packages\.adb/.test(line))).toBe(true);
  });

  it('for a profile that does not exist are refused on stdout', async () => {
    const { code, stdout } = await manifest('', { PROFILE: 'nosuch' });
    expect(code).toBe(2);
    expect(stdout).toBe(
      'Profile "nosuch" does not exist!\nUse "make info" to get a list of available profile names.\n',
    );
  });
});

describe('opkg says', () => {
  beforeEach(async () => {
    builder = await unpack('24.10.2');
  });

  it('“Collected errors” even on success', async () => {
    const { code, stderr } = await manifest('vim');
    expect(code).toBe(0);
    expect(stderr).toContain('Collected errors:\n * opkg_conf_parse_file: Duplicate src declaration (openwrt_core ');
  });

  it.each([
    ['a package that is nowhere', 'nosuchpkg', ' * opkg_install_cmd: Cannot install package nosuchpkg.\n'],
    [
      'a dependency that is nowhere',
      'demo-brokendep',
      ' * pkg_hash_check_unresolved: cannot find dependency libdoesnotexist for demo-brokendep\n' +
        ' * pkg_hash_fetch_best_installation_candidate: Packages for demo-brokendep found, but incompatible with the architectures configured\n' +
        ' * opkg_install_cmd: Cannot install package demo-brokendep.\n',
    ],
    [
      'a declared conflict',
      'demo-conflict-a demo-conflict-b',
      ' * check_conflicts_for: The following packages conflict with demo-conflict-b:\n' +
        ' * check_conflicts_for: \tdemo-conflict-a * \n * opkg_install_cmd: Cannot install package demo-conflict-b.\n',
    ],
    [
      'a package whose bytes are not the index’s',
      'demo-corrupt',
      " * opkg_install_pkg: Checksum or size mismatch for package demo-corrupt. Either the opkg or the package index are corrupt. Try 'opkg update'.\n",
    ],
    [
      'a postinst that fails, already in make manifest',
      'demo-badpostinst',
      ' * pkg_run_script: package "demo-badpostinst" postinst script returned status 7.\n',
    ],
  ])('for %s', async (_, packages, words) => {
    const { code, stdout, stderr } = await manifest(packages);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(words);
    expect(stderr).toMatch(/make\[2\]: \*\*\* \[Makefile:\d+: package_install\] Error 255\n/);
  });

  it.each([
    ['demo-clash', 'usr/sbin/dropbear', 'dropbear'],
    ['dnsmasq-full', 'usr/sbin/dnsmasq', 'dnsmasq'],
  ])('that %s and a default package clash over a file', async (wanted, path, loser) => {
    const { code, stderr } = await manifest(wanted);
    expect(code).toBe(2);
    const place = `${builder.directory}/build_dir/target-demo_generic_musl/root-demo/${path}`;
    expect(stderr).toContain(
      ` * check_data_file_clashes: Package ${loser} wants to install file ${place}\n\tBut that file is already provided by package  * ${wanted}\n`,
    );
  });

  it('nothing of two firewalls and of a feed list that is not there, and goes on', async () => {
    await builder.editFeeds((text) => text.replace('/telephony\n', '/nope\n'));
    const { code, stdout, stderr } = await manifest('firewall');
    expect(code).toBe(0);
    expect(names(stdout)).toEqual(expect.arrayContaining(['firewall', 'firewall4']));
    expect(stderr).toMatch(/ \* opkg_download: Failed to download \S+\/nope\/Packages\.gz, wget returned 8\.\n/);
    expect(stderr).toMatch(/\*\*\* Failed to download the package list from \S+\/nope\/Packages\.gz\n/);
  });

  it('“Cannot install” of a mirror that is down, but uses the lists it had if it had some', async () => {
    await builder.editFeeds((text) => text.replaceAll(server.url, 'http://127.0.0.1:1'));
    const cold = await manifest('');
    expect(cold.code).toBe(2);
    expect(cold.stderr).toContain(
      'wget returned 4.\n * opkg_download: Check your network settings and connectivity.\n\n',
    );
    expect(cold.stderr).toContain('cannot find dependency libgcc1 for libc');
    await builder.editFeeds((text) => text.replaceAll('http://127.0.0.1:1', server.url));
    expect((await manifest('')).code).toBe(0);
    await builder.editFeeds((text) => text.replaceAll(server.url, 'http://127.0.0.1:1'));
    const warm = await manifest('');
    expect(warm.code).toBe(0);
    expect(warm.stderr).toContain('wget returned 4.');
  });

  it('“Signature check failed” of a list that was tampered with, and does without it', async () => {
    const packages = await readFile(join(mirror.directory, 'releases/24.10.2/packages/demo64/luci/Packages.gz'));
    server.setFault((path) => (path.endsWith('demo_generic/luci/Packages.gz') ? { body: packages } : undefined));
    const { code, stderr } = await manifest('luci');
    expect(code).toBe(2);
    expect(stderr).toMatch(/luci\/Packages\.sig\nSignature check failed\.\nRemove wrong Signature file\.\n/);
    expect(stderr).toContain(' * opkg_install_cmd: Cannot install package luci.\n');
  });

  it('that a package file is gone', async () => {
    server.setFault((path) => (path.includes('/vim_') ? { status: 404 } : undefined));
    const { code, stderr } = await manifest('vim');
    expect(code).toBe(2);
    expect(stderr).toMatch(/ \* opkg_download: Failed to download \S+\/vim_\S+\.ipk, wget returned 8\.\n/);
  });
});

describe('apk says', () => {
  beforeEach(async () => {
    builder = await unpack('25.12.1');
  });

  it.each([
    [
      'a package that is nowhere',
      'nosuchpkg',
      'ERROR: unable to select packages:\n  nosuchpkg (no such package):\n    required by: world[nosuchpkg]\n',
    ],
    [
      'a dependency that is nowhere',
      'demo-brokendep',
      '  libdoesnotexist (no such package):\n    required by: demo-brokendep-1.0-r1[libdoesnotexist]\n',
    ],
    [
      'a conflict over a name both provide',
      'demo-conflict-a demo-conflict-b',
      '  demo-conflict-a-1.0-r1:\n    conflicts: demo-conflict-b-1.0-r1[demo-virtual=1.0-r1]\n    satisfies: world[demo-conflict-a]\n' +
        '  demo-conflict-b-1.0-r1:\n    conflicts: demo-conflict-a-1.0-r1[demo-virtual=1.0-r1]\n    satisfies: world[demo-conflict-b]\n',
    ],
    [
      'a package whose bytes are not the index’s',
      'demo-corrupt',
      'ERROR: demo-corrupt-1.0-r1: file format is invalid or inconsistent\n',
    ],
    [
      'a file clash',
      'demo-clash',
      /ERROR: dropbear-\S+: trying to overwrite usr\/sbin\/dropbear owned by demo-clash-1\.0-r1\.\n/,
    ],
  ])('for %s', async (_, packages, words) => {
    const { code, stdout, stderr } = await manifest(packages);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(typeof words === 'string' ? new RegExp(words.replace(/[[\](){}.+*]/g, '\\$&')) : words);
  });

  it('nothing when it swaps dnsmasq for dnsmasq-full', async () => {
    const installed = names((await manifest('dnsmasq-full')).stdout);
    expect(installed).toContain('dnsmasq-full');
    expect(installed).not.toContain('dnsmasq');
  });

  it('nothing yet of a postinst that would fail', async () => {
    expect((await manifest('demo-badpostinst')).code).toBe(0);
  });

  it('“unexpected end of file” of a mirror that is down, also with a warm cache', async () => {
    expect((await manifest('')).code).toBe(0);
    await builder.editFeeds((text) => text.replaceAll(server.url, 'http://127.0.0.1:1'));
    const { code, stderr } = await manifest('');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /ERROR: wget: exited with error 4\nWARNING: updating and opening \S+\/packages\.adb: unexpected end of file\n/,
    );
    expect(stderr).toContain('  dropbear (no such package):\n    required by: world[dropbear]\n');
  });

  it('“UNTRUSTED signature” of an index by a stranger', async () => {
    await rm(join(builder.directory, 'keys/openwrt-demo.pem'));
    await writeFile(
      join(builder.directory, 'keys/other.pem'),
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n',
    );
    const { code, stderr } = await manifest('');
    expect(code).toBe(2);
    expect(stderr).toMatch(/WARNING: updating and opening \S+\/packages\.adb: UNTRUSTED signature\n/);
  });

  it('that a package file is gone', async () => {
    server.setFault((path) => (path.includes('/vim-') ? { status: 404 } : undefined));
    const { code, stderr } = await manifest('vim');
    expect(code).toBe(2);
    expect(stderr).toMatch(/ERROR: wget: exited with error 8\nERROR: vim-\S+: package mentioned in index not found/);
  });
});
