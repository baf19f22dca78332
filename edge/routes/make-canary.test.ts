/**
 * What must never reach `make`, in every field of a request that has words: refused here, in a sentence, and nothing of it
 * reaches the queue. Two fields are content and may hold anything: `defaults`, a script of the user's for the user's router,
 * and `client`, a name that is counted.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRequestSchema } from '../../shared/request/build-request.ts';
import { MAKE_CANARY } from '../../shared/request/make-canary.fixture.ts';
import { env, foremanStats, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post, rowsOf } from '../edge.fixture.ts';

beforeAll(async () => {
  await openUpstream();
});

afterAll(async () => {
  expect((await foremanStats()).calls).toEqual({});
  expect(await rowsOf(foremanStub(), 'builds')).toEqual([]);
  expect(await rowsOf(foremanStub(), 'leases')).toEqual([]);
  expect((await env.CACHE.list({ prefix: 'result/' })).keys).toEqual([]);
});

const url = (value: string) => `https://feeds.example/${value}`;
/** A computed key, since `__proto__` and the like are keys as well. */
const keyed = (key: string, value: unknown) => Object.fromEntries([[key, value]]);

const places: Record<string, (value: string) => unknown> = {
  distro: (value) => value,
  version: (value) => value,
  version_code: (value) => value,
  target: (value) => value,
  'target, behind a slash': (value) => `x86/${value}`,
  profile: (value) => value,
  packages: (value) => ['vim', value],
  'packages, removed': (value) => [`-${value}`],
  'packages, with a plus': (value) => [`+${value}`],
  'packages_versions, name': (value) => keyed(value, '1'),
  'packages_versions, version': (value) => ({ vim: value }),
  diff_packages: (value) => value,
  rootfs_size_mb: (value) => value,
  'rootfs_size_mb, behind a number': (value) => `104${value}`,
  filesystem: (value) => value,
  'filesystem, behind one': (value) => `squashfs${value}`,
  'repositories, name': (value) => keyed(value, url('x')),
  'repositories, URL': (value) => ({ x: value }),
  'repositories, in a URL': (value) => ({ x: url(value) }),
  repositories_mode: (value) => value,
  repository_keys: (value) => [value],
  'repository_keys, in a comment': (value) => [`untrusted comment: ${value}`],
};

/** Held against what upstream has, and never passed on as it was written: there a word may be any. */
const COMPARED = ['version_code', 'profile', 'packages_versions, version'];

const fieldOf = (place: string): string => place.split(',')[0] ?? '';

it('every field has a place here, but for the two that are content', () => {
  const fields = new Set([...Object.keys(places).map(fieldOf), 'defaults', 'client']);
  expect([...fields].sort()).toEqual(Object.keys(buildRequestSchema.shape).sort());
});

describe.each(Object.keys(places))('%s', (place) => {
  it('refuses each of them', async () => {
    for (const { value, isWord } of MAKE_CANARY) {
      if (isWord && COMPARED.includes(place)) continue;
      const response = await post({ ...GOOD_REQUEST, [fieldOf(place)]: places[place]?.(value) });
      const body = await jsonOf(response);
      expect([400, 422], `${JSON.stringify(value)}: ${response.status} ${body.detail}`).toContain(response.status);
    }
  });
});
