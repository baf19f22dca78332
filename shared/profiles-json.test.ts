import { expect, test } from 'vitest';
import { parseProfilesJson } from './profiles-json.ts';

const document = {
  metadata_version: 1,
  target: 'x86/64',
  version_code: 'r24106-10cc5fcd00',
  linux_kernel: { version: '6.6.86' },
  profiles: {
    generic: {
      images: [{ name: 'a.img.gz', type: 'combined', filesystem: 'ext4', sha256: 'a'.repeat(64), size: 3 }],
      titles: [{ title: 'Generic x86/64' }],
    },
  },
};

test('a document is read and unknown fields stay', () => {
  const parsed = parseProfilesJson(JSON.stringify(document));
  expect(parsed).toMatchObject(document);
  expect(parsed.profiles.generic?.device_packages).toEqual([]);
});

test('what is wrong is named', () => {
  const broken = structuredClone(document);
  broken.profiles.generic.images[0]!.sha256 = 'zz';
  expect(() => parseProfilesJson(JSON.stringify(broken))).toThrow('profiles.generic.images.0.sha256');
  expect(() => parseProfilesJson('<html>')).toThrow('expected profiles.json to be JSON');
});
