import { describe, expect, it, test } from 'vitest';
import { requestEcho } from '../build/build-record.fixture.ts';
import { fc } from '../chance.fixture.ts';
import { intentHash, requestHash } from '../request/intent.ts';
import type { NormalizedRequest } from '../request/normalize-request.ts';
import { normalizedRequest } from '../request/normalized-request.fixture.ts';
import { distrosSchema, OPENWRT } from '../upstream/distro.ts';
import { keptText, MAX_KEPT_BYTES, readKept } from './kept-request.ts';

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
  sealedDefaults: request.defaultsMac === '' ? null : 'c2VhbGVk-_9',
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

const ofOther = (repository: string) => ({ ...OTHER, repositories: [repository] });

/** What a request may have at most, and the same with one more. */
const repository = (characters: number) => 'mine https://allowed.example/feeds/x'.padEnd(characters, 'x');
const target = (characters: number) => `${'t'.repeat(64)}/`.padEnd(characters, 's');
const key = (characters: number) => {
  const [before, after] = ['untrusted comment: ', `\nRW${'QA'.repeat(27)}`];
  return `${before}${'c'.repeat(characters - before.length - after.length)}${after}`;
};
const LARGEST = normalizedRequest({
  version: 'v'.repeat(64),
  target: target(128),
  profile: 'p'.repeat(128),
  addPackages: Array(4_096).fill('a'),
  removePackages: Array(4_096).fill('r'),
  rootfsSizeMb: 1024,
  repositories: Array(32).fill(repository(1024)),
  repositoryKeys: Array(32).fill(key(1024)),
});

test.each<[string, NormalizedRequest, object?, Partial<typeof POLICY>?]>([
  ['a plain request', PLAIN],
  ['one where nothing beside it is allowed', normalizedRequest(), {}, { allowDefaults: false, maxRootfsSizeMb: 0 }],
  ['one of an unknown ImageBuilder and of the first moment', PLAIN, { imageBuilder: '', enqueuedAt: 0 }],
  ['a private one', PRIVATE],
  ['one with an allowed feed', FOREIGN],
  ['one of a distribution with feeds of its own', OTHER],
  ['one whose architecture has a dash, a dot and a plus', ofOther('extra https://feeds.example/24.10/a-b.c+d_1/extra')],
  ['one at every limit', LARGEST],
  ['one with the smallest root file system', normalizedRequest({ rootfsSizeMb: 1 })],
])('%s comes back as it was kept', async (_, request, more = {}, policy = {}) => {
  const { requestHash: hash, ...fields } = buildOf(request, more);
  const intent = intentHash(POLICY.salt, request);
  const text = await keptText(buildOf(request, more), SEALING, NONCE);
  expect(text.length).toBeLessThan(MAX_KEPT_BYTES);
  expect(await read(text, hash, policy)).toEqual({ ok: true, kept: { ...fields, intentHash: intent } });
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
    const answer = await read(JSON.stringify({ format: 1, ...fields }), hash);
    expect(answer).toEqual({ ok: false, reason: 'a secret of it is missing, or was never sealed' });
  });
});

describe('what is not right is refused, without a word of what it holds', () => {
  const stored = async (request: NormalizedRequest, fields: object = {}) => {
    const text = await keptText(buildOf(request), SEALING, NONCE);
    return [JSON.stringify({ ...JSON.parse(text), ...fields }), hashOf(request)] as const;
  };

  const HASH = 'it is called by the hash of another request';
  const SECRET = 'a secret of it is missing, or was never sealed';
  const DISTRO = 'its distribution is not served here';
  const REPOSITORY = 'a repository of it is not allowed';
  const grammarOf = (place: string) => `not as it is written: ${place}`;

  it.each<[string, object, string]>([
    ['another generation than its name', { generation: 2 }, HASH],
    ['no generation that there is', { generation: 0 }, grammarOf('generation')],
    ['another request than its name', { request: normalizedRequest() }, HASH],
    ['an echo outside the grammar', { echo: requestEcho({ packages: ['; rm -rf /'] }) }, grammarOf('echo.packages.0')],
    [
      'conditions outside the grammar',
      { conditions: { version_code: '../', packages_versions: {} } },
      grammarOf('conditions.version_code'),
    ],
    ['a field that nobody writes', { more: 'hunter2' }, grammarOf('')],
    ['a field of the request that nobody writes', { request: { ...PLAIN, more: 'hunter2' } }, grammarOf('request')],
    ['no time', { enqueuedAt: 'hunter2' }, grammarOf('enqueuedAt')],
    ['a time before times', { enqueuedAt: -1 }, grammarOf('enqueuedAt')],
    ['a digest that is none', { upstreamDigest: 'hunter2' }, grammarOf('upstreamDigest')],
    ['an ImageBuilder that is none', { imageBuilder: 'hunter2' }, grammarOf('imageBuilder')],
    ['a script that is no base64', { sealedDefaults: 'hunter2=' }, grammarOf('sealedDefaults')],
    ['a script behind what is none', { sealedDefaults: '=hunter2' }, grammarOf('sealedDefaults')],
    ['a script without a byte', { sealedDefaults: '' }, grammarOf('sealedDefaults')],
    ['a script where none was asked for', { sealedDefaults: 'hunter2' }, SECRET],
    ['an echo that is a list', { echo: ['hunter2'] }, grammarOf('echo')],
    ['no request', { request: null }, grammarOf('request')],
    ['another format', { format: 2 }, grammarOf('format')],
  ])('%s', async (_, fields, reason) => {
    const [text, hash] = await stored(PLAIN, fields);
    const answer = await read(text, hash);
    expect(answer).toEqual({ ok: false, reason });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it.each([
    ['no JSON', '{', grammarOf('')],
    ['nothing', '', grammarOf('')],
    ['null', 'null', grammarOf('')],
    ['a number', '1', grammarOf('')],
    ['what was never sealed', '{"format":1,"sealed":"%"}', 'it was sealed by another key, or for another build'],
    ['something sealed, and more', '{"format":1,"sealed":"","more":1}', grammarOf('generation')],
    ['something sealed, of another format', '{"format":2,"sealed":""}', grammarOf('format')],
  ])('%s', async (_, text, reason) => expect(await read(text, hashOf(PLAIN))).toEqual({ ok: false, reason }));

  it('a private one without its script', async () => {
    const text = await keptText(buildOf(PRIVATE, { sealedDefaults: null }), SEALING, NONCE);
    expect(await read(text, hashOf(PRIVATE))).toEqual({ ok: false, reason: SECRET });
  });

  it.each<[string, Partial<NormalizedRequest>, string]>([
    ['a distribution of 64 characters that nobody serves', { distro: 'd'.repeat(64) }, DISTRO],
    ['a distribution of 65 characters', { distro: 'd'.repeat(65) }, grammarOf('request.distro')],
    ['a version that climbs', { version: '..' }, grammarOf('request.version')],
    ['a version that is its directory', { version: '.' }, grammarOf('request.version')],
    ['a version of 65 characters', { version: 'v'.repeat(65) }, grammarOf('request.version')],
    ['a target of 129 characters', { target: target(129) }, grammarOf('request.target')],
    ['a profile that is a pattern', { profile: '%' }, grammarOf('request.profile')],
    ['a profile of 129 characters', { profile: 'p'.repeat(129) }, grammarOf('request.profile')],
    ['a package that is a file', { addPackages: ['x.ipk'] }, grammarOf('request.addPackages.0')],
    ['a package to remove that is an option', { removePackages: ['-x'] }, grammarOf('request.removePackages.0')],
    ['a package too many', { addPackages: Array(4_097).fill('a') }, grammarOf('request.addPackages')],
    ['no root file system', { rootfsSizeMb: 0 }, grammarOf('request.rootfsSizeMb')],
    ['a script that has no digest', { defaultsMac: 'e' }, grammarOf('request.defaultsMac')],
    ['a key that is none', { repositoryKeys: ['x'] }, grammarOf('request.repositoryKeys.0')],
    ['a key that is too long', { repositoryKeys: [key(1025)] }, grammarOf('request.repositoryKeys.0')],
    ['a key too many', { repositoryKeys: Array(33).fill(key(1024)) }, grammarOf('request.repositoryKeys')],
    ['a repository that is too long', { repositories: [repository(1025)] }, grammarOf('request.repositories.0')],
    ['a repository too many', { repositories: Array(33).fill(repository(99)) }, grammarOf('request.repositories')],
    ['a repository of elsewhere', { repositories: ['mine https://evil.example/x'] }, REPOSITORY],
    [
      'a repository of elsewhere behind another',
      { repositories: [repository(99), 'x https://evil.example/'] },
      REPOSITORY,
    ],
    ['a repository with more behind it', { repositories: ['mine https://allowed.example/feeds x'] }, REPOSITORY],
    ['a repository whose name is a path', { repositories: ['a/b https://allowed.example/feeds'] }, REPOSITORY],
    ['a repository that is called by a dot', { repositories: ['. https://allowed.example/feeds'] }, REPOSITORY],
    ['a repository that is called by two', { repositories: ['.. https://allowed.example/feeds'] }, REPOSITORY],
    ['a feed that climbs out of its place', ofOther('extra https://feeds.example/24.10/../extra'), REPOSITORY],
    ['a feed of a deeper place', ofOther('extra https://feeds.example/24.10/x86_64/x/extra'), REPOSITORY],
    ['a feed with more behind it', ofOther('extra https://feeds.example/24.10/x/extra/x'), REPOSITORY],
    ['a feed of another host', ofOther('extra https://feedsxexample/24.10/x/extra'), REPOSITORY],
    ['a feed of another version', { ...OTHER, version: '23.05.5' }, REPOSITORY],
    ['a feed of another name', ofOther('mine https://feeds.example/24.10/x/extra'), REPOSITORY],
  ])('%s', async (_, fields, reason) => {
    const request = normalizedRequest(fields);
    const text = await keptText(buildOf(request), SEALING, NONCE);
    expect(await read(text, hashOf(request))).toEqual({ ok: false, reason });
  });

  it.each<[string, NormalizedRequest, Partial<typeof POLICY>, string]>([
    ['a repository that is not allowed any more', FOREIGN, { repositoryAllowList: [] }, REPOSITORY],
    [
      'a root file system that is not allowed any more',
      PLAIN,
      { maxRootfsSizeMb: 511 },
      'its root file system is too large',
    ],
    ['a script that is not allowed any more', PRIVATE, { allowDefaults: false }, '`defaults` are not allowed'],
    ['a distribution that is not served any more', OTHER, { distros: [OPENWRT] }, DISTRO],
    ['an identity that was disowned', PLAIN, { salt: 'another' }, HASH],
  ])('%s', async (_, request, policy, reason) => {
    const text = await keptText(buildOf(request), SEALING, NONCE);
    expect(await read(text, hashOf(request), policy)).toEqual({ ok: false, reason });
  });
});

describe('a feed of a distribution is that one to the letter', () => {
  /** What may stand in the path of a URL (repository-allow-list.ts), and so in the operator's. */
  const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+,=:-'];

  /** Whether a request whose feed is at `asked` comes back where the operator says that it is at `own`. */
  async function comesBack(own: string, asked: string): Promise<boolean> {
    const distros = distrosSchema.parse({ other: { feeds: { extra: `https://feeds.example/{arch}/${own}` } } });
    const request = ofOther(`extra https://feeds.example/x86_64/${asked}`);
    const { ok } = await read(await keptText(buildOf(request), SEALING, NONCE), hashOf(request), { distros });
    return ok;
  }

  it.each(LETTERS)('%s stands for itself alone', async (letter) => {
    const others = LETTERS.filter((other) => other !== letter);
    expect(await comesBack(`x${letter}`, `x${letter}`)).toBe(true);
    for (const other of others) expect(await comesBack(`x${letter}`, `x${other}`), other).toBe(false);
  });

  const name = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 12 }).map((text) => `x${text}`);

  it('whatever it is called', async () => {
    await fc.assert(
      fc.asyncProperty(name, name, async (own, other) => {
        expect(await comesBack(own, own)).toBe(true);
        expect(await comesBack(own, other)).toBe(own === other);
        const swapped = own.replace(/[A-Za-z]/g, (letter) =>
          letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
        );
        expect(await comesBack(own, swapped)).toBe(own === swapped);
      }),
    );
  });
});
