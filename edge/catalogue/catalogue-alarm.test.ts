/** What the Catalogue does unasked: its alarm, and what it puts into KV. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CatalogueDocument } from '../../shared/upstream/catalogue-document.ts';
import { askTarget, documentOf, down, inKv, refreshMs, targetId, x86 } from './asked-catalogue.fixture.ts';
import { envOf, openClock, realEnv, withCatalogue } from './catalogue.fixture.ts';
import { type DocumentId, keyOf, upstreamKey } from './document-id.ts';
import { openGoodMirror, openMirror } from './mirror.fixture.ts';

afterEach(() => vi.restoreAllMocks());

describe('KV', () => {
  const countingKv = (put: (key: string) => void) =>
    new Proxy(realEnv.CACHE, {
      get: (kv, name) => {
        if (name === 'put')
          return async (...args: Parameters<KVNamespace['put']>) => {
            put(args[0]);
            return kv.put(...args);
          };
        const member = Reflect.get(kv, name);
        return typeof member === 'function' ? member.bind(kv) : member;
      },
    });

  it('is written once per document and interval at most, however often it is asked for', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const writes: string[] = [];
    const environment = envOf(mirror, { CACHE: countingKv((key) => writes.push(key)), CATALOGUE_REFRESH_SECONDS: '1' });
    await withCatalogue(
      mirror,
      clock,
      async (catalogue) => {
        for (let n = 0; n < 40; n++) {
          clock.ms += 250;
          await catalogue.versions();
        }
      },
      environment,
    );
    expect(writes).toHaveLength(10);
  });

  it('that takes nothing takes nothing away: the answer stands', async () => {
    const mirror = await openGoodMirror();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const environment = envOf(mirror, {
      CACHE: countingKv(() => {
        throw new Error('KV PUT failed: 429 Too Many Requests');
      }),
    });
    const clock = openClock();
    expect((await askTarget(mirror, clock, environment)).state).toBe('found');
    expect(await inKv(mirror)).toBeNull();
    clock.ms += refreshMs;
    await askTarget(mirror, clock);
    expect((await inKv(mirror))?.checkedAt).toBe(clock.ms);
  });
});

describe('the alarm', () => {
  it('refreshes what was asked for in the last ten minutes and goes on; then it lets go', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await withCatalogue(mirror, clock, async (catalogue, state) => {
      await catalogue.target('24.10.2', 'x86/64');
      await catalogue.versions();
      expect(await state.storage.getAlarm()).toBe(clock.ms + refreshMs);

      await mirror.publishTarget({ ...targetId, arch: 'x86_64', revision: 'r3-3' });
      await state.storage.deleteAlarm();
      clock.ms += refreshMs;
      await catalogue.alarm();
      expect(await inKv(mirror)).toMatchObject({ versionCode: 'r3-3', checkedAt: clock.ms });
      expect(await state.storage.getAlarm()).toBe(clock.ms + refreshMs);

      await state.storage.deleteAlarm();
      clock.ms += 11 * 60_000;
      mirror.requests.length = 0;
      await catalogue.alarm();
      expect([mirror.requests, await state.storage.getAlarm()]).toEqual([[], null]);

      await catalogue.target('24.10.2', 'x86/64');
      expect(await state.storage.getAlarm()).toBe(clock.ms + refreshMs);
    });
  });

  it('brings a release that upstream announces into KV, though no Worker asks meanwhile', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await withCatalogue(mirror, clock, async (catalogue, state) => {
      await catalogue.versions();
      await catalogue.profiles('24.10.2', 'x86/64');
      mirror.publishVersions({ '24.10.3': x86, '24.10.2': x86 });
      await mirror.publishTarget({ ...targetId, arch: 'x86_64', revision: 'r3-3' });
      await state.storage.deleteAlarm();
      clock.ms += refreshMs;
      await catalogue.alarm();
    });
    const read = (id: DocumentId) => realEnv.CACHE.get<CatalogueDocument>(keyOf(upstreamKey(mirror.url), id), 'json');
    expect(await read({ kind: 'versions' })).toMatchObject({
      versions: [{ version: '24.10.3' }, { version: '24.10.2' }],
    });
    expect(await read({ ...targetId, kind: 'profiles' })).toMatchObject({ metadata: { version_code: 'r3-3' } });
  });

  it('survives a mirror that is down and documents of another mirror', async () => {
    const mirror = await openGoodMirror();
    const other = await openMirror();
    const clock = openClock();
    const good = documentOf(await askTarget(mirror, clock));
    mirror.weather.set('*', down);
    clock.ms += refreshMs;
    await withCatalogue(mirror, clock, (catalogue) => catalogue.alarm());
    expect(documentOf(await askTarget(mirror, clock))).toEqual(good);
    mirror.requests.length = 0;
    await withCatalogue(mirror, clock, (catalogue) => catalogue.alarm(), { ...envOf(mirror), UPSTREAM_URL: other.url });
    expect([...mirror.requests, ...other.requests]).toEqual([]);
  });
});
