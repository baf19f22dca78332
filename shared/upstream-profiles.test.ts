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
    const text = JSON.stringify({ ...sample, default_packages: ['$(shell x)', 'ok', '--x', 'a.ipk', 7] }).replace(
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
    expect(parsed.dropped).toBe(8);
  });

  it.each([
    ['target', '../x'],
    ['version_number', '25.12.5/..'],
    ['version_code', 'r1 2'],
    ['arch_packages', '..'],
    ['target', undefined],
    ['profiles', {}],
    ['profiles', []],
  ])('with %s %j is refused', (field, value) => {
    expect(() => parse({ [field]: value })).toThrow(/^expected /);
  });

  it('that is a page or cut short is refused', () => {
    expect(() => parseProfilesJson('<html></html>')).toThrow(/expected JSON/);
    expect(() => parseProfilesJson(JSON.stringify(sample).slice(0, -20))).toThrow(/expected JSON/);
    expect(() => parseProfilesJson('[]')).toThrow(/expected a JSON object/);
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
