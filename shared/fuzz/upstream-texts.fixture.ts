/** What mirrors and ImageBuilders write, each in its true form, and what its parser promises of whatever it takes. */
import { parseUsignPublicKey, parseUsignSignature } from '../crypto/usign.ts';
import {
  FILESYSTEMS,
  isPackageName,
  PACKAGE_VERSION,
  PROFILE_ID,
  TARGET,
  VERSION_CODE,
  WORD,
} from '../request/grammar.ts';
import { installedList } from '../request/installed-list.ts';
import { type FeedIndex, MAX_PACKAGES, parseFeedsConf, parseIndexJson, parsePackagesText } from '../upstream/feed.ts';
import { parseMakeInfo } from '../upstream/make-info.ts';
import { parseManifest } from '../upstream/manifest.ts';
import { parseOpkgIndex } from '../upstream/opkg-index.ts';
import { parseProfilesJson as parseBuiltProfiles } from '../upstream/profiles-json.ts';
import { findImageBuilder, parseSha256Sums } from '../upstream/sha256sums.ts';
import { parseOverviewJson } from '../upstream/upstream-overview.ts';
import { parseProfileSources, parseProfilesJson } from '../upstream/upstream-profiles.ts';
import { parseTargetsJson, parseVersionsJson } from '../upstream/upstream-versions.ts';

export interface TextParser {
  readonly name: string;
  readonly samples: readonly string[];
  /** Reads the text and returns what of it is not as it is promised; throws as the parser does. */
  readonly broken: (text: string) => readonly unknown[];
}

/** The values of which the rule does not hold. */
const not = <Value>(values: Iterable<Value>, holds: (value: Value) => boolean): Value[] =>
  [...values].filter((value) => !holds(value));

const SHA256 = /^[0-9a-f]{64}$/;
const isVersion = (version: string): boolean =>
  version !== '' && version.length <= 128 && PACKAGE_VERSION.test(version);
const isPath = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..');
const brokenIndex = ({ packages, provides, dropped }: FeedIndex): unknown[] => [
  ...not(packages.keys(), isPackageName),
  ...not(packages.values(), isVersion),
  ...not(provides ?? [], isPackageName),
  ...not([packages.size], (size) => size <= MAX_PACKAGES),
  ...not([dropped], Number.isSafeInteger),
];
const entries = (record: Readonly<Record<string, string>>): unknown[] => [
  ...not(Object.keys(record), isPackageName),
  ...not(Object.values(record), isVersion),
];

const PACKAGES = `Package: libubox20230523
ABIVersion: 20230523
Version: 2023.05.23~75a3b870-r1
Depends: libc, kernel (= 6.6.93-1), @ip-any
Provides: libubox, libubox-any
Section: libs
Architecture: mips_24kc
Filename: libubox20230523_2023.05.23~75a3b870-r1_mips_24kc.ipk
Size: 12345
SHA256sum: ${'ab'.repeat(32)}
Description:  Basic utility library

Package: vim
Version: 9.1-r2
Conflicts: vim-full, vim-tiny
Filename: ./vim_9.1-r2_mips_24kc.ipk
Size: 999
SHA256sum: ${'cd'.repeat(32)}
`;
const INDEX_2 = JSON.stringify({ version: 2, architecture: 'mips_24kc', packages: { libubox: '1-r1', vim: '9.1-r2' } });
const PROFILES = JSON.stringify({
  metadata_version: 1,
  target: 'ath79/generic',
  version_number: '24.10.2',
  version_code: 'r28739-d9340319c6',
  arch_packages: 'mips_24kc',
  default_packages: ['base-files', 'dnsmasq'],
  linux_kernel: { version: '6.6.93', release: '1', vermagic: '0a1b2c' },
  source_date_epoch: 1750711236,
  profiles: {
    'tplink_archer-c7-v4': {
      image_prefix: 'openwrt-24.10.2-ath79-generic-tplink_archer-c7-v4',
      device_packages: ['kmod-ath10k-ct', '-wpad-mini'],
      supported_devices: ['tplink,archer-c7-v4'],
      titles: [{ vendor: 'TP-Link', model: 'Archer C7', variant: 'v4' }],
      images: [
        { name: 'a-sysupgrade.bin', type: 'sysupgrade', filesystem: 'squashfs', sha256: 'ef'.repeat(32), size: 5 },
      ],
    },
  },
});
const OVERVIEW = JSON.stringify({
  release: '24.10.2',
  profiles: [
    { id: 'tplink_archer-c7-v4', target: 'ath79/generic', titles: [{ vendor: 'TP-Link', model: 'Archer C7' }] },
  ],
});
const VERSIONS = JSON.stringify({
  stable_version: '24.10.2',
  oldstable_version: '23.05.5',
  upcoming_version: '25.12.0-rc1',
  versions_list: ['24.10.2', '23.05.5', '19.07.10'],
});
const TARGETS = JSON.stringify({ 'ath79/generic': 'mips_24kc', 'x86/64': 'x86_64' });
const MAKE_INFO = `Current Target: "ath79/generic"
Current Architecture: "mips"
Current Revision: "r28739-d9340319c6"
Default Packages: base-files ca-bundle dnsmasq
Available Profiles:

tplink_archer-c7-v4:
    TP-Link Archer C7 v4
    Packages: kmod-ath10k-ct -wpad-mini
    hasImageMetadata: 1
    SupportedDevices: tplink,archer-c7-v4 archer-c7-v4
`;
const SUMS = `${'12'.repeat(32)} *openwrt-imagebuilder-24.10.2-ath79-generic.Linux-x86_64.tar.zst
${'34'.repeat(32)} *profiles.json
${'56'.repeat(32)} *kmods/6.6.93-1-0a1b2c/index.json
`;
const FEEDS = `src-git packages https://git.example/packages.git^abc
src-git-full luci https://git.example/luci.git
# src-link custom /usr/src
`;
const base64 = (length: number): string => btoa(`Ed${'k'.repeat(8)}${'x'.repeat(length)}`);

export const TEXT_PARSERS: readonly TextParser[] = [
  {
    name: 'Packages, of the edge',
    samples: [PACKAGES],
    broken: (text) => brokenIndex(parsePackagesText(text)),
  },
  {
    name: 'Packages, of the node',
    samples: [PACKAGES],
    broken: (text) => {
      const packages = parseOpkgIndex(text);
      const files = packages.flatMap(({ file }) => (file ? [file] : []));
      const relations = packages.flatMap(({ depends, conflicts, provides }) => [...depends, ...conflicts, ...provides]);
      return [
        ...not(packages, ({ name, version }) => isPackageName(name) && isVersion(version)),
        ...not(relations, ({ name, condition }) => isPackageName(name) && condition.length <= 128),
        ...not(files, ({ sizeBytes, sha256 }) => Number.isSafeInteger(sizeBytes) && SHA256.test(sha256)),
      ];
    },
  },
  {
    name: 'index.json',
    samples: [INDEX_2, JSON.stringify({ architecture: 'mips_24kc', packages: { libubox20230523: '1' } })],
    broken: (text) => brokenIndex(parseIndexJson(text)),
  },
  {
    name: 'profiles.json of a target',
    samples: [PROFILES],
    broken: (text) => {
      const { target, versionNumber, versionCode, defaultPackages, profiles } = parseProfilesJson(text);
      const bare = (word: string): string => word.replace(/^-/, '');
      const all = Object.values(profiles);
      return [
        ...not([target], (value) => TARGET.test(value)),
        ...not([versionNumber], (value) => WORD.test(value)),
        ...not([versionCode], (value) => VERSION_CODE.test(value)),
        ...not(Object.keys(profiles), (id) => PROFILE_ID.test(id) && id.length <= 128),
        ...not([...defaultPackages, ...all.flatMap(({ devicePackages }) => devicePackages)], (word) =>
          isPackageName(bare(word)),
        ),
        ...not(all, ({ imagePrefix }) => imagePrefix === '' || WORD.test(imagePrefix)),
      ];
    },
  },
  {
    name: 'profiles.json, handed on',
    samples: [PROFILES],
    broken: (text) => {
      const { metadata, profiles } = parseProfileSources(text);
      return [
        ...not([JSON.stringify(metadata).length], (length) => length <= 256 * 1024),
        ...not(Object.keys(profiles), (id) => PROFILE_ID.test(id)),
        ...not(Object.values(profiles), ({ json }) => typeof JSON.parse(json) === 'object'),
      ];
    },
  },
  {
    name: 'profiles.json of an ImageBuilder',
    samples: [PROFILES],
    broken: (text) => {
      const images = Object.values(parseBuiltProfiles(text).profiles).flatMap((profile) => profile.images);
      return not(images, ({ sha256 }) => SHA256.test(sha256));
    },
  },
  {
    name: '.overview.json',
    samples: [OVERVIEW],
    broken: (text) =>
      not(
        parseOverviewJson(text),
        ({ model, target, profile }) => model.length <= 200 && TARGET.test(target) && PROFILE_ID.test(profile),
      ),
  },
  {
    name: '.versions.json',
    samples: [VERSIONS],
    broken: (text) => {
      const { releases, stable, oldstable, upcoming } = parseVersionsJson(text);
      return not([...releases, stable, oldstable, upcoming], (version) => /^[\w.-]{0,64}$/.test(version));
    },
  },
  {
    name: '.targets.json',
    samples: [TARGETS],
    broken: (text) => {
      const targets = parseTargetsJson(text);
      return [
        ...not(Object.keys(targets), (target) => TARGET.test(target)),
        ...not(Object.values(targets), (arch) => /^[\w+-]{1,64}$/.test(arch)),
      ];
    },
  },
  {
    name: 'make info',
    samples: [MAKE_INFO],
    broken: (text) => {
      const { target, revision, defaultPackages, profiles } = parseMakeInfo(text);
      const words = [...profiles.values()].flatMap((profile) => [...profile.packages, ...profile.supportedDevices]);
      return [
        ...not([target, revision, ...profiles.keys()], (line) => !line.includes('\n')),
        ...not([...defaultPackages, ...words], (word) => word !== '' && !/[ \n]/.test(word)),
      ];
    },
  },
  {
    name: 'a manifest',
    samples: ['base-files - 1638-r1\nvim - 9.1-r2\n', 'base-files 1638-r1\nvim 9.1-r2\n'],
    broken: (text) => {
      const manifest = parseManifest(text);
      const printed = Object.entries(manifest).map(([name, version]) => `${name} - ${version}\n`);
      return [
        ...entries(manifest),
        ...not([parseManifest(printed.join(''))], (again) => JSON.stringify(again) === JSON.stringify(manifest)),
      ];
    },
  },
  {
    name: 'sha256sums',
    samples: [SUMS],
    broken: (text) => {
      const sums = parseSha256Sums(text);
      const { file, sha256 } = findImageBuilder(sums);
      return [
        ...not(sums.keys(), isPath),
        ...not(sums.values(), (digest) => SHA256.test(digest)),
        ...not([file], (name) => !name.includes('/') && sums.get(name) === sha256),
      ];
    },
  },
  {
    name: 'feeds.conf',
    samples: [FEEDS],
    broken: (text) => not(parseFeedsConf(text), (name) => /^[\w-]{1,64}$/.test(name)),
  },
  {
    name: 'a usign key',
    samples: [`untrusted comment: public key\n${base64(32)}\n`, base64(32)],
    broken: (text) =>
      not(
        [parseUsignPublicKey(text)],
        ({ keyId, publicKey }) => /^[0-9a-f]{16}$/.test(keyId) && publicKey.length === 32,
      ),
  },
  {
    name: 'a usign signature',
    samples: [`untrusted comment: signed by key\n${base64(64)}\n`],
    broken: (text) => {
      const signature = parseUsignSignature(text);
      return not(
        signature ? [signature] : [],
        (one) => /^[0-9a-f]{16}$/.test(one.keyId) && one.signature.length === 64,
      );
    },
  },
  {
    name: 'a list of installed packages',
    samples: [
      'vim - 9.1-r2\nlibubox20230523 - 2023.05.23-r1\n',
      'vim-9.1-r2 mips_24kc {vim} (Vim) [installed]\n',
      '{"vim":"9.1-r2","luci":"25.1"}',
      'Package: vim\nVersion: 9.1-r2\nStatus: install user installed\n\n',
    ],
    broken: (text) => entries(installedList(text)),
  },
];

/** Written by nobody for any of them. */
export const OTHER_TEXTS: readonly string[] = [
  ...TEXT_PARSERS.flatMap(({ samples }) => samples),
  '<!DOCTYPE html><html><head><title>Log in</title></head><body>Welcome to Inn</body></html>',
  FILESYSTEMS.join('\n'),
];
