import { describe, expect, it } from 'vitest';
import type { VersionsDocument } from '../../shared/upstream/catalogue-document.ts';
import { openClock, withCatalogue } from './catalogue.fixture.ts';
import { readingOf } from './compile.fixture.ts';
import { compileModels } from './compile-models.ts';
import { type Mirror, openGoodMirror, openMirror } from './mirror.fixture.ts';

const path = 'releases/24.10.2/.overview.json';
const versions: VersionsDocument = {
  kind: 'versions',
  versions: [{ version: '24.10.2', branch: '24.10', targets: { 'x86/64': 'x86_64' } }],
  stableVersion: '24.10.2',
  oldstableVersion: '',
  upcomingVersion: '',
  fetchedAt: 0,
  checkedAt: 0,
};
const models = (mirror: Mirror) => compileModels(readingOf(mirror), '24.10.2', versions, 1000);
const device = (target: string) => ({ id: 'router', target, titles: [{ title: `Router of ${target}` }] });

describe('the document of all devices of a version', () => {
  it('is made from one file, whatever signs the rest', async () => {
    const mirror = await openGoodMirror();
    expect(await models(mirror)).toEqual({
      kind: 'models',
      version: '24.10.2',
      models: [{ model: 'generic', target: 'x86/64', profile: 'generic' }],
      fetchedAt: 1000,
      checkedAt: 1000,
    });
    expect(mirror.requests).toEqual([path]);
  });

  it('has no devices of targets that the version does not have', async () => {
    const mirror = await openMirror();
    mirror.files.set(path, JSON.stringify({ profiles: [device('x86/64'), device('x86/generic')] }));
    expect((await models(mirror))?.models.map(({ target }) => target)).toEqual(['x86/64']);
  });

  it('is not there where the file is not, and trouble where that is nonsense or a flood', async () => {
    const mirror = await openMirror();
    expect(await models(mirror)).toBeNull();
    mirror.files.set(path, '<html>');
    await expect(models(mirror)).rejects.toThrow(`${path}: expected JSON`);
    mirror.files.set(path, ' '.repeat((2 << 20) + 1));
    await expect(models(mirror)).rejects.toThrow('is larger than any such file should be');
  });
});

describe('the Catalogue', () => {
  const ask = (mirror: Mirror, version: string, clock = openClock()) =>
    withCatalogue(mirror, clock, (catalogue) => catalogue.models(version));

  it('keeps what it was while the mirror is down, and asks for it conditionally', async () => {
    const mirror = await openGoodMirror();
    const clock = openClock();
    const first = await ask(mirror, '24.10.2', clock);
    expect(first.state).toBe('found');
    clock.ms += 60_000;
    mirror.requests.length = 0;
    expect((await ask(mirror, '24.10.2', clock)).state).toBe('found');
    expect(mirror.requests).toContain(`${path} if-none-match`);
    mirror.weather.set('*', () => Promise.reject(new Error('connection refused')));
    clock.ms += 60_000;
    expect(await ask(mirror, '24.10.2', clock)).toMatchObject({ state: 'found' });
  });

  it('asks the mirror for no version that it does not have', async () => {
    const mirror = await openGoodMirror();
    for (const version of ['24.10.9', '../24.10.2', '__proto__'])
      expect(await ask(mirror, version)).toEqual({ state: 'unknown' });
    expect(mirror.requests.filter((request) => request.includes('.overview.json'))).toEqual([]);
  });
});
