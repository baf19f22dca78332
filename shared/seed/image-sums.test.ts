import { expect, test } from 'vitest';
import { parseSha256Sums } from '../upstream/sha256sums.ts';
import { imageSums } from './image-sums.ts';

const file = (name: string, digit: string) => ({ name, sizeBytes: 1, sha256: digit.repeat(64) });
const FILES = [
  file('x-sysupgrade.bin', 'b'),
  file('profiles.json', 'c'),
  file('X-factory.bin', 'a'),
  file('x.manifest', 'd'),
  file('x.bom.cdx.json', 'e'),
  file('x.manifest.txt', 'e'),
  file('xmanifest', 'e'),
  file('profiles.json.sig', 'e'),
  file('sha256sums', 'f'),
  file('sha256sums.sig', 'f'),
  file('build.log', 'f'),
];
const IMAGES = [{ name: 'x-sysupgrade.bin' }, { name: 'X-factory.bin' }];

test('there is one line for each image, the manifest and profiles.json, sorted by name, and none for anything else', () => {
  expect(imageSums(FILES, IMAGES)).toBe(
    [
      `${'a'.repeat(64)} *X-factory.bin\n`,
      `${'c'.repeat(64)} *profiles.json\n`,
      `${'b'.repeat(64)} *x-sysupgrade.bin\n`,
      `${'d'.repeat(64)} *x.manifest\n`,
    ].join(''),
  );
});

test('an image under the name of a file that the server makes has no line: it is not what is served', () => {
  expect(imageSums(FILES, [...IMAGES, { name: 'sha256sums' }, { name: 'build.log' }])).toBe(imageSums(FILES, IMAGES));
});

test('it is read by whoever reads lists of upstream', () => {
  expect([...parseSha256Sums(imageSums(FILES, IMAGES)).keys()]).toHaveLength(4);
});

test('the order in which a node tells its files changes nothing, for a signature goes with it', () => {
  expect(imageSums(FILES.toReversed(), IMAGES.toReversed())).toBe(imageSums(FILES, IMAGES));
});
