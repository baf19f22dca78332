import { create } from '@bufbuild/protobuf';
import { describe, expect, it, test } from 'vitest';
import { type BuildSucceeded, BuildSucceededSchema } from '../gen/asu/farm/v1/build_pb.js';
import { acceptResult } from './accept-result.ts';
import { buildRecord } from './build-record.fixture.ts';
import { donePieces } from './build-result.ts';

const { request, pins } = buildRecord();
const image = { name: 'x-squashfs-sysupgrade.bin', sizeBytes: 5, sha256: 'e'.repeat(64) };
const list = { name: 'x.manifest', sizeBytes: 3, sha256: 'f'.repeat(64) };
const uploaded = [image, list];

const profile = {
  image_prefix: 'x',
  device_packages: ['kmod-usb2'],
  supported_devices: ['glinet,gl-ar150'],
  titles: [{ vendor: 'GL.iNet', model: 'GL-AR150' }],
};
const described = {
  target: 'ath79/generic',
  version_code: 'r28427-6df0e3d02a',
  version_number: '24.10.2',
  source_date_epoch: 1_750_000_000,
  arch_packages: 'mips_24kc',
  default_packages: ['base-files'],
  linux_kernel: { version: '6.6.93', release: '1', vermagic: 'abc' },
  profiles: { 'glinet_gl-ar150': profile, other: profile },
};

const inProto = (file: typeof image) => ({ ...file, sizeBytes: BigInt(file.sizeBytes) });

const claim = (fields: Partial<BuildSucceeded> = {}): BuildSucceeded => ({
  ...create(BuildSucceededSchema, {
    files: uploaded.map(inProto),
    images: [{ ...inProto(image), type: 'sysupgrade', filesystem: 'squashfs' }],
    manifest: [
      { name: 'base-files', version: '1638' },
      { name: 'vim', version: '9.1' },
    ],
    profilesJson: JSON.stringify(described),
    buildCommand: ['make', 'image'],
    circumstances: { sandbox: 'a fence ~\u001b[2J\x7f', imageBuilderSignedBy: 'unsigned' },
    durationMs: 42_000n,
  }),
  ...fields,
});

const profilesJson = (fields: object) => ({ profilesJson: JSON.stringify({ ...described, ...fields }) });
const made = (fields: Parameters<typeof create<typeof BuildSucceededSchema>>[1]) =>
  create(BuildSucceededSchema, fields) as BuildSucceeded;

test('an honest result is accepted, with the sizes and digests that the store verified', () => {
  expect(acceptResult(claim(), { request, pins }, uploaded)).toEqual({
    ok: true,
    result: {
      files: uploaded,
      images: [{ ...image, type: 'sysupgrade', filesystem: 'squashfs' }],
      manifest: { 'base-files': '1638', vim: '9.1' },
      device: {
        versionNumber: '24.10.2',
        versionCode: 'r28427-6df0e3d02a',
        sourceDateEpoch: 1_750_000_000,
        archPackages: 'mips_24kc',
        defaultPackages: ['base-files'],
        devicePackages: ['kmod-usb2'],
        supportedDevices: ['glinet,gl-ar150'],
        titles: [{ vendor: 'GL.iNet', model: 'GL-AR150' }],
        imagePrefix: 'x',
        linuxKernel: { version: '6.6.93', release: '1', vermagic: 'abc' },
      },
      buildCommand: ['make', 'image'],
      circumstances: { sandbox: 'a fence ~?[2J?', imageBuilderSignedBy: 'unsigned' },
      durationMs: 42_000,
    },
  });
});

test('a node that does not tell how it built is accepted', () => {
  const { circumstances: _, ...older } = claim();
  const check = acceptResult(older, { request, pins }, uploaded);
  expect(check.ok && check.result.circumstances).toEqual({ sandbox: '', imageBuilderSignedBy: '' });
});

test('files that were uploaded and are not claimed are left out', () => {
  const more = [...uploaded, { name: 'left.bin', sizeBytes: 1, sha256: '0'.repeat(64) }];
  const check = acceptResult(claim(), { request, pins }, more);
  expect(check.ok && check.result.files).toEqual(uploaded);
});

test.each([undefined, null])('an ImageBuilder that tells little, and of its kernel %s, is accepted', (linux_kernel) => {
  const little = {
    target: described.target,
    version_code: described.version_code,
    version_number: '24.10.2',
    arch_packages: 'mips_24kc',
    profiles: { 'glinet_gl-ar150': {} },
    linux_kernel,
  };
  const check = acceptResult(claim({ profilesJson: JSON.stringify(little) }), { request, pins }, uploaded);
  expect(check.ok && check.result.device).toMatchObject({
    titles: [],
    sourceDateEpoch: 0,
    linuxKernel: null,
    imagePrefix: '',
    defaultPackages: [],
    devicePackages: [],
    supportedDevices: [],
  });
});

test('of profiles that were not ordered nothing is read, whatever they are and however many', () => {
  const others = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`other-${at}`, at]));
  const check = acceptResult(
    claim(profilesJson({ profiles: { ...others, ...described.profiles } })),
    { request, pins },
    uploaded,
  );
  expect(check).toMatchObject({ ok: true, result: { device: { devicePackages: ['kmod-usb2'] } } });
});

test('each image is accepted that is among the files', () => {
  const factory = { ...image, name: 'x-squashfs-factory.bin' };
  const { files, images } = made({
    files: [image, factory].map(inProto),
    images: [image, factory].map((each) => ({ ...inProto(each), type: 't'.repeat(65), filesystem: 'f'.repeat(65) })),
  });
  const check = acceptResult(claim({ files, images }), { request, pins }, [image, factory]);
  const told = { type: 't'.repeat(64), filesystem: 'f'.repeat(64) };
  expect(check.ok && check.result.images).toEqual([
    { ...image, ...told },
    { ...factory, ...told },
  ]);
});

test.each(['../x', '.x', 'a/b', '__proto__', ''])('a file %j is refused, be it uploaded', (name) => {
  const file = { ...list, name };
  const { files } = made({ files: [...uploaded, file].map(inProto) });
  expect(acceptResult(claim({ files }), { request, pins }, [...uploaded, file])).toEqual({
    ok: false,
    isLie: false,
    reason: `file name ${JSON.stringify(name)} is outside the grammar`,
  });
});

test.each([
  [0, '1970-01-01T00:00:00'],
  [253_402_300_799, '9999-12-31T23:59:59'],
])('a date that is accepted can be told to a client: %i is %s', (source_date_epoch, told) => {
  const check = acceptResult(claim(profilesJson({ source_date_epoch })), { request, pins }, uploaded);
  if (!check.ok) throw new Error(check.reason);
  expect(donePieces(buildRecord({ device: check.result.device })).ofDevice).toContain(told);
});

test.each(['constructor', '__proto__'])('a profile %s that was ordered and is not there is none', (name) => {
  const check = acceptResult(claim(), { request: { ...request, profile: name }, pins }, uploaded);
  expect(check).toMatchObject({ ok: false, reason: `profiles.json has no profile ${name}` });
});

describe('a lie is refused:', () => {
  const entry = (name: string, version = '1') => made({ manifest: [{ name, version }] }).manifest;
  it.each<[string, Partial<BuildSucceeded>, string]>([
    ['a file that was not uploaded', made({ files: [{ ...inProto(list), name: 'y.bin' }] }), 'y.bin was not uploaded'],
    [
      'a file of another digest',
      { files: made({ files: [{ ...inProto(image), sha256: '0'.repeat(64) }] }).files },
      'another size or digest',
    ],
    [
      'a file of another size',
      { files: made({ files: [{ ...inProto(image), sizeBytes: 6n }] }).files },
      'another size',
    ],
    [
      'a size beyond all numbers',
      { files: made({ files: [{ ...inProto(image), sizeBytes: 2n ** 64n - 1n }] }).files },
      'another size',
    ],
    ['a file twice', { files: made({ files: [inProto(image), inProto(image)] }).files }, 'named twice'],
    ['a file called like a parent', { files: made({ files: [{ ...inProto(image), name: '../x' }] }).files }, '../x'],
    [
      'a file called __proto__',
      { files: made({ files: [{ ...inProto(image), name: '__proto__' }] }).files },
      '__proto__',
    ],
    ['no image', { images: [] }, 'no image'],
    [
      'an image that is not among the files',
      { images: made({ images: [{ ...inProto(image), name: 'z.bin' }] }).images },
      'not among the files',
    ],
    [
      'an image of another digest than its file',
      { images: made({ images: [{ ...inProto(image), sha256: list.sha256 }] }).images },
      'not among the files',
    ],
    ['an image of files that are not claimed', { files: [] }, 'not among the files'],
    ['an image twice', { images: made({ images: [inProto(image), inProto(image)] }).images }, 'named twice'],
    ['an empty manifest', { manifest: [] }, 'the manifest is empty'],
    [
      'a manifest without end',
      {
        manifest: made({ manifest: Array.from({ length: 10_001 }, (_, n) => ({ name: `p${n}`, version: '1' })) })
          .manifest,
      },
      'too long',
    ],
    ['a package called __proto__', { manifest: entry('__proto__') }, 'outside the grammar'],
    ['a package without a name', { manifest: entry('') }, 'outside the grammar'],
    ['a package that is a file', { manifest: entry('x.ipk') }, 'outside the grammar'],
    ['a version with markup', { manifest: entry('vim', '<b>') }, 'outside the grammar'],
    ['a version with a newline', { manifest: entry('vim', '1\n') }, 'outside the grammar'],
    ['a package in two versions', { manifest: [...entry('vim', '1'), ...entry('vim', '2')] }, 'vim twice'],
    ['no profiles.json', { profilesJson: '' }, 'not JSON'],
    ['a profiles.json that is not JSON', { profilesJson: '<html>' }, 'not JSON'],
    ['a profiles.json that is a list', { profilesJson: '[]' }, 'profiles.json'],
    ['another target', profilesJson({ target: 'x86/64' }), 'of target x86/64'],
    ['another revision', profilesJson({ version_code: 'r1-a' }), 'of revision r1-a'],
    ['no revision', profilesJson({ version_code: undefined }), 'version_code: Invalid input'],
    ['another profile', profilesJson({ profiles: { other: profile } }), 'no profile glinet_gl-ar150'],
    ['a date that is none', profilesJson({ source_date_epoch: 1e15 }), 'source_date_epoch'],
    ['a date before dates', profilesJson({ source_date_epoch: -1 }), 'source_date_epoch'],
    [
      'a title that is an object',
      profilesJson({ profiles: { 'glinet_gl-ar150': { titles: [{ model: {} }] } } }),
      'titles',
    ],
    ['endless packages', profilesJson({ default_packages: Array(2001).fill('x') }), 'default_packages'],
  ])('%s', (_, fields, reason) => {
    const lie = claim('$typeName' in fields ? { files: fields.files ?? [] } : fields);
    const check = acceptResult(lie, { request, pins }, uploaded);
    expect(check.ok ? 'accepted' : check.reason).toContain(reason);
  });
});

test('of a file that was not uploaded its name is told, since the store may know better', () => {
  const { files } = made({ files: [{ ...inProto(list), name: 'y.bin' }] });
  expect(acceptResult(claim({ files }), { request, pins }, uploaded)).toMatchObject({ isLie: true, missing: 'y.bin' });
});

describe('what no mistake explains is told apart from what may be one:', () => {
  it.each<[string, Partial<BuildSucceeded>, boolean]>([
    ['a file that was not uploaded', made({ files: [{ ...inProto(list), name: 'y.bin' }] }), true],
    ['a file of another digest', made({ files: [{ ...inProto(image), sha256: '0'.repeat(64) }] }), true],
    ['a file of another size', made({ files: [{ ...inProto(image), sizeBytes: 6n }] }), true],
    ['no image', { images: [] }, false],
    ['another revision', profilesJson({ version_code: 'r1-a' }), false],
    ['an empty manifest', { manifest: [] }, false],
  ])('%s', (_, fields, isLie) => {
    const said = claim('$typeName' in fields ? { files: fields.files ?? [] } : fields);
    expect(acceptResult(said, { request, pins }, uploaded)).toMatchObject({ ok: false, isLie });
  });
});

describe('what clients and stores could not hold', () => {
  const answer = (fields: Partial<BuildSucceeded>, files = uploaded) =>
    acceptResult(claim(fields), { request, pins }, files);
  const lines = (count: number) =>
    made({ manifest: Array.from({ length: count }, (_, n) => ({ name: `package-${n}`, version: '1' })) }).manifest;
  const named = (length: number) => {
    const file = { ...image, name: 'x'.repeat(length) };
    const images = [{ ...inProto(file), type: 'sysupgrade', filesystem: 'squashfs' }];
    const { files, images: claimed } = made({ files: [inProto(file)], images });
    return answer({ files, images: claimed }, [file]);
  };

  it.each([
    [3_000, true],
    [3_001, false],
  ])('a manifest of %i lines is accepted: %s', (count, ok) => {
    expect(answer({ manifest: lines(count) }).ok).toBe(ok);
  });

  it.each([
    [140, true],
    [141, false],
  ])('an image name of %i characters is accepted: %s', (length, ok) => {
    expect(named(length).ok).toBe(ok);
  });

  const ofDevice = (fields: object) => ({ profiles: { 'glinet_gl-ar150': fields } });

  it.each<[what: string, limit: number, fields: (amount: number) => object]>([
    ['characters of a package', 512, (amount) => ({ default_packages: ['p'.repeat(amount)] })],
    ['packages', 2000, (amount) => ({ default_packages: Array(amount).fill('p') })],
    ['characters of a title', 256, (amount) => ofDevice({ titles: [{ model: 'm'.repeat(amount) }] })],
    ['titles', 32, (amount) => ofDevice({ titles: Array(amount).fill({}) })],
    ['characters of an image prefix', 256, (amount) => ofDevice({ image_prefix: 'p'.repeat(amount) })],
    ['characters of a version', 64, (amount) => ({ version_number: 'v'.repeat(amount) })],
    ['characters of an architecture', 128, (amount) => ({ arch_packages: 'a'.repeat(amount) })],
    ['characters of a kernel', 128, (amount) => ({ linux_kernel: { version: 'v'.repeat(amount) } })],
    ['seconds since 1970', 253_402_300_799, (amount) => ({ source_date_epoch: amount })],
  ])('are more %s than %i', (_, limit, fields) => {
    const isAccepted = (amount: number) => answer(profilesJson(fields(amount))).ok;
    expect([isAccepted(limit), isAccepted(limit + 1)]).toEqual([true, false]);
  });

  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`member${n}`, 'x']));
  const titled = (titles: unknown) => answer(profilesJson({ profiles: { 'glinet_gl-ar150': { ...profile, titles } } }));
  it.each<[string, () => ReturnType<typeof answer>, string]>([
    ['a title of 16 members', () => titled([members(16)]), ''],
    ['a title of 17 members', () => titled([members(17)]), 'titles.0: expected at most 16 members'],
    ['a member of 64 characters', () => titled([{ ['x'.repeat(64)]: 'x' }]), ''],
    [
      'a member of 65 characters',
      () => titled([{ ['x'.repeat(65)]: 'x' }]),
      'expected a name of at most 64 characters',
    ],
    ['a kernel of 16 members', () => answer(profilesJson({ linux_kernel: members(16) })), ''],
    [
      'a kernel of 17 members',
      () => answer(profilesJson({ linux_kernel: members(17) })),
      'linux_kernel: expected at most 16 members',
    ],
    [
      'a kernel with a member of 65 characters',
      () => answer(profilesJson({ linux_kernel: { ['x'.repeat(65)]: 'x' } })),
      'expected a name of at most 64 characters',
    ],
    [
      'a kernel with a value of 129 characters',
      () => answer(profilesJson({ linux_kernel: { version: 'x'.repeat(129) } })),
      'linux_kernel.version',
    ],
  ])('%s: refused with %s', (_, ask, reason) => {
    const check = ask();
    if (reason === '') expect(check.ok).toBe(true);
    else expect(check.ok ? 'accepted' : check.reason).toContain(reason);
  });

  it('members that are names of the language change no object', () => {
    const text = JSON.stringify({ ...described, linux_kernel: { version: '6' } });
    const result = answer({ profilesJson: text.replace('{"version":"6"}', '{"version":"6","__proto__":"x"}') });
    expect(result.ok && Object.keys(result.result.device.linuxKernel ?? {})).toEqual(['version']);
  });

  const ENDLESS = `\u001b[2J\n${'x'.repeat(1_000_000)}`;
  it.each<[string, Partial<BuildSucceeded>]>([
    ['a file', { files: made({ files: [{ ...inProto(list), name: ENDLESS }] }).files }],
    ['an image', { images: made({ images: [{ ...inProto(image), name: ENDLESS }] }).images }],
    ['a target', profilesJson({ target: ENDLESS })],
    ['a revision', profilesJson({ version_code: ENDLESS })],
    ['a profile', profilesJson({ profiles: { [ENDLESS]: { titles: 1 } } })],
    ['a member of a title', profilesJson({ profiles: { other: { titles: [{ [ENDLESS]: 1 }] } } })],
  ])('what it is refused for is told in a line, whatever %s is called', (_, fields) => {
    const check = answer(fields);
    const reason = check.ok ? 'accepted' : check.reason;
    expect(reason).toMatch(/^[\x20-\x7e…]{10,600}$/);
    expect(reason).not.toBe('accepted');
  });

  it('what a node calls an image is printable', () => {
    const { images } = made({ images: [{ ...inProto(image), type: '\u001b[2J', filesystem: 'a\nb' }] });
    const result = answer({ images });
    expect(result.ok && result.result.images[0]).toMatchObject({ type: '?[2J', filesystem: 'a?b' });
  });

  it('how it was built is told in 256 characters', () => {
    const result = answer({ circumstances: made({ circumstances: { sandbox: 'x'.repeat(300) } }).circumstances });
    expect(result.ok && result.result.circumstances.sandbox).toHaveLength(256);
  });

  it('a command is cut to 64 words', () => {
    const result = answer({ buildCommand: Array.from({ length: 65 }, () => 'word') });
    expect(result.ok && result.result.buildCommand).toHaveLength(64);
  });

  it('a command is cut to 64 KiB in all', () => {
    const result = answer({ buildCommand: ['make', 'a'.repeat(60_000), 'b'.repeat(60_000), 'c'] });
    expect(result.ok && result.result.buildCommand.map((word) => word.length)).toEqual([4, 60_000, 5_532]);
  });
});
