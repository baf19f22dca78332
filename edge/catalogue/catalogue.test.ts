/** What the Catalogue answers while all goes well: what is there, what is not, and what is not any more. */
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { EVENTUALLY } from '../../shared/eventually.fixture.ts';
import {
  askTarget,
  askVersions,
  directory,
  documentOf,
  down,
  inKv,
  refreshMs,
  targetId,
  x86,
} from './asked-catalogue.fixture.ts';
import { type Clock, envOf, openClock, type realEnv, withCatalogue } from './catalogue.fixture.ts';
import { keyOf, upstreamKey } from './document-id.ts';
import { type Mirror, openGoodMirror, openMirror } from './mirror.fixture.ts';

afterEach(() => vi.restoreAllMocks());

describe('a document that is asked for', () => {
  it('by fifty at once is fetched once, file by file', async () => {
    const mirror = await openGoodMirror();
    const answers = await withCatalogue(mirror, openClock(), (catalogue) =>
      Promise.all(Array.from({ length: 50 }, () => catalogue.target('24.10.2', 'x86/64'))),
    );
    expect(answers.every((answer) => answer.state === 'found')).toBe(true);
    expect(mirror.requests.length).toBeGreaterThan(6);
    expect(new Set(mirror.requests).size).toBe(mirror.requests.length);
  });

  it('is answered without the mirror while it is young, also after an eviction, and lies in KV', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const first = await askTarget(mirror, clock);
    mirror.requests.length = 0;
    clock.ms += refreshMs - 1;
    expect(await askTarget(mirror, clock)).toEqual(first);
    expect(mirror.requests).toEqual([]);
    expect(await inKv(mirror)).toEqual(documentOf(first));
  });

  it('is checked conditionally when it is old; unchanged, only its time moves, in KV too', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const first = documentOf(await askTarget(mirror, clock));
    mirror.requests.length = 0;
    clock.ms += refreshMs;
    const second = documentOf(await askTarget(mirror, clock));
    expect(second).toEqual({ ...first, checkedAt: first.checkedAt + refreshMs });
    const unconditional = mirror.requests.filter((request) => !request.endsWith('if-none-match'));
    // Snapshots that are not there have no validator to ask with.
    expect(unconditional.every((path) => path.includes('SNAPSHOT') || path.startsWith('snapshots/'))).toBe(true);
    expect(mirror.requests).toContain(`${directory}/sha256sums if-none-match`);
    expect(await inKv(mirror)).toEqual(second);
    mirror.requests.length = 0;
    expect(documentOf(await askTarget(mirror, clock))).toEqual(second);
    expect(mirror.requests).toEqual([]);
  });

  it('is anew when upstream has published anew', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await askTarget(mirror, clock);
    await mirror.publishTarget({ ...targetId, arch: 'x86_64', revision: 'r28500-aaaaaaaaaa' });
    clock.ms += refreshMs;
    const document = documentOf(await askTarget(mirror, clock));
    expect([document.versionCode, document.fetchedAt]).toEqual(['r28500-aaaaaaaaaa', clock.ms]);
    expect(await inKv(mirror)).toEqual(document);
  });

  it('of a new release is there when the list of versions has it', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const ask = () => withCatalogue(mirror, clock, (catalogue) => catalogue.target('24.10.3', 'x86/64'));
    expect((await ask()).state).toBe('unknown');
    mirror.publishVersions({ '24.10.3': x86, '24.10.2': x86 });
    clock.ms += refreshMs;
    // Announced, but its files are still on their way.
    expect((await ask()).state).toBe('unknown');
    await mirror.publishTarget({ version: '24.10.3', target: 'x86/64', arch: 'x86_64' });
    clock.ms += 10_000;
    expect(documentOf(await ask()).version).toBe('24.10.3');
  });

  it('beside many others after a restart is compiled when its turn comes: indexes of three are held at once', async () => {
    const mirror = await openMirror();
    const targets = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`soc${n}/generic`, 'x86_64']));
    mirror.publishVersions({ '24.10.2': targets });
    for (const target of Object.keys(targets)) await mirror.publishTarget({ ...targetId, target, arch: 'x86_64' });
    let reading = 0;
    let most = 0;
    const catalogueOf = (path: string) => path.includes('/packages/index.json');
    for (const path of [...mirror.files.keys()].filter(catalogueOf))
      mirror.weather.set(path, async () => {
        most = Math.max(most, ++reading);
        // A slow machine may have read the first before it comes to the third.
        await vi.waitFor(() => expect(most).toBeGreaterThanOrEqual(3), EVENTUALLY);
        await scheduler.wait(5);
        reading--;
        return new Response(mirror.files.get(path));
      });
    const answers = await withCatalogue(mirror, openClock(), (catalogue) =>
      Promise.all(Object.keys(targets).map((target) => catalogue.target('24.10.2', target))),
    );
    expect([answers.every((answer) => answer.state === 'found'), most]).toEqual([true, 3]);
  });

  it('larger than a value of SQLite may be survives an eviction', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const packages = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [`${'long-'.repeat(18)}${n}`, `${n}.0-r1`]),
    );
    await mirror.publishTarget({ ...targetId, arch: 'x86_64', packages });
    const first = JSON.stringify(await askTarget(mirror, clock));
    expect(first.length).toBeGreaterThan(2_000_000);
    mirror.weather.set('*', down);
    expect(JSON.stringify(await askTarget(mirror, clock)) === first).toBe(true);
  });

  it('is answered in a word to whoever has the current copy', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const { fetchedAt } = documentOf(await askTarget(mirror, clock));
    const check = (have: number) => withCatalogue(mirror, clock, (catalogue) => catalogue.check(targetId, have));
    clock.ms += refreshMs;
    expect(await check(fetchedAt)).toEqual({ state: 'unchanged', checkedAt: clock.ms });
    expect((await check(fetchedAt - 1)).state).toBe('found');
  });
});

describe('names that nobody published', () => {
  it.each([
    ['24.10.2', '../../../etc'],
    ['24.10.2', 'x86/65'],
    ['24.10.2', '__proto__'],
    ['24.10.2/../24.10.1', 'x86/64'],
    ['24.10.1', 'x86/64'],
    ['22.03.5', 'x86/64'],
  ])('(%s, %s) are unknown and never asked for upstream', async (version, target) => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await withCatalogue(mirror, clock, async (catalogue) => {
      expect(await catalogue.target(version, target)).toEqual({ state: 'unknown' });
      expect(await catalogue.arch(version, target)).toEqual({ state: 'unknown' });
    });
    expect(
      mirror.requests.filter((path) => !path.endsWith('.versions.json') && !path.endsWith('.targets.json')),
    ).toEqual([]);
  });

  it('but were announced are asked for once in ten seconds', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    mirror.files.delete(`${directory}/sha256sums`);
    await withCatalogue(mirror, clock, async (catalogue) => {
      const sums = () => mirror.requests.filter((path) => path === `${directory}/sha256sums`).length;
      for (let n = 0; n < 20; n++) expect(await catalogue.target('24.10.2', 'x86/64')).toEqual({ state: 'unknown' });
      expect(sums()).toBe(1);
      clock.ms += 10_000;
      await catalogue.target('24.10.2', 'x86/64');
      expect(sums()).toBe(2);
    });
  });
});

describe('a copy that older code has left', () => {
  /** As a deployment finds it: without the fields that came later, under another recipe. */
  const age = (mirror: Mirror, clock: Clock) =>
    withCatalogue(mirror, clock, async (_, state) => {
      const { sql } = state.storage;
      const key = keyOf(upstreamKey(mirror.url), targetId);
      const [{ text }] = sql.exec<{ text: string }>('SELECT text FROM document_parts WHERE key = ?', key).toArray() as [
        { text: string },
      ];
      const { provides, providesKnown, ...older } = JSON.parse(text);
      expect([provides.length > 0, providesKnown]).toEqual([true, true]);
      sql.exec('UPDATE document_parts SET text = ? WHERE key = ?', JSON.stringify(older), key);
      sql.exec('UPDATE documents SET recipe = ? WHERE key = ?', 'older', key);
    });

  it('is compiled anew although upstream is unchanged, and serves meanwhile, telling less', async () => {
    const mirror = await openGoodMirror();
    await mirror.publishTarget({ ...targetId, arch: 'x86_64', era: 'opkg' });
    const clock = openClock();
    const good = documentOf(await askTarget(mirror, clock));
    await age(mirror, clock);
    mirror.weather.set('*', down);
    clock.ms += 1000;
    expect(documentOf(await askTarget(mirror, clock))).toEqual({ ...good, provides: [], providesKnown: false });
    mirror.weather.clear();
    clock.ms += 10_000;
    expect(documentOf(await askTarget(mirror, clock))).toMatchObject({ providesKnown: true, fetchedAt: clock.ms });
  });
});

describe('what is taken away', () => {
  it('by upstream is unknown, and gone from KV', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await askTarget(mirror, clock);
    mirror.publishVersions({ '24.10.2': { 'ath79/generic': 'mips_24kc' } });
    clock.ms += refreshMs;
    expect(await askTarget(mirror, clock)).toEqual({ state: 'unknown' });
    expect(await inKv(mirror)).toBeNull();
    mirror.weather.set('*', down);
    expect(await askTarget(mirror, clock)).toEqual({ state: 'unknown' });
  });

  it('by the operator, a key, is unavailable although a copy lies here', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await askTarget(mirror, clock);
    const answer = await askTarget(mirror, clock, envOf(mirror, { UPSTREAM_KEYS: '[]' }));
    expect(answer).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('is not trusted for 24.10.2'),
    });
  });

  it('or given by the operator, a branch, shows at once although upstream is unchanged', async () => {
    const mirror = await openGoodMirror();
    mirror.publishVersions({ '24.10.2': x86, '22.03.7': x86 });
    const clock = openClock();
    const branches = (names: string[]) => ({
      BRANCHES: JSON.stringify(Object.fromEntries(names.map((name) => [name, { enabled: true }]))),
    });
    const offered = async (names: string[]) =>
      documentOf(await askVersions(mirror, clock, envOf(mirror, branches(names)))).versions.map(
        ({ version }) => version,
      );
    expect(await offered(['24.10'])).toEqual(['24.10.2']);
    expect(await offered(['24.10', '22.03'])).toEqual(['24.10.2', '22.03.7']);
  });
});

describe('over RPC, as a Worker asks', () => {
  it('a document arrives whole', async () => {
    const mirror = await openGoodMirror();
    vi.spyOn(globalThis, 'fetch').mockImplementation((address, init) => {
      const path = String(address).replace(/^https:\/\/[^/]+/, '');
      return mirror.fetch(`${mirror.url}${path}`, init ?? {});
    });
    const catalogue = (env as unknown as typeof realEnv).CATALOGUE.getByName('over-rpc');
    const lookup = await catalogue.versions();
    expect(lookup).toMatchObject({ state: 'found', document: { versions: [{ version: '24.10.2', targets: x86 }] } });
    expect(await catalogue.target('24.10.2', 'no/where')).toEqual({ state: 'unknown' });
  });
});
