import { describe, expect, it } from 'vitest';
import { parseProfileSources, parseProfilesJson } from './upstream-profiles.ts';

/** Cut from 25.12.5's x86/64. */
const sample = {
  arch_packages: 'x86_64',
  default_packages: ['apk-mbedtls', 'base-files', 'dnsmasq', 'kmod-button-hotplug'],
  linux_kernel: { release: '1', vermagic: 'bd9d9154a1742ed614ebf04a97aa40af', version: '6.12.94' },
  metadata_version: 1,
  profiles: {
    generic: {
      device_packages: ['kmod-e1000e', '-dnsmasq'],
      image_prefix: 'openwrt-25.12.5-x86-64-generic',
      images: [],
      supported_devices: ['pc,x86'],
      titles: [{ model: 'x86/64', vendor: 'Generic' }],
    },
  },
  target: 'x86/64',
  version_code: 'r33051-f5dae5ece4',
  version_number: '25.12.5',
};

const parse = (change: object) => parseProfilesJson(JSON.stringify({ ...sample, ...change }));

describe('profiles.json', () => {
  it('gives what a build needs of a target', () => {
    expect(parse({})).toEqual({
      target: 'x86/64',
      versionNumber: '25.12.5',
      versionCode: 'r33051-f5dae5ece4',
      archPackages: 'x86_64',
      defaultPackages: sample.default_packages,
      profiles: {
        generic: {
          devicePackages: ['kmod-e1000e', '-dnsmasq'],
          supportedDevices: ['pc,x86'],
          titles: [{ model: 'x86/64', vendor: 'Generic' }],
          imagePrefix: 'openwrt-25.12.5-x86-64-generic',
        },
      },
      kmodsDirectory: '6.12.94-1-bd9d9154a1742ed614ebf04a97aa40af',
      dropped: 0,
    });
  });

  it('has no kmods directory where there is no kernel, or one that would climb', () => {
    expect(parse({ linux_kernel: undefined }).kmodsDirectory).toBeNull();
    expect(parse({ linux_kernel: { ...sample.linux_kernel, version: '../..' } }).kmodsDirectory).toBeNull();
    expect(parse({ linux_kernel: { ...sample.linux_kernel, vermagic: 'a/b' } }).kmodsDirectory).toBeNull();
  });

  it('drops and counts profiles and packages that would reach make as more than a name', () => {
    const generic = sample.profiles.generic;
    const text = JSON.stringify({ ...sample, default_packages: ['$(shell x)', 'ok', '--x', 'a.ipk', '$x', 7] }).replace(
      '"profiles":{',
      `"profiles":{"%":{},"a b":{},"__proto__":${JSON.stringify(generic)},"constructor":{},"list":[],`,
    );
    const parsed = parseProfilesJson(text);
    expect(Object.keys(parsed.profiles)).toEqual(['constructor', 'generic']);
    expect(Object.getPrototypeOf(parsed.profiles)).toBe(Object.prototype);
    expect(parsed.profiles.constructor).toEqual({
      devicePackages: [],
      supportedDevices: [],
      titles: [],
      imagePrefix: '',
    });
    expect(parsed.defaultPackages).toEqual(['ok']);
    expect(parsed.dropped).toBe(9);
  });

  it.each([
    ['target', '../x'],
    ['version_number', '25.12.5/..'],
    ['version_code', 'r1 2'],
    ['arch_packages', '..'],
    ['target', undefined],
    ['profiles', {}],
    ['profiles', []],
    ['profiles', [{}]],
  ])('with %s %j is refused', (field, value) => {
    expect(() => parse({ [field]: value })).toThrow(/^expected /);
  });

  it('that is a page or cut short is refused', () => {
    expect(() => parseProfilesJson('<html></html>')).toThrow(/expected JSON/);
    expect(() => parseProfilesJson(JSON.stringify(sample).slice(0, -20))).toThrow(/expected JSON/);
    expect(() => parseProfilesJson('[]')).toThrow(/expected a JSON object/);
  });
});

describe('profiles.json has limits', () => {
  const only = (profile: object, id = 'generic') => parse({ profiles: { [id]: profile } }).profiles[id];
  const numbered = (count: number, prefix = 'p') => Array.from({ length: count }, (_, at) => `${prefix}${at}`);

  it('of five thousand profiles', () => {
    const profiles = (count: number) => Object.fromEntries(numbered(count).map((id) => [id, {}]));
    expect(Object.keys(parse({ profiles: profiles(5_000) }).profiles)).toHaveLength(5_000);
    expect(() => parse({ profiles: profiles(5_001) })).toThrow('expected at most 5000 profiles, got 5001');
  });

  it('of names and words', () => {
    const [longest, tooLong] = ['i'.repeat(128), 'i'.repeat(129)];
    const { profiles, dropped } = parse({ profiles: { [longest]: {}, [tooLong]: {} } });
    expect([Object.keys(profiles), dropped]).toEqual([[longest], 1]);
    expect(parse({ version_code: longest }).versionCode).toBe(longest);
    expect(() => parse({ version_code: tooLong })).toThrow('expected "version_code" to be a word, got "iii');
    expect(() => parse({ version_code: 7 })).toThrow('expected "version_code" to be a word, got 7');
    expect(() => parse({ version_code: '' })).toThrow('expected "version_code" to be a word, got ""');
    expect(() => parse({ version_code: undefined })).toThrow('expected "version_code" to be a word, got nothing');
    expect(() => parse({ version_code: `${'x'.repeat(58)}$y` })).toThrow(`got "${'x'.repeat(58)}$`);
    expect(() => parse({ version_code: `${'x'.repeat(58)}$y` })).not.toThrow('$y');
  });

  it('of what is told of a device', () => {
    expect(only({ device_packages: numbered(1_001) })?.devicePackages).toEqual(numbered(1_000));
    expect(only({ device_packages: 'vim' })?.devicePackages).toEqual([]);
    const devices = ['', 7, ['d'], 'd'.repeat(129), 'd'.repeat(128), ...numbered(100)];
    expect(only({ supported_devices: devices })?.supportedDevices).toEqual(['d'.repeat(128), ...numbered(99)]);
    expect(only({ supported_devices: 'd' })?.supportedDevices).toEqual([]);
    const titles = numbered(51).map((title) => ({ title }));
    expect(only({ titles })?.titles).toEqual(titles.slice(0, 50));
    expect(only({ titles: 'x' })?.titles).toEqual([]);
    const parts = { vendor: 'v'.repeat(201), model: 'm', variant: 7, title: 't', more: 'x' };
    expect(only({ titles: [7, parts] })?.titles).toEqual([{ vendor: 'v'.repeat(200), model: 'm', title: 't' }]);
    expect(only({ titles: [{ variant: 'v' }] })?.titles).toEqual([{ variant: 'v' }]);
    expect(only({ image_prefix: 'p'.repeat(201) })?.imagePrefix).toBe('p'.repeat(200));
    for (const image_prefix of ['a b', '../x', 7, '']) expect(only({ image_prefix })?.imagePrefix).toBe('');
  });

  it.each([
    ['a', '6.12.94-1-a'],
    ['Z9_.', '6.12.94-1-Z9_.'],
    ['aZ', '6.12.94-1-aZ'],
    ['v'.repeat(64), `6.12.94-1-${'v'.repeat(64)}`],
    ['v'.repeat(65), null],
    ['', null],
    ['.a', null],
    ['_a', null],
    ['a-b', null],
    ['a\n', null],
    ['\na', null],
    [7, null],
  ])('of each part of a kernel: %j', (vermagic, directory) => {
    expect(parse({ linux_kernel: { ...sample.linux_kernel, vermagic } }).kmodsDirectory).toBe(directory);
  });

  it('of the text of a device and of all the rest', () => {
    const sized = (characters: number, around: string) => 'x'.repeat(characters - around.length);
    const device = (x: string) => ({ profiles: { generic: { x } } });
    const ofDevice = (characters: number) => ({ ...sample, ...device(sized(characters, JSON.stringify({ x: '' }))) });
    expect(() => parseProfileSources(JSON.stringify(ofDevice(128 * 1024)))).not.toThrow();
    expect(() => parseProfileSources(JSON.stringify(ofDevice(128 * 1024 + 1)))).toThrow('got 131073');
    const { profiles, ...metadata } = sample;
    const rest = (characters: number) => ({
      ...metadata,
      x: sized(characters, JSON.stringify({ ...metadata, x: '' })),
    });
    expect(() => parseProfileSources(JSON.stringify({ ...rest(256 * 1024), profiles }))).not.toThrow();
    expect(() => parseProfileSources(JSON.stringify({ ...rest(256 * 1024 + 1), profiles }))).toThrow('got 262145');
    const many = { profiles: { generic: { supported_devices: numbered(101) } } };
    const read = parseProfileSources(JSON.stringify({ ...sample, ...many })).profiles.generic;
    expect(read?.supportedDevices).toEqual(numbered(100));
  });
});

describe('profiles.json as it is', () => {
  const { profiles, ...metadata } = sample;

  it('keeps what we do not know, of the target and of each device', () => {
    const generic = { ...profiles.generic, of_tomorrow: { a: [1] } };
    expect(parseProfileSources(JSON.stringify({ ...sample, later: true, profiles: { generic } }))).toEqual({
      metadata: { ...metadata, later: true },
      profiles: { generic: { supportedDevices: ['pc,x86'], json: JSON.stringify(generic) } },
    });
  });

  it('has as profiles the same as what a build knows, and no prototype to reach', () => {
    const text = JSON.stringify(sample).replace(
      '"profiles":{',
      '"__proto__":{"x":1},"profiles":{"%":{},"a b":{},"__proto__":{},"constructor":{},"list":[],',
    );
    const sources = parseProfileSources(text);
    expect(Object.keys(sources.profiles)).toEqual(Object.keys(parseProfilesJson(text).profiles));
    expect(Object.getPrototypeOf(sources.profiles)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(sources.metadata)).toBe(Object.prototype);
  });

  it.each([
    ['a device', { profiles: { generic: { x: 'x'.repeat(200_000) } } }, 'expected profile generic of at most 131072'],
    ['the metadata', { x: 'x'.repeat(300_000) }, 'expected metadata of at most 262144'],
    ['no device', { profiles: {} }, 'expected at least one profile'],
  ])('with too much or too little in %s is refused', (_, change, reason) => {
    expect(() => parseProfileSources(JSON.stringify({ ...sample, ...change }))).toThrow(reason);
  });

  it('that is a page or cut short is refused', () => {
    expect(() => parseProfileSources('<html></html>')).toThrow(/expected JSON/);
    expect(() => parseProfileSources(JSON.stringify(sample).slice(0, -20))).toThrow(/expected JSON/);
  });
});
