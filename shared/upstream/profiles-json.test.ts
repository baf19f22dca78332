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

test('what older ImageBuilders do not say has its default, and a file without a root file system is one', () => {
  const image = { name: 'kernel.bin', type: 'kernel', sha256: '0123456789abcdef'.repeat(4) };
  const old = { metadata_version: 1, target: 'x86/64', version_code: '', profiles: { a: { images: [image] } } };
  expect(parseProfilesJson(JSON.stringify(old))).toEqual({
    ...old,
    version_number: '',
    arch_packages: '',
    default_packages: [],
    profiles: {
      a: { images: [image], image_prefix: '', device_packages: [], supported_devices: [], titles: [] },
    },
  });
});

test.each([
  'a'.repeat(63),
  'a'.repeat(65),
  `x${'a'.repeat(64)}`,
  `${'a'.repeat(64)}\n`,
  'A'.repeat(64),
  'g'.repeat(64),
  '',
  7,
])('%j is no digest, of a file nor of what was signed', (digest) => {
  for (const field of ['sha256', 'sha256_unsigned']) {
    const [image] = document.profiles.generic.images;
    const broken = { ...document, profiles: { generic: { images: [{ ...image, [field]: digest }] } } };
    expect(() => parseProfilesJson(JSON.stringify(broken))).toThrow(`profiles.generic.images.0.${field}`);
  }
});

test.each([
  ['metadata_version', 2],
  ['target', 7],
  ['version_code', null],
  ['default_packages', [7]],
  ['profiles', []],
])('%s may not be %j', (field, value) => {
  expect(() => parseProfilesJson(JSON.stringify({ ...document, [field]: value }))).toThrow(`profiles.json: ${field}`);
});
