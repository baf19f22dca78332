import { expect, test } from 'vitest';
import { parseMakeInfo } from './make-info.ts';

const ath79 = `Current Target: "ath79/generic"
Current Architecture: "mips"
Current Revision: "r24106-10cc5fcd00"
Default Packages: base-files  ca-bundle dropbear
Available Profiles:

8dev_carambola2:
    8devices Carambola2
    Packages: kmod-usb-chipidea2 -swconfig
    hasImageMetadata: 1
    SupportedDevices: 8dev,carambola2 carambola2
untitled:
    Packages: 
    hasImageMetadata: 0
dlink_dir-825-c1:
    D-Link DIR-825 C1
    D-Link DIR-825 C1 (TRENDnet TEW-673GRU)
    Packages: kmod-usb-ohci
    hasImageMetadata: 1
`;

test('target, revision and default packages are read', () => {
  const info = parseMakeInfo(ath79);
  expect(info).toMatchObject({ target: 'ath79/generic', architecture: 'mips', revision: 'r24106-10cc5fcd00' });
  expect(info.defaultPackages).toEqual(['base-files', 'ca-bundle', 'dropbear']);
});

test('a profile without title or packages, and one with an alternate name, are profiles like any other', () => {
  const { profiles } = parseMakeInfo(ath79);
  expect([...profiles.keys()]).toEqual(['8dev_carambola2', 'untitled', 'dlink_dir-825-c1']);
  expect(profiles.get('8dev_carambola2')).toEqual({
    title: '8devices Carambola2',
    packages: ['kmod-usb-chipidea2', '-swconfig'],
    supportedDevices: ['8dev,carambola2', 'carambola2'],
  });
  expect(profiles.get('untitled')).toEqual({ title: '', packages: [], supportedDevices: [] });
  expect(profiles.get('dlink_dir-825-c1')?.title).toBe('D-Link DIR-825 C1');
});

test('a pattern or a part of a name is no profile', () => {
  const { profiles } = parseMakeInfo(ath79);
  for (const name of ['%', 'carambola2', '8dev_carambola', 'Available Profiles'])
    expect(profiles.has(name)).toBe(false);
});

test('the output of something that is no ImageBuilder is refused', () => {
  expect(() => parseMakeInfo('make: *** No rule to make target info.')).toThrow(/Available Profiles/);
  expect(() => parseMakeInfo(ath79.replace('Revision', 'revision'))).toThrow(/Current Revision/);
});

test('blanks, lines before the profiles and what is no list of packages change nothing', () => {
  const text = `Profile:\n    Packages: x\n${ath79.replace('Default Packages: base', 'Default Packages:   base')}`;
  const [head = '', profiles = ''] = ath79.split('Available Profiles:\n\n');
  for (const same of [
    text,
    `${head}Available Profiles:\n${profiles}`,
    `${head}Available Profiles:\n    Packages: of nobody\n${profiles}`,
    `Available Profiles:\n${profiles}${head}`,
    ath79.replace('untitled:\n', 'untitled:\n stray\n'),
  ])
    expect(parseMakeInfo(same)).toEqual(parseMakeInfo(ath79));
  expect(parseMakeInfo(ath79.replace(/^Default.*\n/m, '')).defaultPackages).toEqual([]);
});

test('a line in quotes has to end with them, and the first one counts', () => {
  expect(() => parseMakeInfo(ath79.replace('"mips"', '"mips'))).toThrow('expected a line Current Architecture: "…"');
  const earlier = parseMakeInfo(`Current Target: "x86/64"\nDefault Packages: vim\n${ath79}`);
  expect(earlier).toMatchObject({ target: 'x86/64', defaultPackages: ['vim'] });
});

test('a line that begins with a blank, or does not end with a colon, is no profile', () => {
  const info = parseMakeInfo(`${ath79} blank:\nno colon\nno: end\n    Packages: late\nx:\n`);
  expect([...info.profiles.keys()]).toEqual(['8dev_carambola2', 'untitled', 'dlink_dir-825-c1', 'x']);
  expect(info.profiles.get('dlink_dir-825-c1')?.packages).toEqual(['late']);
});
