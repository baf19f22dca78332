import { expect, test } from 'vitest';
import { MAKE_CANARY } from '../../shared/request/make-canary.fixture.ts';
import { commandForReading, type ImageWishes, imageArguments, infoArguments, manifestArguments } from './arguments.ts';

const wishes: ImageWishes = {
  profile: 'acme_x1',
  addPackages: ['vim', 'cJSON', 'libstdc++6'],
  removePackages: ['ppp', 'dnsmasq'],
  binDirectory: '/builder/bin',
  extraImageName: '0123456789ab',
  filesDirectory: '/builder/files',
  rootfsSizeMb: 256,
};

test('one wish is one command, in whatever order its packages come', () => {
  const words = [
    'image',
    'PROFILE=acme_x1',
    'PACKAGES=cJSON libstdc++6 vim -dnsmasq -ppp',
    'BIN_DIR=/builder/bin',
    'EXTRA_IMAGE_NAME=0123456789ab',
    'FILES=/builder/files',
    'ROOTFS_PARTSIZE=256',
  ];
  expect(imageArguments(wishes)).toEqual(words);
  expect(imageArguments({ ...wishes, addPackages: wishes.addPackages.toReversed() })).toEqual(words);
  expect(manifestArguments(wishes)).toEqual(['manifest', ...words.slice(1, 3), 'STRIP_ABI=1']);
  expect(infoArguments()).toEqual(['info']);
});

test('what is not wanted is not there', () => {
  const plain = { ...wishes, addPackages: [], removePackages: [], filesDirectory: '', rootfsSizeMb: undefined };
  expect(imageArguments(plain)).toEqual([
    'image',
    'PROFILE=acme_x1',
    'PACKAGES=',
    'BIN_DIR=/builder/bin',
    'EXTRA_IMAGE_NAME=0123456789ab',
  ]);
});

test('for people there is no path of the node in it', () => {
  expect(commandForReading(wishes).join(' ')).not.toContain('/builder');
  expect(commandForReading(wishes).slice(0, 2)).toEqual(['make', 'image']);
});

const spoilt: [field: string, spoil: (value: string) => Partial<ImageWishes>][] = [
  ['PROFILE', (profile) => ({ profile })],
  ['PACKAGES', (name) => ({ addPackages: ['vim', name] })],
  ['PACKAGES', (name) => ({ removePackages: [name] })],
  ['BIN_DIR', (binDirectory) => ({ binDirectory })],
  ['EXTRA_IMAGE_NAME', (extraImageName) => ({ extraImageName })],
  ['FILES', (filesDirectory) => ({ filesDirectory })],
];

const canary = MAKE_CANARY.map((row) => [JSON.stringify(row.value), row] as const);
test.each(canary)('%s stops at the last gate, whatever variable it is in', (_, { value, isPath }) => {
  for (const [field, spoil] of spoilt) {
    // Ours alone to choose, and a path may be one.
    if (isPath && (field === 'BIN_DIR' || field === 'FILES')) continue;
    expect(() => imageArguments({ ...wishes, ...spoil(value) })).toThrow(`expected ${field} to be`);
  }
});

test.each<[string, Partial<ImageWishes>]>([
  ['an empty profile, which make takes for the first one', { profile: '' }],
  ['a profile that begins with a dash', { profile: '-x' }],
  ['a profile of two words', { profile: 'generic generic' }],
  ['two packages in one name', { addPackages: ['vim nano'] }],
  ['a blank at the end', { addPackages: ['vim '] }],
  ['a package file', { addPackages: ['evil.ipk'] }],
  ['a directory that begins with a dash', { binDirectory: '-x' }],
  ['no directory', { binDirectory: '' }],
  ['a directory with a blank', { filesDirectory: '/a b' }],
  ['a size of nothing', { rootfsSizeMb: 0 }],
  ['half a MiB', { rootfsSizeMb: 0.5 }],
  ['a size that is no number', { rootfsSizeMb: Number.NaN }],
  ['a name with a slash', { extraImageName: 'a/b' }],
  [
    'a word that no process can be given',
    { addPackages: Array.from({ length: 1500 }, (_, n) => `${n}${'p'.repeat(100)}`) },
  ],
])('%s stops there as well', (_, wish) => {
  expect(() => imageArguments({ ...wishes, ...wish })).toThrow(/^expected [A-Z_]+ to be /);
});
