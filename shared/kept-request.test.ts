import { describe, expect, it, test } from 'vitest';
import { requestEcho } from './build-record.fixture.ts';
import { distrosSchema, OPENWRT } from './distro.ts';
import { intentHash, requestHash } from './intent.ts';
import { keptText, readKept } from './kept-request.ts';
import type { NormalizedRequest } from './normalize-request.ts';
import { normalizedRequest } from './normalized-request.fixture.ts';

const SEALING = new Uint8Array(32).fill(7);
const NONCE = new Uint8Array(12).fill(1);
const DISTROS = distrosSchema.parse({
  other: { feeds: { extra: 'https://feeds.example/{branch}/{arch}/extra' }, keys: [], packages: [] },
});
const POLICY = {
  salt: 'salt',
  distros: DISTROS,
  allowDefaults: true,
  maxRootfsSizeMb: 1024,
  repositoryAllowList: ['https://allowed.example/feeds'],
};

const hashOf = (request: NormalizedRequest, generation = 1) =>
  requestHash(intentHash(POLICY.salt, request), generation);

const buildOf = (request: NormalizedRequest, fields: object = {}) => ({
  requestHash: hashOf(request),
  generation: 1,
  request,
  echo: requestEcho(),
  conditions: { version_code: 'r1', packages_versions: { curl: '8' } },
  sealedDefaults: request.defaultsMac === '' ? null : 'c2VhbGVk',
  upstreamDigest: 'd'.repeat(64),
  imageBuilder: 'b'.repeat(64),
  enqueuedAt: 1_763_000_000_000,
  ...fields,
});

const read = (text: string, hash: string, policy: Partial<typeof POLICY> = {}, sealing = SEALING) =>
  readKept(text, hash, sealing, { ...POLICY, ...policy });

const PLAIN = normalizedRequest({ addPackages: ['luci'], removePackages: ['ppp'], rootfsSizeMb: 512 });
const PRIVATE = normalizedRequest({ defaultsMac: 'e'.repeat(64) });
const FOREIGN = normalizedRequest({
  repositories: ['mine https://allowed.example/feeds/x'],
  repositoriesMode: 'replace',
});
const OTHER = normalizedRequest({ distro: 'other', repositories: ['extra https://feeds.example/24.10/x86_64/extra'] });

test.each([
  ['a plain request', PLAIN],
  ['a private one', PRIVATE],
  ['one with an allowed feed', FOREIGN],
  ['one of a distribution with feeds of its own', OTHER],
])('%s comes back as it was kept', async (_, request) => {
  const { requestHash: hash, ...fields } = buildOf(request);
  const intent = intentHash(POLICY.salt, request);
  const text = await keptText(buildOf(request), SEALING, NONCE);
  expect(await read(text, hash)).toEqual({ ok: true, kept: { ...fields, intentHash: intent } });
});

describe('a private one', () => {
  it('is not told anything of in clear', async () =>
    expect(Object.keys(JSON.parse(await keptText(buildOf(PRIVATE), SEALING, NONCE)))).toEqual(['format', 'sealed']));

  it('cannot be read by another key, nor in the place of another build', async () => {
    const text = await keptText(buildOf(PRIVATE), SEALING, NONCE);
    const refused = { ok: false, reason: expect.stringContaining('another key') };
    expect(await read(text, hashOf(PRIVATE), {}, new Uint8Array(32))).toEqual(refused);
    expect(await read(text, hashOf(PLAIN))).toEqual(refused);
  });

  it('in clear is one that nobody here wrote', async () => {
    const { requestHash: hash, ...fields } = buildOf(PRIVATE);
    expect(await read(JSON.stringify({ format: 1, ...fields }), hash)).toMatchObject({ ok: false });
  });
});

describe('what is not right is refused, without a word of what it holds', () => {
  const stored = async (request: NormalizedRequest, fields: object = {}) => {
    const text = await keptText(buildOf(request), SEALING, NONCE);
    return [JSON.stringify({ ...JSON.parse(text), ...fields }), hashOf(request)] as const;
  };

  it.each([
    ['another generation than its name', { generation: 2 }],
    ['another request than its name', { request: normalizedRequest() }],
    ['an echo outside the grammar', { echo: { ...requestEcho(), packages: ['; rm -rf /'] } }],
    ['conditions outside the grammar', { conditions: { version_code: '../', packages_versions: {} } }],
    ['a field that nobody writes', { more: 'hunter2' }],
    ['no time', { enqueuedAt: 'hunter2' }],
    ['a digest that is none', { upstreamDigest: 'hunter2' }],
    ['an echo that is a list', { echo: ['hunter2'] }],
    ['no request', { request: null }],
  ])('%s', async (_, fields) => {
    const [text, hash] = await stored(PLAIN, fields);
    const answer = await read(text, hash);
    expect(answer.ok).toBe(false);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '1'],
  ])('%s', async (_, text) => expect(await read(text, hashOf(PLAIN))).toMatchObject({ ok: false }));

  it.each<[string, NormalizedRequest, Partial<typeof POLICY>]>([
    ['a package that is a file', normalizedRequest({ addPackages: ['x.ipk'] }), {}],
    ['a profile that is a pattern', normalizedRequest({ profile: '%' }), {}],
    ['a version that climbs', normalizedRequest({ version: '..' }), {}],
    ['a repository of elsewhere', normalizedRequest({ repositories: ['mine https://evil.example/x'] }), {}],
    [
      'a repository with more behind it',
      normalizedRequest({ repositories: ['mine https://allowed.example/feeds x'] }),
      {},
    ],
    [
      'a feed that climbs out of its place',
      { ...OTHER, repositories: ['extra https://feeds.example/24.10/../x/extra'] },
      {},
    ],
    ['a feed of another name', { ...OTHER, repositories: ['mine https://feeds.example/24.10/x86_64/extra'] }, {}],
    ['a repository that is not allowed any more', FOREIGN, { repositoryAllowList: [] }],
    ['a root file system that is not allowed any more', PLAIN, { maxRootfsSizeMb: 511 }],
    ['a script that is not allowed any more', PRIVATE, { allowDefaults: false }],
    ['a distribution that is not served any more', OTHER, { distros: [OPENWRT] }],
    ['an identity that was disowned', PLAIN, { salt: 'another' }],
  ])('%s', async (_, request, policy) => {
    const text = await keptText(buildOf(request), SEALING, NONCE);
    expect(await read(text, hashOf(request), policy)).toMatchObject({ ok: false });
  });
});
