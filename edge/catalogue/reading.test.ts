import { describe, expect, it } from 'vitest';
import { openSlots } from '../../shared/http/slots.ts';
import { OPENWRT_BRANCHES } from '../../shared/upstream/branch.ts';
import { directory, signed, upstreamOf, wanted } from './compile.fixture.ts';
import { compileArch } from './compile-arch.ts';
import { compileTarget } from './compile-target.ts';
import { compileVersions } from './compile-versions.ts';
import { openGoodMirror } from './mirror.fixture.ts';
import { isCurrent, Reading } from './reading.ts';
import { openUpstream } from './upstream.ts';

describe('a document is current', () => {
  it('while its files are unchanged, by one small question a file', async () => {
    const mirror = await openGoodMirror();
    const reading = new Reading(upstreamOf(mirror));
    await compileTarget(reading, wanted, signed(mirror), 1000);
    mirror.requests.length = 0;
    expect(await isCurrent(reading.files, upstreamOf(mirror))).toBe(true);
    expect(mirror.requests.sort()).toEqual([
      `${directory}/sha256sums if-none-match`,
      `${directory}/sha256sums.sig if-none-match`,
    ]);
  });

  it('by their digests where the mirror has no validators', async () => {
    const mirror = await openGoodMirror();
    const bare = openUpstream({
      url: mirror.url,
      slots: openSlots(6),
      fetch: async (url, init) => {
        const response = await mirror.fetch(url, init);
        return new Response(response.body, { status: response.status });
      },
    });
    const reading = new Reading(bare);
    await compileTarget(reading, wanted, signed(mirror), 1000);
    expect(await isCurrent(reading.files, bare)).toBe(true);
    await mirror.publishTarget({ ...wanted, revision: 'r2-2' });
    expect(await isCurrent(reading.files, bare)).toBe(false);
  });

  it('no more when a feed that was missing appears', async () => {
    const mirror = await openGoodMirror();
    const path = 'releases/24.10.2/packages/x86_64/luci/index.json';
    const luci = mirror.files.get(path)!;
    mirror.files.delete(path);
    const reading = new Reading(upstreamOf(mirror));
    await compileArch(reading, wanted, null, 1000);
    expect(await isCurrent(reading.files, upstreamOf(mirror))).toBe(true);
    mirror.files.set(path, luci);
    expect(await isCurrent(reading.files, upstreamOf(mirror))).toBe(false);
  });

  it('cannot be told on a mirror that is down, after one file', async () => {
    const mirror = await openGoodMirror();
    const reading = new Reading(upstreamOf(mirror));
    await compileVersions(reading, { BRANCHES: OPENWRT_BRANCHES }, null, 1000);
    mirror.weather.set('*', () => new Response('', { status: 503 }));
    mirror.requests.length = 0;
    await expect(isCurrent(reading.files, upstreamOf(mirror))).rejects.toThrow('.versions.json: answered 503');
    expect(mirror.requests).toHaveLength(2);
  });
});
