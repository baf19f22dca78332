import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import {
  ask,
  env,
  foremanStats,
  foremanStub,
  GOOD_REQUEST,
  jsonOf,
  openUpstream,
  post,
  rowsOf,
} from '../edge.fixture.ts';

beforeAll(async () => {
  const mirror = await openUpstream();
  const profiles = { profiles: { a: { supported_devices: ['a'] }, b: {} } };
  mirror.publishVersions({ '24.10.2': { 'x86/64': 'x86_64', 'x86/generic': 'i386', 'ath79/generic': 'mips_24kc' } });
  mirror.weather.set('releases/24.10.2/targets/x86/generic/sha256sums', () => new Response('', { status: 503 }));
  await mirror.publishTarget({ version: '24.10.2', target: 'ath79/generic', arch: 'mips_24kc', profiles });
  mirror.publishArch('24.10.2', 'mips_24kc', { base: { curl: '8.1-r1' } });
});

/** Nothing that is refused here may cost the Foreman anything, nor leave a trace. */
afterAll(async () => {
  expect((await foremanStats()).calls).toEqual({});
  expect(await rowsOf(foremanStub(), 'builds')).toEqual([]);
  expect(await rowsOf(foremanStub(), 'leases')).toEqual([]);
  expect((await env.CACHE.list({ prefix: 'result/' })).keys).toEqual([]);
});

const body = async (response: Response, status: number) => {
  const json = await jsonOf(response);
  expect([response.status, json]).toMatchObject([status, {}]);
  return json;
};

describe('a body that is no request is refused in a sentence', () => {
  it.each([
    ['nothing', '', 'body: expected JSON'],
    ['text', 'hello', 'body: expected JSON'],
    ['half a request', JSON.stringify(GOOD_REQUEST).slice(0, -1), 'body: expected JSON'],
    ['a request and a half', `${JSON.stringify(GOOD_REQUEST)}}`, 'body: expected JSON'],
    ['JSON with a comment', `/**/${JSON.stringify(GOOD_REQUEST)}`, 'body: expected JSON'],
    ['a form', 'version=24.10.2&target=x86/64', 'body: expected JSON'],
    ['null', 'null', 'body: Invalid input: expected object, received null'],
    ['a list', '[]', 'body: Invalid input: expected object, received array'],
    ['a string', '"x"', 'body: Invalid input: expected object, received string'],
    ['a number', '1', 'body: Invalid input: expected object, received number'],
    [
      'deep nesting',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      'body: Invalid input: expected object, received array',
    ],
  ])('%s', async (_, text, detail) => {
    expect(await body(await post(text), 422)).toMatchObject({ detail, title: 'Unprocessable Content' });
  });

  it('bytes that are no UTF-8', async () => {
    const bytes = Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d);
    const response = await ask('/api/v1/build', { method: 'POST', body: bytes });
    expect(await body(response, 422)).toMatchObject({ detail: expect.stringMatching(/^body: expected UTF-8/) });
  });
});

describe('a request of the wrong shape is refused by the name of its field', () => {
  const PACKAGES = ['$(reboot)', '`reboot`', ';reboot', "'", '"', 'vim\n', '../../etc/passwd', '', 'x.ipk'];
  it.each<[string, unknown, string]>([
    ...Object.keys(GOOD_REQUEST).flatMap((field): [string, unknown, string][] => [
      [`without its ${field}`, { ...GOOD_REQUEST, [field]: undefined }, field],
      [`with null as its ${field}`, { ...GOOD_REQUEST, [field]: null }, field],
      [`with a number as its ${field}`, { ...GOOD_REQUEST, [field]: 24 }, field],
      [`with a climbing ${field}`, { ...GOOD_REQUEST, [field]: '../../x' }, field],
    ]),
    ...PACKAGES.map((name): [string, unknown, string] => [
      `with the package ${JSON.stringify(name)}`,
      { ...GOOD_REQUEST, packages: ['vim', name] },
      'packages.1',
    ]),
    ['with five thousand packages', { ...GOOD_REQUEST, packages: Array(5000).fill('vim') }, 'packages'],
    ['with one text as its packages', { ...GOOD_REQUEST, packages: 'vim' }, 'packages'],
    ['with a size of true', { ...GOOD_REQUEST, rootfs_size_mb: true }, 'rootfs_size_mb'],
    ['with a size above the limit', { ...GOOD_REQUEST, rootfs_size_mb: 1025 }, 'rootfs_size_mb'],
    ['with a file system of its own', { ...GOOD_REQUEST, filesystem: 'ntfs' }, 'filesystem'],
    ['with defaults above the limit', { ...GOOD_REQUEST, defaults: 'x'.repeat(20_481) }, 'defaults'],
    ['with a client without end', { ...GOOD_REQUEST, client: 'x'.repeat(101) }, 'client'],
  ])('%s', async (_, request, path) => {
    const json = await body(await post(request), 422);
    expect(json.detail).toMatch(new RegExp(`^${path}: `));
    expect((json.errors as { path: string; message: string }[])[0]).toMatchObject({
      path,
      message: expect.any(String),
    });
  });
});

describe('what does not exist is refused in the words that people search for', () => {
  it.each<[string, object, string]>([
    ['distro', { distro: 'debian' }, 'Unsupported distro: debian'],
    ['branch', { version: '19.07.1' }, 'Unsupported branch: 19.07.1'],
    ['branch that is disabled', { version: '21.02.7' }, 'Unsupported branch: 21.02.7'],
    ['branch that is no word of ours', { version: 'latest' }, 'Unsupported branch: latest'],
    ['version', { version: '24.10.99' }, 'Unsupported version: 24.10.99'],
    [
      'target',
      { target: 'x86/65' },
      'Unsupported target: x86/65. The requested target was either dropped, is still being built or is not supported by the selected version. Please check the forums or try again later.',
    ],
    ...['nosuch', '__proto__', 'tplink,archer-c7-v4'].map((profile): [string, object, string] => [
      `profile (${profile})`,
      { profile, target: 'ath79/generic' },
      `Unsupported profile: ${profile}. The requested profile was either dropped or never existed. Please check the forums for more information.`,
    ]),
    [
      'repository',
      { repositories: { x: 'https://feeds.example/x' } },
      'Repository not allowed: https://feeds.example/x',
    ],
  ])('an unknown %s', async (_, fields, detail) => {
    expect(await body(await post({ ...GOOD_REQUEST, ...fields }), 400)).toMatchObject({ detail, title: 'Bad Request' });
  });

  it('an outdated revision, told before anything is built', async () => {
    expect(await body(await post({ ...GOOD_REQUEST, version_code: 'r1-a' }), 500)).toMatchObject({
      detail: 'Error: Received incorrect version r28427-6df0e3d02a (requested r1-a)',
      error_kind: 'revision_changed',
    });
  });

  it('a version of a package that upstream does not have', async () => {
    expect(await body(await post({ ...GOOD_REQUEST, packages_versions: { curl: '7' } }), 500)).toMatchObject({
      detail: 'Error: Impossible package selection: curl version not as requested: 7 vs. 8.1-r1',
    });
  });
});

describe('a body above 256 KiB is refused', () => {
  const TEN_MB = 10 * 1024 * 1024;
  const detail = 'Request body too large: expected at most 262144 bytes';

  it('when its length says so, without being read', async () => {
    const response = await ask('/api/v1/build', {
      method: 'POST',
      headers: { 'content-length': String(TEN_MB) },
      body: ' '.repeat(TEN_MB),
    });
    expect(await body(response, 413)).toMatchObject({ detail, title: 'Content Too Large' });
  });

  it('when its bytes do, sent in chunks without a length; the rest is not read', async () => {
    let sent = 0;
    const chunk = new TextEncoder().encode(' '.repeat(64 * 1024));
    const chunks = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        if (sent > TEN_MB) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const response = await ask('/api/v1/build', { method: 'POST', body: chunks });
    expect(await body(response, 413)).toMatchObject({ detail });
    expect(sent).toBeLessThan(TEN_MB / 2);
  });

  it('by one byte', async () => {
    const request = JSON.stringify({ ...GOOD_REQUEST, version: 'latest' });
    const padded = request + ' '.repeat(256 * 1024 - request.length);
    expect((await body(await post(padded), 400)).detail).toBe('Unsupported branch: latest');
    await body(await post(`${padded} `), 413);
  });
});

test('what upstream does not give now is our trouble, to be asked again, with the reason', async () => {
  const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const response = await post({ ...GOOD_REQUEST, target: 'x86/generic' });
  expect(response.headers.get('retry-after')).toBe('60');
  expect(await body(response, 503)).toMatchObject({
    error_kind: 'upstream_unavailable',
    detail: expect.stringContaining('not a fault of your request'),
    reason: expect.stringContaining('sha256sums'),
  });
  log.mockRestore();
});

test('a refusal does not repeat a secret', async () => {
  const response = await post({ ...GOOD_REQUEST, profile: 7, defaults: 'hunter2', repository_keys: ['hunter2'] });
  expect(await response.text()).not.toContain('hunter2');
});
