/** What the Catalogue answers while its upstream does not. */
import { describe, expect, it } from 'vitest';
import { askTarget, directory, documentOf, down, refreshMs, targetId } from './asked-catalogue.fixture.ts';
import { openClock, withCatalogue } from './catalogue.fixture.ts';
import { type Mirror, openGoodMirror } from './mirror.fixture.ts';

describe('weather upstream', () => {
  const storms: [string, (mirror: Mirror) => void | Promise<void>][] = [
    ['is down', (mirror) => void mirror.weather.set('*', down)],
    ['answers 503', (mirror) => void mirror.weather.set('*', () => new Response('', { status: 503 }))],
    [
      'answers a web page with status 200',
      (mirror) => void mirror.weather.set('*', () => new Response('<html>Log in</html>')),
    ],
    [
      'is halfway through publishing',
      async (mirror) => {
        await mirror.publishTarget({ ...targetId, arch: 'x86_64', revision: 'r2-2' });
        mirror.files.set(`${directory}/profiles.json`, '{"of":"yesterday"}');
      },
    ],
    ['lost the target for a moment', (mirror) => void mirror.files.delete(`${directory}/sha256sums`)],
    ['is signed by a stranger', (mirror) => void mirror.files.set(`${directory}/sha256sums.sig`, '<html>')],
    [
      'sends half a file',
      (mirror) =>
        void mirror.weather.set(
          `${directory}/sha256sums`,
          () => new Response('abc', { headers: { 'Content-Length': '99' } }),
        ),
    ],
  ];
  it.each(storms)(
    'when the mirror %s, the last good copy is served with its old time, also after an eviction',
    async (_, storm) => {
      const mirror = await openGoodMirror();
      const clock = openClock();
      const good = await askTarget(mirror, clock);
      await storm(mirror);
      clock.ms += 86_400_000;
      expect(await askTarget(mirror, clock)).toEqual(good);
      expect(await askTarget(mirror, clock)).toEqual(good);
    },
  );

  it('is not made worse: a mirror in trouble is asked for a document once in ten seconds', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    await askTarget(mirror, clock);
    mirror.weather.set('*', down);
    clock.ms += refreshMs;
    await withCatalogue(mirror, clock, async (catalogue) => {
      mirror.requests.length = 0;
      for (let n = 0; n < 20; n++) await catalogue.versions();
      expect(mirror.requests).toEqual(['.versions.json if-none-match', '.versions.json if-none-match']);
      clock.ms += 10_000;
      mirror.weather.clear();
      expect(documentOf(await catalogue.versions()).checkedAt).toBe(clock.ms);
    });
  });

  it('with nothing known yet is said with its reason, and over when it is over', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    mirror.weather.set(`${directory}/profiles.json`, () => new Response('', { status: 500 }));
    await withCatalogue(mirror, clock, async (catalogue) => {
      expect(await catalogue.target('24.10.2', 'x86/64')).toEqual({
        state: 'unavailable',
        reason: `${directory}/profiles.json: answered 500`,
      });
      mirror.weather.clear();
      expect((await catalogue.target('24.10.2', 'x86/64')).state).toBe('unavailable');
      clock.ms += 10_000;
      expect((await catalogue.target('24.10.2', 'x86/64')).state).toBe('found');
    });
  });

  it('that hides the list of versions makes nothing unknown', async () => {
    const mirror = await openGoodMirror();
    mirror.weather.set('.versions.json', () => new Response('', { status: 404 }));
    expect(await askTarget(mirror, openClock())).toMatchObject({
      state: 'unavailable',
      reason: expect.stringContaining('.versions.json'),
    });
  });
});
