import { describe, expect, it } from 'vitest';
import { directory, readingOf, signed, untrusting, wanted } from './compile.fixture.ts';
import { compileProfiles } from './compile-profiles.ts';
import { type Mirror, openGoodMirror, openMirror } from './mirror.fixture.ts';

describe('the document of the devices of a target', () => {
  const profiles = (mirror: Mirror, settings = signed(mirror)) =>
    compileProfiles(readingOf(mirror), wanted, settings, 1000);

  it('keeps every field of upstream, of the target and of each device', async () => {
    const mirror = await openMirror();
    const generic = {
      images: [{ name: 'x.img', sha256: 'aa' }],
      supported_devices: ['pc'],
      file_size_limits: { a: 1 },
    };
    await mirror.publishTarget({
      ...wanted,
      profiles: { source_date_epoch: 7, of_tomorrow: [1], profiles: { generic } },
    });
    expect(await profiles(mirror)).toEqual({
      kind: 'profiles',
      version: '24.10.2',
      target: 'x86/64',
      metadata: {
        metadata_version: 1,
        target: 'x86/64',
        version_number: '24.10.2',
        version_code: 'r28427-6df0e3d02a',
        arch_packages: 'x86_64',
        default_packages: ['base-files', 'dnsmasq'],
        source_date_epoch: 7,
        of_tomorrow: [1],
      },
      profiles: { generic: { supportedDevices: ['pc'], json: JSON.stringify(generic) } },
      signedBy: mirror.key.keyId,
      fetchedAt: 1000,
      checkedAt: 1000,
    });
  });

  it('is read along the same chain of signatures, and no package index is', async () => {
    const mirror = await openGoodMirror();
    await profiles(mirror);
    expect(mirror.requests.map((path) => path.slice(directory.length + 1)).sort()).toEqual([
      'profiles.json',
      'sha256sums',
      'sha256sums.sig',
      'version.buildinfo',
    ]);
    await expect(profiles(mirror, untrusting)).rejects.toThrow('is not trusted');
    mirror.files.set(`${directory}/profiles.json`, '{"newer":true}');
    await expect(profiles(mirror)).rejects.toThrow('half-published?');
    mirror.files.delete(`${directory}/sha256sums`);
    expect(await profiles(mirror)).toBeNull();
  });

  it('of another release, rightly signed, is trouble', async () => {
    const mirror = await openMirror();
    await mirror.publishTarget({ ...wanted, profiles: { version_number: '24.10.1' } });
    await expect(profiles(mirror)).rejects.toThrow('expected version_number 24.10.2, got 24.10.1');
  });
});
