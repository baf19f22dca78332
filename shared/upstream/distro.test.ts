import { describe, expect, it, test } from 'vitest';
import { parseBuildRequest } from '../request/build-request.ts';
import { intentHash } from '../request/intent.ts';
import { checkPolicy, type NormalizedRequest, normalizeRequest } from '../request/normalize-request.ts';
import { requestPolicy } from '../request/request-policy.fixture.ts';
import { findBranch, OPENWRT_BRANCHES } from './branch.ts';
import { distrosSchema, feedUrl } from './distro.ts';
import { targetDocument } from './upstream.fixture.ts';

const KEY = 'RWTTEMbygz6X95lKDAulctZy3aj15823THXfyrfXgwGbxZlXBd2brNcw';
const distros = distrosSchema.parse({
  libremesh: {
    feeds: { lime: 'https://feeds.example/{branch}/{arch}', extra: 'https://feeds.example/{version}/{target}/x' },
    keys: [KEY],
    packages: ['lime-system', 'vim'],
  },
});
const policy = requestPolicy({ distros, allowDefaults: false, maxDefaultsBytes: 0 });

function normalized(fields: Record<string, unknown>): NormalizedRequest {
  const base = { version: '24.10.2', target: 'ath79/generic', profile: 'glinet_gl-ar150' };
  const parsed = parseBuildRequest({ ...base, ...fields });
  const branch = findBranch(OPENWRT_BRANCHES, base.version);
  if (!parsed.ok || !branch) throw new Error(`expected a good request, got ${JSON.stringify(parsed)}`);
  checkPolicy(parsed.request, policy);
  return normalizeRequest(parsed.request, branch, targetDocument(), policy);
}

describe('what pages call a distribution', () => {
  const parsed = (fields: object) => distrosSchema.safeParse({ lime: fields });

  it('is what the operator calls it', () => {
    expect(parsed({ alias: 'LibreMesh', description: 'Für Netze' }).data?.[1]).toMatchObject({
      alias: 'LibreMesh',
      description: 'Für Netze',
    });
    expect(parsed({}).data?.[1]).toEqual({ name: 'lime', feeds: [], feedKeys: [], packages: [] });
  });

  it.each([
    { alias: '<b>' },
    { alias: 'a&b' },
    { alias: '' },
    { alias: 'x'.repeat(65) },
    { description: 'a\nb' },
    { description: 'x'.repeat(501) },
    { alias: 7 },
  ])('is no such thing as %j', (fields) => {
    expect(parsed(fields).success).toBe(false);
  });
});

describe('a request for another distribution', () => {
  it('gets its feeds for just this version and device, its keys and its packages', () => {
    expect(normalized({ distro: 'libremesh', packages: ['luci'] })).toMatchObject({
      distro: 'libremesh',
      addPackages: ['lime-system', 'luci', 'vim'],
      repositories: [
        'extra https://feeds.example/24.10.2/ath79/generic/x',
        'lime https://feeds.example/24.10/mips_24kc',
      ],
      repositoriesMode: 'append',
      repositoryKeys: [KEY],
    });
  });

  it('may do without one of its packages', () => {
    expect(normalized({ distro: 'libremesh', packages: ['-vim'] }).addPackages).toEqual(['lime-system']);
  });

  it('keeps its feeds where a client replaces those of upstream', () => {
    const repositories = { mine: 'https://feeds.example/mine' };
    const { repositories: feeds, repositoriesMode } = normalized({
      distro: 'libremesh',
      repositories,
      repositories_mode: 'replace',
    });
    expect([feeds.length, repositoriesMode]).toEqual([3, 'replace']);
  });

  it('is another image than the same of OpenWrt', () => {
    const hashes = ['openwrt', 'libremesh'].map((distro) => intentHash('1', normalized({ distro })));
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it.each([
    ['that nobody configured', { distro: 'LibreMesh' }, 'Unsupported distro: LibreMesh'],
    ['named like a property of objects', { distro: 'constructor' }, 'Unsupported distro: constructor'],
    [
      'with a feed under the name of one of its own',
      { distro: 'libremesh', repositories: { lime: 'https://feeds.example/evil' } },
      'Repository not allowed: lime is the name of a feed of libremesh',
    ],
  ])('%s is refused', (_, fields, detail) => {
    expect(() => normalized(fields)).toThrow(detail);
  });
});

test.each([
  ['24.10.2', 'https://f.example/24.10.2/24.10/mips_24kc/ath79/generic'],
  ['24.10-SNAPSHOT', 'https://f.example/24.10-SNAPSHOT/24.10/mips_24kc/ath79/generic'],
  ['SNAPSHOT', 'https://f.example/SNAPSHOT/SNAPSHOT/mips_24kc/ath79/generic'],
])('the feed of %s lies at %s', (version, url) => {
  const feed = { name: 'f', url: 'https://f.example/{version}/{branch}/{arch}/{target}' };
  expect(feedUrl(feed, { version, target: 'ath79/generic', arch: 'mips_24kc' })).toBe(url);
});
