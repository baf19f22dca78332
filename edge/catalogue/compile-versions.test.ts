import { describe, expect, it } from 'vitest';
import { OPENWRT_BRANCHES } from '../../shared/upstream/branch.ts';
import { readingOf } from './compile.fixture.ts';
import { compileVersions } from './compile-versions.ts';
import { type Mirror, openGoodMirror, openMirror } from './mirror.fixture.ts';

const versions = (mirror: Mirror, previous: Parameters<typeof compileVersions>[2] = null) =>
  compileVersions(readingOf(mirror), { BRANCHES: OPENWRT_BRANCHES }, previous, 1000);

describe('the document of versions', () => {
  it('offers releases of enabled branches, and the snapshots that are there', async () => {
    const mirror = await openMirror();
    const x86 = { 'x86/64': 'x86_64' };
    mirror.publishVersions({ '24.10.2': x86, '24.10.10': x86, '22.03.7': x86, SNAPSHOT: x86, '24.10-SNAPSHOT': x86 });
    expect(await versions(mirror)).toEqual({
      kind: 'versions',
      versions: [
        { version: '24.10.10', branch: '24.10', targets: x86 },
        { version: '24.10.2', branch: '24.10', targets: x86 },
        { version: 'SNAPSHOT', branch: 'SNAPSHOT', targets: x86 },
        { version: '24.10-SNAPSHOT', branch: '24.10', targets: x86 },
      ],
      stableVersion: '24.10.2',
      oldstableVersion: '',
      upcomingVersion: '',
      fetchedAt: 1000,
      checkedAt: 1000,
    });
    expect(mirror.requests.some((path) => path.includes('22.03'))).toBe(false);
  });

  it('lists a release that has no targets yet, without any', async () => {
    const mirror = await openGoodMirror();
    mirror.files.delete('releases/24.10.2/.targets.json');
    expect((await versions(mirror)).versions).toEqual([{ version: '24.10.2', branch: '24.10', targets: {} }]);
  });

  it('asks for no path that a version or a target made up', async () => {
    const mirror = await openMirror();
    mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', '../../x': 'x86_64' } });
    const list = JSON.parse(mirror.files.get('.versions.json')!);
    list.versions_list.push('../24.10.1', '24.10.1/..', '__proto__');
    mirror.files.set('.versions.json', JSON.stringify(list));
    expect((await versions(mirror)).versions).toEqual([
      { version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
    ]);
    for (const path of mirror.requests)
      expect(path).toMatch(/^(\.versions|(snapshots|releases\/[\w.-]+)\/\.targets)\.json$/);
  });

  it.each([
    ['is absent', (mirror: Mirror) => void mirror.files.delete('.versions.json'), 'is UPSTREAM_URL a mirror'],
    ['is a web page', (mirror: Mirror) => void mirror.files.set('.versions.json', '<html>'), 'expected JSON'],
  ])('is in trouble when .versions.json %s', async (_, change, reason) => {
    const mirror = await openGoodMirror();
    change(mirror);
    await expect(versions(mirror)).rejects.toThrow(reason);
  });

  it('keeps what it knew of a version in trouble, and lets a new one wait, while others go on', async () => {
    const mirror = await openGoodMirror();
    const before = await versions(mirror);
    mirror.publishVersions({ '24.10.3': {}, '24.10.4': { 'x86/64': 'x86_64' }, '24.10.2': {} });
    mirror.weather.set('releases/24.10.3/.targets.json', () => new Response('', { status: 500 }));
    mirror.weather.set('releases/24.10.2/.targets.json', () => new Response('<html>Sorry</html>'));
    expect((await versions(mirror, before)).versions).toEqual([
      { version: '24.10.4', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
      { version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64' } },
    ]);
    // With nothing known before, leaving one out would be to say that it does not exist.
    await expect(versions(mirror)).rejects.toThrow('24.10');
  });
});
