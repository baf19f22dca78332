import { expect, test } from 'vitest';
import { addressOf, type Choice, choiceOf, isWord, packageWords } from './choice.ts';

const NOTHING: Choice = { version: null, device: null, packages: [], fileSystem: null, rootfsMb: '' };
const read = (address: string): Choice => choiceOf(new URL(address, 'https://asu.example').searchParams);

test.each<[address: string, choice: Partial<Choice>]>([
  ['/', {}],
  ['/?version=24.10.2', { version: '24.10.2' }],
  [
    '/?version=24.10.2&target=ath79/generic&profile=tplink_archer-c7-v2&packages=luci,-ppp,lib%2B%2B&filesystem=squashfs&rootfs_size_mb=256',
    {
      version: '24.10.2',
      device: { target: 'ath79/generic', profile: 'tplink_archer-c7-v2' },
      packages: ['luci', '-ppp', 'lib++'],
      fileSystem: 'squashfs',
      rootfsMb: '256',
    },
  ],
])('%s is a choice, and the choice is that address', (address, choice) => {
  expect(read(address)).toEqual({ ...NOTHING, ...choice });
  expect(addressOf({ ...NOTHING, ...choice })).toBe(address);
});

test.each([
  ['a target without its subtarget', '/?target=ath79&profile=x'],
  ['a target that leads elsewhere', '/?target=../..&profile=x'],
  ['a profile that leads elsewhere', '/?target=a/b&profile=../index'],
  ['a device by halves', '/?target=a/b'],
  ['a file system that nobody has', '/?filesystem=ntfs'],
  ['what no choice has', '/?defaults=secret&x=1'],
])('%s is no choice', (_, address) => {
  expect(read(address)).toEqual(NOTHING);
});

test('what people paste becomes names, each once; what is none stays, to be told', () => {
  expect(packageWords(' nano,htop\n +nano\tvim;-ppp <b> ')).toEqual(['nano', 'htop', 'vim', '-ppp', '<b>']);
  expect(packageWords('<b> nano nano.ipk -ppp --x').map(isWord)).toEqual([false, true, false, true, false]);
});

test('an address is no place for megabytes', () => {
  const { packages, version } = read(`/?version=${'v'.repeat(9_999)}&packages=${'p'.repeat(9_999)}`);
  expect([version?.length, packages.map(({ length }) => length)]).toEqual([128, [128]]);
  expect(packageWords(Array.from({ length: 5_000 }, (_, n) => `p${n}`).join(' '))).toHaveLength(1_001);
});
