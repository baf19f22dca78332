import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ArchDocument, CatalogueDocument, Lookup } from '../../shared/upstream/catalogue-document.ts';
import type { Env } from '../env.ts';
import { type Clock, catalogueBinding, countingKv, envOf, openClock, realEnv } from './catalogue.fixture.ts';
import { type DocumentId, keyOf, upstreamKey } from './document-id.ts';
import { type Mirror, openGoodMirror } from './mirror.fixture.ts';
import { catalogueReader } from './read.ts';

const refreshMs = 60_000;
const versionsId: DocumentId = { kind: 'versions' };
const targetId: DocumentId = { kind: 'target', version: '24.10.2', target: 'x86/64' };
const profilesId: DocumentId = { ...targetId, kind: 'profiles' };
const archId: DocumentId = { kind: 'arch', version: '24.10.2', arch: 'x86_64' };

/** One isolate of a Worker: its own memory, the same KV and Catalogue as the others, both counted. */
function openIsolate(mirror: Mirror, clock: Clock, changes: Record<string, unknown> = {}) {
  const kvReads: string[] = [];
  const questions: string[] = [];
  let behind: Promise<unknown>[] = [];
  const CATALOGUE = catalogueBinding(mirror, clock, questions);
  const env: Env = envOf(mirror, { CACHE: countingKv(kvReads), CATALOGUE, ...changes });
  return {
    kvReads,
    questions,
    read: catalogueReader(env, { now: () => clock.ms, waitUntil: (work) => void behind.push(work) }),
    /** Waits for what was begun behind the answers, and tells how much that was. */
    async settle(): Promise<number> {
      const works = behind;
      behind = [];
      await Promise.all(works);
      return works.length;
    },
    forget(): void {
      kvReads.length = 0;
      questions.length = 0;
    },
  };
}

/** A catalogue that has been used: KV has the documents. */
async function warmUp(mirror: Mirror, clock: Clock): Promise<void> {
  const { read } = openIsolate(mirror, clock);
  const answers = [
    await read.versions(),
    await read.target('24.10.2', 'x86/64'),
    await read.profiles('24.10.2', 'x86/64'),
    await read.arch('24.10.2', 'x86_64'),
  ];
  expect(answers.map((answer) => answer.state)).toEqual(['found', 'found', 'found', 'found']);
}

const kvKey = (mirror: Mirror, id: DocumentId) => keyOf(upstreamKey(mirror.url), id);

function documentOf<D extends CatalogueDocument>(lookup: Lookup<D>): D {
  if (lookup.state !== 'found') throw new Error(`expected a document, got ${JSON.stringify(lookup)}`);
  return lookup.document;
}

afterEach(() => vi.restoreAllMocks());

describe('a request for a target and its architecture', () => {
  it('costs a cold isolate two reads of KV and a warm one none, and neither asks the Catalogue', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const isolate = openIsolate(mirror, clock);
    const target = documentOf(await isolate.read.target('24.10.2', 'x86/64'));
    const arch = documentOf(await isolate.read.arch('24.10.2', target.archPackages));
    expect([target.kind, arch.kind]).toEqual(['target', 'arch']);
    expect(isolate.kvReads).toEqual([kvKey(mirror, targetId), kvKey(mirror, archId)]);
    isolate.forget();
    for (let n = 0; n < 100; n++) {
      clock.ms += 590;
      expect(documentOf(await isolate.read.target('24.10.2', 'x86/64'))).toBe(target);
      expect(documentOf(await isolate.read.arch('24.10.2', 'x86_64'))).toBe(arch);
    }
    expect([isolate.kvReads, isolate.questions, await isolate.settle()]).toEqual([[], [], 0]);
  });

  it('that nobody made before waits for the Catalogue, once', async () => {
    const mirror = await openGoodMirror();
    const isolate = openIsolate(mirror, openClock());
    expect((await isolate.read.target('24.10.2', 'x86/64')).state).toBe('found');
    expect((await isolate.read.target('24.10.2', 'x86/64')).state).toBe('found');
    expect(isolate.questions).toEqual(['target']);
  });
});

describe('an old copy', () => {
  it('is served at once while the Catalogue is asked behind, once an interval however many ask', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const isolate = openIsolate(mirror, clock);
    clock.ms += refreshMs;
    mirror.publishVersions({ '24.10.3': {}, '24.10.2': { 'x86/64': 'x86_64' } });
    const seen = async () => documentOf(await isolate.read.versions()).versions.map(({ version }) => version);
    for (const versions of await Promise.all(Array.from({ length: 20 }, seen))) expect(versions).toEqual(['24.10.2']);
    isolate.forget();
    for (let n = 0; n < 20; n++) expect(await seen()).toEqual(['24.10.2']);
    expect(isolate.kvReads).toEqual([]);
    expect(await isolate.settle()).toBe(1);
    expect(await seen()).toEqual(['24.10.3', '24.10.2']);
  });

  it('that is still the current one only gets a new time: what is memoised by its parts stays', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const isolate = openIsolate(mirror, clock);
    clock.ms += refreshMs;
    const before = documentOf(await isolate.read.target('24.10.2', 'x86/64'));
    await isolate.settle();
    const after = documentOf(await isolate.read.target('24.10.2', 'x86/64'));
    expect(after.checkedAt).toBe(clock.ms);
    expect(after.profiles).toBe(before.profiles);
  });

  it('is served for as long as the mirror is down, with its old time', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const start = clock.ms;
    await warmUp(mirror, clock);
    mirror.weather.set('*', () => new Response('', { status: 503 }));
    const isolate = openIsolate(mirror, clock);
    for (let hour = 0; hour < 24; hour++) {
      clock.ms += 3_600_000;
      expect(documentOf(await isolate.read.target('24.10.2', 'x86/64')).checkedAt).toBe(start);
      expect(await isolate.settle()).toBe(1);
    }
    expect(documentOf(await openIsolate(mirror, clock).read.versions()).checkedAt).toBe(start);
  });

  it('in KV does not replace a newer one in memory', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const stale = await realEnv.CACHE.get(kvKey(mirror, targetId));
    clock.ms += refreshMs;
    const isolate = openIsolate(mirror, clock);
    await isolate.read.target('24.10.2', 'x86/64');
    await isolate.settle();
    await realEnv.CACHE.put(kvKey(mirror, targetId), stale!);
    const newest = clock.ms;
    clock.ms += refreshMs;
    expect(documentOf(await isolate.read.target('24.10.2', 'x86/64')).checkedAt).toBe(newest);
  });

  it('whose target upstream has withdrawn is gone after the Catalogue was asked', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const isolate = openIsolate(mirror, clock);
    mirror.publishVersions({ '24.10.2': {} });
    clock.ms += refreshMs;
    expect((await isolate.read.target('24.10.2', 'x86/64')).state).toBe('found');
    await isolate.settle();
    expect(await isolate.read.target('24.10.2', 'x86/64')).toEqual({ state: 'unknown' });
  });

  it('that older code has written is served for what it tells', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const { provides, providesKnown, ...older } = (await realEnv.CACHE.get(
      kvKey(mirror, archId),
      'json',
    )) as ArchDocument;
    await realEnv.CACHE.put(kvKey(mirror, archId), JSON.stringify(older));
    const isolate = openIsolate(mirror, clock);
    expect(documentOf(await isolate.read.arch('24.10.2', 'x86_64'))).toEqual({
      ...older,
      provides: [],
      providesKnown: false,
    });
    expect([provides, providesKnown, isolate.questions]).toEqual([[], false, []]);
  });

  it('signed by a key that no longer counts is not served at all', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const isolate = openIsolate(mirror, clock, { UPSTREAM_KEYS: '[]' });
    await isolate.read.target('24.10.2', 'x86/64');
    await isolate.read.profiles('24.10.2', 'x86/64');
    expect(isolate.questions).toEqual(['target', 'profiles']);
    expect(isolate.kvReads).toEqual([kvKey(mirror, targetId), kvKey(mirror, profilesId)]);
  });
});

describe('a name that is none', () => {
  it.each([
    ['../../x', 'x86/64'],
    ['24.10.2', '../..'],
    ['24.10.2', 'x86/64/x'],
    ['24.10.2\n', 'x86/64'],
    ['', 'x86/64'],
    ['2'.repeat(65), 'x86/64'],
    ['24.10.2', `x86/${'6'.repeat(200)}`],
  ])('(%j, %j) is unknown without a question to anybody', async (version, target) => {
    const mirror = await openGoodMirror();
    const isolate = openIsolate(mirror, openClock());
    expect(await isolate.read.target(version, target)).toEqual({ state: 'unknown' });
    expect(await isolate.read.profiles(version, target)).toEqual({ state: 'unknown' });
    expect(await isolate.read.arch(version === '24.10.2' ? version : '24.10.2', '../..')).toEqual({ state: 'unknown' });
    expect([isolate.kvReads, isolate.questions, mirror.requests]).toEqual([[], [], []]);
  });

  it('but looks like one costs nothing while the list of versions is at hand, in a flood of them', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    const isolate = openIsolate(mirror, clock);
    await isolate.read.versions();
    isolate.forget();
    for (let n = 0; n < 100; n++) expect((await isolate.read.target('24.10.2', `x86/${n}x`)).state).toBe('unknown');
    expect((await isolate.read.arch('24.10.9', 'x86_64')).state).toBe('unknown');
    expect([isolate.kvReads, isolate.questions]).toEqual([[], []]);
  });

  it('without that list is remembered for five seconds', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const isolate = openIsolate(mirror, clock);
    for (let n = 0; n < 10; n++) expect((await isolate.read.target('24.10.2', 'x86/65')).state).toBe('unknown');
    expect(isolate.questions).toEqual(['target']);
    clock.ms += 5000;
    await isolate.read.target('24.10.2', 'x86/65');
    expect(isolate.questions).toHaveLength(2);
  });
});

describe('when a part of the platform fails', () => {
  it('KV: the Catalogue answers', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const mirror = await openGoodMirror();
    const CACHE = { get: () => Promise.reject(new Error('KV GET failed: 500')) };
    const isolate = openIsolate(mirror, openClock(), { CACHE });
    expect((await isolate.read.target('24.10.2', 'x86/64')).state).toBe('found');
  });

  it('the Catalogue: copies are served, and without one it is said that it cannot be told now', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const mirror = await openGoodMirror();
    const clock = openClock();
    const fails = () => Promise.reject(new Error('Durable Object reset because its code was updated'));
    const CATALOGUE = { getByName: () => ({ versions: fails, target: fails, arch: fails, check: fails }) };
    const without = openIsolate(mirror, clock, { CATALOGUE });
    expect(await without.read.versions()).toEqual({ state: 'unavailable', reason: 'the catalogue does not answer' });
    await warmUp(mirror, clock);
    clock.ms += 10 * refreshMs;
    const withCopy = openIsolate(mirror, clock, { CATALOGUE });
    expect((await withCopy.read.versions()).state).toBe('found');
    await withCopy.settle();
    expect((await withCopy.read.versions()).state).toBe('found');
  });

  it('nothing, but a document of another kind lies under the key: it is not taken', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await warmUp(mirror, clock);
    await realEnv.CACHE.put(kvKey(mirror, targetId), (await realEnv.CACHE.get(kvKey(mirror, versionsId)))!);
    const isolate = openIsolate(mirror, clock);
    expect(documentOf(await isolate.read.target('24.10.2', 'x86/64')).kind).toBe('target');
  });
});
