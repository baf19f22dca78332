/**
 * Every route that speaks of upstream, in each of its weathers: what was good stays the answer, nothing that cannot be told is
 * told, and /healthz says what is the matter.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { usignKeyFromSeed } from '../../shared/crypto/usign.ts';
import { type Mirror, openGoodMirror, openMirror } from '../catalogue/mirror.fixture.ts';
import { jsonOf } from '../edge.fixture.ts';
import { type Isolate, openIsolate } from '../isolate.fixture.ts';

const release = { version: '24.10.2', target: 'x86/64', arch: 'x86_64' };
const directory = 'releases/24.10.2/targets/x86/64';
const feed = 'releases/24.10.2/packages/x86_64/luci/index.json';
const x86 = { 'x86/64': 'x86_64' };

const RELEASE = '/json/v1/releases/24.10.2';
const OF_VERSIONS = ['/json/v1/overview.json', '/json/v1/branches.json', '/json/v1/latest.json', '/api/v1/latest'];
const OF_TARGET = [
  '/api/v1/revision/24.10.2/x86/64',
  `${RELEASE}/targets/x86/64/index.json`,
  `${RELEASE}/targets/x86/64/generic.json`,
];
const OF_ARCH = [`${RELEASE}/packages/x86_64-index.json`];
const ALL = [...OF_VERSIONS, ...OF_TARGET, ...OF_ARCH];
/** Refused once both documents were read, before the Foreman hears of it. */
const BUILD = { version: '24.10.2', target: 'x86/64', profile: 'generic', version_code: 'r0-none' };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (ms: number): void => void vi.setSystemTime(Date.now() + ms);

async function answers(isolate: Isolate, paths = ALL): Promise<[path: string, status: number, body: unknown][]> {
  const all: [string, number, unknown][] = [];
  for (const path of paths) {
    const response = await isolate.ask(path);
    all.push([path, response.status, await jsonOf(response)]);
  }
  return all;
}

const changeRevision = (mirror: Mirror): Promise<void> => mirror.publishTarget({ ...release, revision: 'r2-2' });

/** `whole`: whether the list of versions is in it, too. */
const STORMS: [storm: string, whole: boolean, begin: (mirror: Mirror) => void | Promise<void>, reason: RegExp][] = [
  [
    'answers 500',
    true,
    ({ weather }) => void weather.set('*', () => new Response('', { status: 500 })),
    /answered 500/,
  ],
  [
    'does not answer in time',
    true,
    ({ weather }) => void weather.set('*', () => Promise.reject(new DOMException('slow', 'TimeoutError'))),
    /did not arrive within 15 s/,
  ],
  [
    'cannot be reached',
    true,
    ({ weather }) => void weather.set('*', () => Promise.reject(new Error('connection refused'))),
    /could not be fetched/,
  ],
  [
    'sends half of its JSON',
    true,
    ({ weather, files }) =>
      void weather.set('*', (path) => {
        const text = files.get(path) ?? '';
        return new Response(text.slice(0, text.length / 2));
      }),
    /expected JSON/,
  ],
  [
    'sends less than it announced',
    true,
    ({ weather }) => void weather.set('*', () => new Response('{', { headers: { 'content-length': '999' } })),
    /ended after 1 of 999 bytes/,
  ],
  [
    'answers a web page with status 200',
    true,
    ({ weather }) => void weather.set('*', () => new Response('<html>Please log in</html>')),
    /expected JSON, got "<html>/,
  ],
  [
    'sends us elsewhere',
    true,
    ({ weather }) =>
      void weather.set('*', () => new Response('', { status: 302, headers: { location: 'http://10.0.0.1/' } })),
    /a redirect, which is not followed/,
  ],
  [
    'has an old profiles.json under new sums, and half a feed',
    false,
    async (mirror) => {
      const old = mirror.files.get(`${directory}/profiles.json`) as string;
      await changeRevision(mirror);
      mirror.files.set(`${directory}/profiles.json`, old);
      mirror.files.set(feed, '{"version":2,"pack');
    },
    /half-published|expected JSON/,
  ],
  [
    'announces files that are not there',
    false,
    async (mirror) => {
      await changeRevision(mirror);
      mirror.files.delete(`${directory}/profiles.json`);
      mirror.weather.set(feed, () => new Response('', { status: 503 }));
    },
    /is not there; half-published|answered 503/,
  ],
  [
    'is signed by somebody else, and lies of its packages',
    false,
    async (mirror) => {
      await changeRevision(mirror);
      await mirror.sign(directory, await usignKeyFromSeed(new Uint8Array(32).fill(9)));
      mirror.weather.set(feed, () => new Response('[]'));
    },
    /which is not trusted|expected a JSON object/,
  ],
  [
    'has a signature of something else',
    false,
    async (mirror) => {
      const signature = mirror.files.get(`${directory}/sha256sums.sig`) as string;
      await changeRevision(mirror);
      mirror.files.set(`${directory}/sha256sums.sig`, signature);
      mirror.weather.set(feed, () => new Response('x'.repeat(100), { headers: { 'content-length': '7' } }));
    },
    /is not of this file|ended after/,
  ],
];

describe.each(STORMS)('when the mirror %s', (_, whole, begin, reason) => {
  it('every answer is the last good one, for a day, in isolates old and new', async () => {
    const mirror = await openGoodMirror();
    const old = openIsolate(mirror);
    const good = await answers(old);
    expect(good.map(([path, status]) => [path, status])).toEqual(ALL.map((path) => [path, 200]));
    await begin(mirror);
    for (const hours of [0, 1, 23]) {
      pass(hours * 3_600_000 + 61_000);
      expect(await answers(old)).toEqual(good);
      expect(await answers(openIsolate(mirror))).toEqual(good);
      const refused = await jsonOf(await openIsolate(mirror).post(BUILD));
      expect(refused).toMatchObject({ status: 500, error_kind: 'revision_changed' });
      expect(refused.detail).toContain('r28427-6df0e3d02a');
    }
  });

  it('with nothing known before, it is said that it cannot be told, and why; and no name is called wrong', async () => {
    const mirror = await openGoodMirror();
    await begin(mirror);
    const isolate = openIsolate(mirror);
    for (const [path, status, body] of await answers(isolate)) {
      if (!whole && OF_VERSIONS.includes(path)) expect([path, status]).toEqual([path, 200]);
      else {
        expect([path, status]).toEqual([path, 503]);
        expect(body).toMatchObject({ error_kind: 'upstream_unavailable', reason: expect.stringMatching(reason) });
      }
    }
    const build = await isolate.post(BUILD);
    expect([build.status, (await jsonOf(build)).error_kind]).toEqual([503, 'upstream_unavailable']);
    if (whole)
      for (const path of ['/api/v1/revision/24.10.99/x86/64', '/json/v1/releases/24.10.99/packages/x86_64-index.json'])
        expect([path, (await isolate.ask(path)).status]).toEqual([path, 503]);
  });

  it('it is over when it is over', async () => {
    const mirror = await openGoodMirror();
    const isolate = openIsolate(mirror);
    await answers(isolate);
    await begin(mirror);
    pass(61_000);
    await answers(isolate);
    mirror.weather.clear();
    await mirror.publishTarget({ ...release, revision: 'r3-3' });
    mirror.publishArch('24.10.2', 'x86_64', { base: { curl: '9-r1' }, luci: { 'luci-base': '27.1' } });
    mirror.publishVersions({ '24.10.3': x86, '24.10.2': x86 });
    await vi.waitFor(
      async () => {
        pass(61_000);
        await answers(isolate);
        const [latest, revision, , profile, packages] = await answers(isolate, [
          '/json/v1/latest.json',
          ...OF_TARGET,
          ...OF_ARCH,
        ]);
        expect([latest?.[2], revision?.[2]]).toEqual([{ latest: ['24.10.3'] }, { revision: 'r3-3' }]);
        expect(profile?.[2]).toMatchObject({ version_code: 'r3-3' });
        expect(packages?.[2]).toEqual({ curl: '9-r1', 'luci-base': '27.1' });
      },
      { timeout: 30_000 },
    );
  });
});

describe('/healthz', () => {
  const upstreamPart = async (isolate: Isolate) => {
    const health = (await (await isolate.ask('/healthz')).json()) as { parts: { upstream: unknown } };
    return health.parts.upstream;
  };

  it.each(STORMS.filter(([, whole]) => whole))('says so when the mirror %s', async (_, __, begin, reason) => {
    const mirror = await openGoodMirror();
    const isolate = openIsolate(mirror);
    expect(await upstreamPart(isolate)).toMatchObject({ up: true, url: mirror.url, signatures: 'required' });
    await begin(mirror);
    pass(600_000);
    expect(await upstreamPart(isolate)).toMatchObject({
      up: false,
      reason: expect.stringContaining('it gave no good answer for 600 s; the last good copy is served'),
    });
    const fresh = await openMirror();
    await begin(fresh);
    expect(await upstreamPart(openIsolate(fresh))).toMatchObject({ up: false, reason: expect.stringMatching(reason) });
  });
});

describe('what is announced', () => {
  /** Requests of one isolate for so long, and what each tells of 24.10.3. */
  async function watch(isolate: Isolate, minutes: number): Promise<string[]> {
    const seen: string[] = [];
    for (let step = 0; step < minutes * 6; step++) {
      pass(10_000);
      const [[, , overview]] = (await answers(isolate, ['/json/v1/overview.json'])) as [[string, number, unknown]];
      const branches = (overview as { branches: Record<string, { versions: string[] }> }).branches;
      const listed = branches['24.10']?.versions.includes('24.10.3') ? 'listed' : 'unlisted';
      const statuses = [];
      for (const target of ['x86/64', 'ath79/generic'])
        statuses.push((await isolate.ask(`/api/v1/revision/24.10.3/${target}`)).status);
      seen.push([listed, ...statuses].join(' '));
    }
    return seen;
  }

  it('is served within five minutes without a restart, and half of it target by target', async () => {
    const mirror = await openGoodMirror();
    const isolate = openIsolate(mirror);
    expect(new Set(await watch(isolate, 2))).toEqual(new Set(['unlisted 400 400']));
    const both = { ...x86, 'ath79/generic': 'mips_24kc' };
    mirror.publishVersions({ '24.10.3': both, '24.10.2': x86 });
    expect((await watch(isolate, 5)).at(-1)).toBe('listed 404 404');
    await mirror.publishTarget({ ...release, version: '24.10.3', revision: 'r3-3' });
    // Its other target is being copied: the sums are there, the rest is not.
    await mirror.publishTarget({ version: '24.10.3', target: 'ath79/generic', arch: 'mips_24kc' });
    const path = 'releases/24.10.3/targets/ath79/generic/profiles.json';
    const profiles = mirror.files.get(path) as string;
    mirror.files.delete(path);
    expect((await watch(isolate, 5)).at(-1)).toBe('listed 200 503');
    mirror.files.set(path, profiles);
    expect((await watch(isolate, 5)).at(-1)).toBe('listed 200 200');
  });

  it('is known to a new isolate although nobody else asked since', async () => {
    const mirror = await openGoodMirror();
    await answers(openIsolate(mirror));
    mirror.publishVersions({ '24.10.3': x86, '24.10.2': x86 });
    await mirror.publishTarget({ ...release, version: '24.10.3', revision: 'r3-3' });
    pass(300_000);
    const isolate = openIsolate(mirror);
    expect(await answers(isolate, ['/api/v1/revision/24.10.3/x86/64'])).toEqual([
      ['/api/v1/revision/24.10.3/x86/64', 200, { revision: 'r3-3' }],
    ]);
  });

  it('and withdrawn again is gone, for every route', async () => {
    const mirror = await openGoodMirror();
    const isolate = openIsolate(mirror);
    await answers(isolate);
    mirror.publishVersions({ '24.10.1': x86 });
    await vi.waitFor(
      async () => {
        pass(61_000);
        const statuses = (await answers(isolate, [...OF_TARGET, ...OF_ARCH])).map(([, status]) => status);
        expect(statuses).toEqual([400, 404, 404, 404]);
      },
      { timeout: 30_000 },
    );
  });
});

it('documents of one mirror are never given for those of another', async () => {
  const [one, other] = [await openGoodMirror(), await openGoodMirror()];
  await other.publishTarget({ ...release, revision: 'r9-9' });
  const revision = async (mirror: Mirror) => (await answers(openIsolate(mirror), OF_TARGET.slice(0, 1)))[0]?.[2];
  expect([await revision(one), await revision(other)]).toEqual([
    { revision: 'r28427-6df0e3d02a' },
    { revision: 'r9-9' },
  ]);
});
