import { expect, test } from 'vitest';
import { fc } from '../../shared/chance.fixture.ts';
import { RepositoriesMode } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { imageArguments, manifestArguments } from '../imagebuilder/arguments.ts';
import { proxyRepositories } from '../imagebuilder/repositories.ts';
import { checkedOrder } from './checked-order.ts';
import { type InputsInit, testOrder } from './test-order.fixture.ts';

const usignKey = 'untrusted comment: x\nRWRTdGeIJ9XxsWn7tn+ybmaz3vuKJnlmVCVhs9gQbbfGS2qAAtjRCEpn';

test('an order that is right comes through as it is', () => {
  const checked = checkedOrder(
    testOrder({
      addPackages: ['libstdcpp6', 'cJSON', 'u-boot-A10-OLinuXino-Lime', 'kmod-usb2'],
      rootfsSizeMb: 256,
      filesystem: 'squashfs',
      repositories: [{ name: 'mine', url: 'https://feeds.example/24.10/a%20b/packages' }],
      repositoriesMode: RepositoriesMode.REPLACE,
      repositoryKeys: [usignKey],
      feeds: [
        { name: 'target', sha256: 'a'.repeat(64) },
        { name: 'luci', sha256: 'b'.repeat(64) },
      ],
    }),
  );
  expect([...checked.pins]).toEqual([
    ['target', 'a'.repeat(64)],
    ['luci', 'b'.repeat(64)],
  ]);
  expect(checked).toMatchObject({ rootfsSizeMb: 256, filesystem: 'squashfs', repositoriesMode: 'replace' });
  expect(checked.addPackages).toHaveLength(4);
  expect(checked.repositoryKeys).toHaveLength(1);
});

const userMistakes: [string, InputsInit][] = [
  ['a package with an expansion', { addPackages: ['$(shell touch canary)'] }],
  ['a package with backquotes', { removePackages: ['`touch canary`'] }],
  ['a package with a trailing newline', { addPackages: ['vim\n'] }],
  ['a package that is a file', { addPackages: ['evil.ipk'] }],
  ['a package that is a path', { addPackages: ['../evil'] }],
  ['a package that looks like an option', { addPackages: ['--eval'] }],
  ['an empty package', { addPackages: [''] }],
  ['a profile that is a pattern', { profile: '%' }],
  ['a profile with a comma', { profile: 'acme,x1' }],
  ['a target that climbs', { target: '../64' }],
  ['a version that climbs', { version: '..' }],
  ['a root file system of nothing', { rootfsSizeMb: 0 }],
  ['an unknown file system', { filesystem: 'zfs' }],
  ['a repository name with a blank', { repositories: [{ name: 'a b', url: 'https://x.example/' }] }],
  ['a repository URL with a newline', { repositories: [{ name: 'a', url: 'https://x.example/\nsrc/gz b http://y' }] }],
  ['a repository that is no URL', { repositories: [{ name: 'a', url: 'file:/etc' }] }],
  ['a repository with user info', { repositories: [{ name: 'a', url: 'https://a@x.example/' }] }],
  ['a repository key that is none', { repositoryKeys: ['ssh-rsa AAAA'] }],
  ['a first-boot script without end', { defaults: 'x'.repeat(100_000) }],
  ['a first-boot script of too many bytes', { defaults: 'ü'.repeat(33_000) }],
  ['a package file of the other era', { addPackages: ['evil.apk'] }],
  ['a package file to be removed', { removePackages: ['evil.ipk'] }],
  ['a package that is to be removed twice', { removePackages: ['-ppp'] }],
  ['a package without end', { addPackages: ['p'.repeat(128)] }],
  ['packages without end', { addPackages: Array.from({ length: 2001 }, (_, n) => `p${n}`) }],
  ['packages of too many characters', { addPackages: Array.from({ length: 500 }, (_, n) => `${n}${'p'.repeat(100)}`) }],
  ['a word without end', { version: '2'.repeat(65) }],
  ['a target without end', { target: `x86/${'6'.repeat(128)}` }],
  ['a profile without end', { profile: 'p'.repeat(129) }],
  [
    'repositories without end',
    { repositories: Array.from({ length: 25 }, () => ({ name: 'a', url: 'https://x.example/' })) },
  ],
  ['a repository name without end', { repositories: [{ name: 'a'.repeat(129), url: 'https://x.example/' }] }],
  ['a repository URL without end', { repositories: [{ name: 'a', url: `https://x.example/${'a'.repeat(1024)}` }] }],
  ['a repository URL that climbs', { repositories: [{ name: 'a', url: 'https://x.example/a/../b' }] }],
  ['keys without end', { repositoryKeys: Array.from({ length: 25 }, () => usignKey) }],
  ['a key without end', { repositoryKeys: [`untrusted comment: ${'x'.repeat(2000)}\n${usignKey.split('\n')[1]}`] }],
];

test.each(userMistakes)('%s is refused as a bad request', (_, inputs) => {
  expect(() => checkedOrder(testOrder(inputs))).toThrowError(expect.objectContaining({ kind: 'bad_request' }));
});

test.each<[string, InputsInit]>([
  ['an ImageBuilder without digest', { imageBuilder: { url: 'https://x.example/ib.tar.xz', sha256: '' } }],
  ['an ImageBuilder over file:', { imageBuilder: { url: 'file:///ib.tar.xz', sha256: 'a'.repeat(64) } }],
  ['an ImageBuilder that is no archive', { imageBuilder: { url: 'https://x.example/ib.zip', sha256: 'a'.repeat(64) } }],
  ['a revision with a blank', { revision: 'r1 x' }],
  ['no revision', { revision: '' }],
  ['a version URL with an expansion', { versionUrl: 'https://x.example/$(id)' }],
  ['a version URL that climbs', { versionUrl: 'https://x.example/releases/../..' }],
  ['a version URL without end', { versionUrl: `https://x.example/${'a'.repeat(1024)}` }],
  ['a revision without end', { revision: 'r'.repeat(65) }],
  ['a feed that climbs', { feeds: [{ name: '../luci', sha256: 'a'.repeat(64) }] }],
  ['a feed without digest', { feeds: [{ name: 'luci', sha256: '' }] }],
  ['a feed twice', { feeds: ['a', 'b'].map((digit) => ({ name: 'luci', sha256: digit.repeat(64) })) }],
  ['feeds without end', { feeds: Array.from({ length: 65 }, (_, n) => ({ name: `f${n}`, sha256: 'a'.repeat(64) })) }],
  ['a mode that nobody knows', { repositoriesMode: 7 as RepositoriesMode }],
])('%s is a fault of ours', (_, inputs) => {
  expect(() => checkedOrder(testOrder(inputs))).toThrowError(expect.objectContaining({ kind: 'internal' }));
});

test('a lease or a hash that is no such thing is a fault of ours', () => {
  for (const order of [{ leaseId: '../x' }, { requestHash: 'ab' }, { deadlineMs: 0n }])
    expect(() => checkedOrder(testOrder({}, order))).toThrowError(expect.objectContaining({ kind: 'internal' }));
});

/** Good characters with a bad one now and then: most words nearly pass, which is where a hole would be. */
const word = fc
  .array(
    fc.oneof(
      { weight: 30, arbitrary: fc.constantFrom(...'abcXYZ019._+-') },
      { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }) },
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((characters) => characters.join(''));

const hostile = fc.constantFrom(
  '$(shell id)',
  '`id`',
  '";id;"',
  "';id;'",
  'a b',
  'a\n',
  '%',
  '-f',
  'SHELL=x',
  'a\0',
  'é',
  '--eval=x',
);
const anything = fc.oneof({ weight: 8, arbitrary: word }, { weight: 1, arbitrary: hostile });

const inputsArbitrary = fc.record({
  profile: fc.oneof(anything, fc.constant('acme_x1')),
  addPackages: fc.array(anything, { maxLength: 3 }),
  removePackages: fc.array(anything, { maxLength: 3 }),
  revision: fc.oneof(anything, fc.constant('r1-abc')),
  filesystem: fc.constantFrom('', 'squashfs'),
  rootfsSizeMb: fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 4096 })),
  repositories: fc.array(fc.record({ name: anything, url: anything.map((text) => `https://x.example/${text}`) }), {
    maxLength: 2,
  }),
});

test('no accepted order holds a byte that make or a shell expands, and make is called in one fixed shape', () => {
  let accepted = 0;
  const check = (inputs: InputsInit) => {
    let order: ReturnType<typeof checkedOrder>;
    try {
      order = checkedOrder(testOrder(inputs));
    } catch {
      return;
    }
    accepted++;
    const lists = manifestArguments(order);
    const image = imageArguments({
      ...order,
      binDirectory: '/s/work/l/bin',
      extraImageName: '0123456789ab',
      filesDirectory: '',
    });
    expect(lists.map((argument) => argument.split('=')[0])).toEqual(['manifest', 'PROFILE', 'PACKAGES', 'STRIP_ABI']);
    expect(image.map((argument) => argument.split('=')[0])).toEqual([
      'image',
      'PROFILE',
      'PACKAGES',
      'BIN_DIR',
      'EXTRA_IMAGE_NAME',
      ...(order.rootfsSizeMb === undefined ? [] : ['ROOTFS_PARTSIZE']),
    ]);
    for (const argument of [...lists, ...image].slice(1))
      expect(argument).toMatch(/^(?:image|[A-Z_]+=[A-Za-z0-9_.+/ -]*)$/);
    for (const text of [
      order.versionUrl,
      order.revision,
      ...order.repositories.flatMap(({ name, url }) => [name, url]),
    ])
      expect(text).not.toMatch(/[^!-~]|[$`"'\\;&|<>(){}*?#!^[\]]/);
    const { textAt } = proxyRepositories('opkg', 'src imagebuilder file:packages\n', {
      versionUrl: order.versionUrl,
      target: order.target,
      foreign: order.repositories.filter(({ name }) => name !== 'imagebuilder'),
      mode: order.repositoriesMode,
      pins: order.pins,
    });
    for (const line of textAt('http://127.0.0.1:8000').trimEnd().split('\n')) expect(line.split(' ')).toHaveLength(3);
  };
  fc.assert(fc.property(inputsArbitrary, check), { numRuns: 3000 });
  // Else the property would hold because nothing is ever accepted.
  expect(accepted).toBeGreaterThan(100);
});

test('a word that slipped through a grammar stops at the last gate', () => {
  const selection = { profile: 'x', addPackages: ['$(shell id)'], removePackages: [] };
  expect(() => manifestArguments(selection)).toThrow('expected PACKAGES to be names of packages');
});
