/**
 * The grammar of a request, row by row, as the server applies it: what a field may hold, what it may not, and the words in
 * which it is told, which people search for. The values are those of the one table that the schema and its document are held to.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildRequestSchema } from '../../shared/request/build-request.ts';
import { ACCEPTED, REFUSED } from '../../shared/request/request-grammar.fixture.ts';
import { app } from '../app.ts';
import { env, foremanStats, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post, rowsOf } from '../edge.fixture.ts';

type Field = keyof typeof buildRequestSchema.shape;
const FIELDS = Object.keys(buildRequestSchema.shape) as Field[];

beforeAll(async () => {
  const mirror = await openUpstream();
  const profiles = { profiles: { a: { supported_devices: ['a'] }, b: {} } };
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'ath79/generic': 'mips_24kc' } });
  await mirror.publishTarget({ version: '24.10.2', target: 'ath79/generic', arch: 'mips_24kc', profiles });
  mirror.publishArch('24.10.2', 'mips_24kc', { base: { curl: '8.1-r1' } });
});

/** Nothing here is built: what is not refused for its grammar is for another reason. So nothing may leave a trace either. */
afterAll(async () => {
  expect((await foremanStats()).calls).toEqual({});
  expect(await rowsOf(foremanStub(), 'builds')).toEqual([]);
  expect((await env.CACHE.list({ prefix: 'result/' })).keys).toEqual([]);
});

/** Conditions that do not hold, which is found out after the grammar was checked and before anything is built. */
const neverBuilt = (field: Field): object =>
  field === 'packages_versions' ? { version_code: 'r0-none' } : { packages_versions: { curl: '0' } };

const refusal = async (request: unknown, status: number): Promise<Record<string, unknown>> => {
  const body = await jsonOf(await post(request));
  expect(body).toMatchObject({ status });
  return body;
};

/** The same server with other settings. */
async function postTo(settings: Readonly<Record<string, string>>, fields: object): Promise<Response> {
  const body = JSON.stringify({ ...GOOD_REQUEST, ...neverBuilt('client'), ...fields });
  return app.request('https://asu.example/api/v1/build', { method: 'POST', body }, { ...env, ...settings });
}

describe.each(FIELDS)('`%s`', (field) => {
  const values = ACCEPTED.filter(([name]) => name === field).map(([, value]) => [value]);
  const others = REFUSED.filter(([name, value]) => name === field && !Number.isNaN(value)).map(([, value, path]) => [
    value,
    path ?? field,
  ]);

  it('has rows in both tables', () => {
    // A boolean has no more values than two.
    expect(values.length).toBeGreaterThan(field === 'diff_packages' ? 0 : 1);
    expect(others.length).toBeGreaterThan(1);
  });

  it.each(values)('may be %j', async (value) => {
    const response = await post({ ...GOOD_REQUEST, ...neverBuilt(field), [field]: value });
    const { detail } = await jsonOf(response);
    // Refused by catalogue, policy or condition, and never for its grammar.
    expect([response.status, detail]).toEqual([
      expect.toSatisfy((status) => [400, 500].includes(status)),
      expect.any(String),
    ]);
  });

  it.each(others)('may not be %j: 422 naming %j', async (value, path) => {
    const { detail, errors } = await refusal({ ...GOOD_REQUEST, [field]: value }, 422);
    const [first] = errors as { path: string; message: string }[];
    expect((errors as { path: string }[]).map((error) => error.path)).toContain(path);
    expect(detail).toBe(`${first?.path}: ${first?.message}`);
  });
});

describe('required', () => {
  it.each(['version', 'target', 'profile'])('`%s` must be there, and must not be null', async (field) => {
    for (const value of [undefined, null]) {
      const { errors } = await refusal({ ...GOOD_REQUEST, [field]: value }, 422);
      expect(errors).toMatchObject([{ path: field }]);
    }
  });
});

describe('what is well formed and does not exist is refused in the words that people search for', () => {
  const FORUMS = 'Please check the forums';
  it.each<[field: Field, fields: object, detail: string]>([
    ['distro', { distro: 'debian' }, 'Unsupported distro: debian'],
    ['version', { version: '19.07.1' }, 'Unsupported branch: 19.07.1'],
    ['version', { version: '21.02.7' }, 'Unsupported branch: 21.02.7'],
    ['version', { version: 'latest' }, 'Unsupported branch: latest'],
    ['version', { version: '24.10.99' }, 'Unsupported version: 24.10.99'],
    [
      'target',
      { target: 'x86/65' },
      `Unsupported target: x86/65. The requested target was either dropped, is still being built or is not supported by the selected version. ${FORUMS} or try again later.`,
    ],
    ...['nosuch', '__proto__', 'tplink,archer-c7-v4'].map((profile): [Field, object, string] => [
      'profile',
      { profile, target: 'ath79/generic' },
      `Unsupported profile: ${profile}. The requested profile was either dropped or never existed. ${FORUMS} for more information.`,
    ]),
    [
      'repositories',
      { repositories: { x: 'https://feeds.example/x' } },
      'Repository not allowed: https://feeds.example/x',
    ],
  ])('`%s`: %j', async (_, fields, detail) => {
    expect(await refusal({ ...GOOD_REQUEST, ...fields }, 400)).toMatchObject({ detail, title: 'Bad Request' });
  });

  it('`version_code`: another revision than upstream has, told before anything is built', async () => {
    expect(await refusal({ ...GOOD_REQUEST, version_code: 'r1-a' }, 500)).toMatchObject({
      detail: 'Error: Received incorrect version r28427-6df0e3d02a (requested r1-a)',
      error_kind: 'revision_changed',
    });
  });

  it('`packages_versions`: another version than upstream has', async () => {
    expect(await refusal({ ...GOOD_REQUEST, packages_versions: { curl: '7' } }, 500)).toMatchObject({
      detail: 'Error: Impossible package selection: curl version not as requested: 7 vs. 8.1-r1',
      error_kind: 'version_mismatch',
    });
  });
});

describe("what is a server's own to decide", () => {
  it('`defaults` need a server that takes them', async () => {
    const response = await postTo({ ALLOW_DEFAULTS: '0' }, { defaults: 'x' });
    expect(await jsonOf(response)).toMatchObject({ status: 400, detail: 'Handling `defaults` not enabled on server' });
    // None is none.
    expect((await postTo({ ALLOW_DEFAULTS: '0' }, { defaults: '' })).status).toBe(500);
  });

  it('`defaults` have at most so many bytes, not characters', async () => {
    for (const [defaults, status] of [
      ['é'.repeat(10_240), 500],
      [`${'é'.repeat(10_240)}x`, 422],
    ] as const) {
      const body = await jsonOf(await postTo({}, { defaults }));
      expect(body.status).toBe(status);
      expect(JSON.stringify(body)).not.toContain('éé');
    }
    expect(await jsonOf(await postTo({ MAX_DEFAULTS_LENGTH: '5' }, { defaults: 'sixsix' }))).toMatchObject({
      status: 422,
      errors: [{ path: 'defaults' }],
    });
  });

  it.each([
    [1024, 500],
    ['1024', 500],
    [1025, 422],
    ['1025', 422],
  ])('`rootfs_size_mb` of %j is answered %i', async (rootfs_size_mb, status) => {
    const body = await jsonOf(await postTo({}, { rootfs_size_mb }));
    expect(body).toMatchObject(status === 422 ? { status, errors: [{ path: 'rootfs_size_mb' }] } : { status });
  });

  it.each([
    ['https://feeds.example/24.10/x', 500],
    ['https://feeds.example/24.10', 400],
    ['https://feeds.example/24.10x/', 400],
    ['http://feeds.example/24.10/x', 400],
    ['https://feeds.example:8443/24.10/x', 400],
    ['https://feeds.example.evil.example/24.10/x', 400],
    ['https://feeds.example@evil.example/24.10/x', 400],
    ['https://user@feeds.example/24.10/x', 400],
    ['https://feeds.example/24.10/../x', 400],
    ['https://feeds.example/24.10/%2e%2e/x', 400],
    ['https://feeds.example/24.10/..%2fx', 400],
    ['https://feeds.example\\24.10\\x', 400],
  ])('`repositories` may lie below a prefix that is allowed: %s is answered %i', async (url, status) => {
    const REPOSITORY_ALLOW_LIST = '["https://feeds.example/24.10/"]';
    const body = await jsonOf(await postTo({ REPOSITORY_ALLOW_LIST }, { repositories: { x: url } }));
    expect(body).toMatchObject(status === 400 ? { status, detail: `Repository not allowed: ${url}` } : { status });
  });
});

describe('of any field', () => {
  it('those that nobody knows are ignored', async () => {
    const older = { packages_hash: 'abc', filesystem_size: {}, constructor: 'x', '': 0 };
    expect((await refusal({ ...GOOD_REQUEST, ...older, version_code: 'r1-a' }, 500)).error_kind).toBe(
      'revision_changed',
    );
  });

  it('a value that is refused is not repeated', async () => {
    const response = await post({ ...GOOD_REQUEST, profile: 7, defaults: 'hunter2', repository_keys: ['hunter2'] });
    expect([response.status, await response.text()]).toEqual([422, expect.not.stringContaining('hunter2')]);
  });
});
