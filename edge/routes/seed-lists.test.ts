/** Section 5 of the seed API as far as it is about what there is, and `packages_image` of section 1. */
import { afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { type Mirror, openGoodMirror } from '../catalogue/mirror.fixture.ts';
import { type Isolate, openIsolate } from '../isolate.fixture.ts';

const DISTROS = JSON.stringify({
  lime: { alias: 'LibreMesh', description: 'Meshes', packages: ['lime-system'] },
  plain: {},
});
let mirror: Mirror;
let isolate: Isolate;

beforeAll(async () => {
  mirror = await openGoodMirror();
  mirror.publishVersions({
    '24.10.2': { 'x86/64': 'x86_64', 'ath79/generic': 'mips_24kc' },
    '24.10.1': { 'x86/64': 'x86_64' },
    SNAPSHOT: { 'x86/64': 'x86_64' },
  });
  const titled = (...titles: object[]) => ({
    titles,
    device_packages: ['kmod-usb2', '-dnsmasq'],
    supported_devices: [],
  });
  const profiles = {
    'tplink_archer-c7-v2': titled({ vendor: 'TP-Link', model: 'Archer C7', variant: 'v2' }),
    'tplink_archer-c7-v5': {
      ...titled({ vendor: 'TP-Link', model: 'Archer C7', variant: 'v5' }),
      supported_devices: ['tplink,c7'],
    },
    odd: titled({ title: '100%_sure' }),
  };
  await mirror.publishTarget({
    version: '24.10.2',
    target: 'ath79/generic',
    arch: 'mips_24kc',
    profiles: { profiles },
  });
  isolate = openIsolate(mirror, { DISTROS });
});
afterEach(() => vi.restoreAllMocks());

const get = async (path: string, from = isolate) => {
  const response = await from.ask(path);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return { status: response.status, body: await response.json() };
};
const ok = async (path: string) => {
  const { status, body } = await get(path);
  expect([status, body]).toEqual([200, body]);
  return body as never;
};
const models = async (query: string): Promise<{ model: string }[]> =>
  ok(`/api/models?distro=openwrt&version=24.10.2${query}`);
const names = async (query: string) => (await models(query)).map(({ model }) => model);

test('GET /api/distros', async () => {
  expect(await ok('/api/distros')).toEqual([
    { name: 'openwrt', alias: 'OpenWrt', latest: '24.10.2', description: expect.any(String) },
    { name: 'lime', alias: 'LibreMesh', latest: '24.10.2', description: 'Meshes' },
    { name: 'plain', alias: 'plain', latest: '24.10.2', description: '' },
  ]);
});

test('GET /api/distributions', async () => {
  const answer: Record<string, { versions: object }> = await ok('/api/distributions');
  expect(answer.lime).toEqual({
    distro_alias: 'LibreMesh',
    latest: '24.10.2',
    distro_description: 'Meshes',
    versions: {
      SNAPSHOT: { version_description: expect.any(String) },
      '24.10.2': { version_description: expect.any(String) },
      '24.10.1': { version_description: expect.any(String) },
    },
  });
  expect(Object.keys(answer.lime?.versions ?? {})).toEqual(['SNAPSHOT', '24.10.2', '24.10.1']);
  expect(Object.keys(answer)).toEqual(['openwrt', 'lime', 'plain']);
});

describe('GET /api/versions', () => {
  it('lists the versions of all distributions, newest first', async () => {
    const listed: { distro: string; version: string }[] = await ok('/api/versions');
    expect(listed.map(({ distro, version }) => `${version} ${distro}`)).toEqual(
      ['SNAPSHOT', '24.10.2', '24.10.1'].flatMap((version) =>
        ['openwrt', 'lime', 'plain'].map((distro) => `${version} ${distro}`),
      ),
    );
  });

  it.each(['openwrt', 'OpenWrt', 'LEDE'])('of %s, lists those of one', async (distro) => {
    expect(await ok(`/api/versions?distro=${distro}`)).toEqual([
      { distro: 'openwrt', version: 'SNAPSHOT', alias: 'snapshot', description: expect.any(String), snapshots: true },
      {
        distro: 'openwrt',
        version: '24.10.2',
        alias: '24.10.2',
        description: 'Current stable release',
        snapshots: false,
      },
      { distro: 'openwrt', version: '24.10.1', alias: '24.10.1', description: 'Earlier release', snapshots: false },
    ]);
  });

  it('of no distribution in particular, lists all', async () => {
    expect(await ok('/api/versions?distro=')).toEqual(await ok('/api/versions'));
  });
});

describe('GET /api/models', () => {
  it('finds devices of all targets by a part of their name, whatever its case', async () => {
    expect(await models('&model_search=archer%20C7')).toEqual(
      ['v2', 'v5'].map((version) => ({
        model: `TP-Link Archer C7 ${version}`,
        target: 'ath79/generic',
        subtarget: 'generic',
        profile: `tplink_archer-c7-${version}`,
        distro: 'openwrt',
        version: '24.10.2',
      })),
    );
    expect(await names('&model_search=c7+V5')).toEqual(['TP-Link Archer C7 v5']);
    expect(await names('')).toEqual(['100%_sure', 'generic', 'TP-Link Archer C7 v2', 'TP-Link Archer C7 v5']);
  });

  it.each([
    ['%25', ['100%_sure']],
    ['_', ['100%_sure']],
    ['%25_s', ['100%_sure']],
    ['a_c', []],
    ['%', ['100%_sure']],
    ['.*', []],
    ['__proto__', []],
  ])('takes %s as it is', async (search, found) => {
    expect(await names(`&model_search=${search}`)).toEqual(found);
  });

  it('names the target without its subtarget to whoever asks for a subtarget', async () => {
    expect(await models('&model_search=v5&subtarget=')).toMatchObject([{ target: 'ath79', subtarget: 'generic' }]);
  });

  it('of another distribution is asked for by that name', async () => {
    expect(await ok('/api/models?distro=LiMe&version=24.10.2&model_search=v5')).toMatchObject([{ distro: 'lime' }]);
  });

  it('is unavailable, not empty, where the mirror has no list of them', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { status, body } = await get('/api/models?distro=openwrt&version=24.10.1');
    expect([status, body]).toMatchObject([503, { error_kind: 'upstream_unavailable' }]);
  });
});

describe('GET /api/packages_image', () => {
  const query = '/api/packages_image?distro=openwrt&version=24.10.2';
  const packages = ['base-files', 'kmod-usb2'];

  it('of the joined dialect is a list', async () => {
    expect(await ok(`${query}&target=ath79/generic&profile=tplink_archer-c7-v5`)).toEqual(packages);
    expect(await ok(`${query}&target=ath79%2Fgeneric&profile=tplink%2Cc7`)).toEqual(packages);
  });

  it('of the split dialect is an object', async () => {
    const split = `${query}&target=ath79&subtarget=generic&profile=tplink_archer-c7-v5`;
    expect(await ok(split)).toEqual({ packages });
    expect(await ok(split.replace('target=ath79', 'target=ath79/generic'))).toEqual({ packages });
  });

  it('of another distribution has its packages as well', async () => {
    expect(await ok(`${query.replace('openwrt', 'lime')}&target=ath79/generic&profile=odd`)).toEqual([
      ...packages,
      'lime-system',
    ]);
  });
});

const Q = 'distro=openwrt&version=24.10.2';
const LONG = 'x'.repeat(65);

describe('what is wrong with a query is told by its name', () => {
  it.each([
    ['/api/models', 'distro: expected a value, got none'],
    ['/api/models?distro=openwrt', 'version: expected a value, got none'],
    ['/api/models?version=24.10.2&model_search=x', 'distro: expected a value, got none'],
    ['/api/models?distro=&version=24.10.2', 'distro: expected a value, got none'],
    [`/api/models?${Q}&distro=lime`, 'distro: expected once, got 2 times'],
    [`/api/models?${Q}&model_search=a&model_search=b`, 'model_search: expected once, got 2 times'],
    [`/api/models?${Q}&model_search=${LONG}`, 'model_search: expected at most 64 characters, got 65'],
    [`/api/models?distro=${LONG}&version=1`, 'distro: expected at most 64 characters, got 65'],
    [`/api/versions?distro=${LONG}`, 'distro: expected at most 64 characters, got 65'],
    ['/api/versions?distro=a&distro=b', 'distro: expected once, got 2 times'],
    ['/api/packages_image', 'distro: expected a value, got none'],
    [`/api/packages_image?${Q}`, 'target: expected a value, got none'],
    [`/api/packages_image?${Q}&target=x86/64`, 'profile: expected a value, got none'],
    [`/api/packages_image?${Q}&target=x86&profile=generic`, 'subtarget: expected one, or a target with a slash in it'],
    [
      `/api/packages_image?${Q}&target=x86&subtarget=&profile=generic`,
      'subtarget: expected one, or a target with a slash in it',
    ],
    [`/api/packages_image?${Q}&target=x86/64&profile=a&profile=a`, 'profile: expected once, got 2 times'],
  ])('%s', async (path, error) => {
    expect(await get(path)).toEqual({
      status: 400,
      body: { error, detail: error, status: 400, error_kind: 'invalid_request' },
    });
  });

  it.each([
    ['/api/versions?distro=debian', 'unknown distribution debian'],
    ['/api/versions?distro=__proto__', 'unknown distribution __proto__'],
    ['/api/versions?distro=%25', 'unknown distribution %'],
    ['/api/models?distro=constructor&version=24.10.2', 'unknown distribution constructor'],
    ['/api/models?distro=openwrt&version=24.10.9', 'unknown version 24.10.9'],
    ['/api/models?distro=openwrt&version=__proto__', 'unknown version __proto__'],
    ['/api/models?distro=openwrt&version=24.10.%25', 'unknown version 24.10.%'],
    ['/api/models?distro=openwrt&version=..%2f24.10.2', 'unknown version ../24.10.2'],
    [`/api/packages_image?${Q}&target=x86/65&profile=generic`, 'unknown target x86/65'],
    [`/api/packages_image?${Q}&target=x86/6_&profile=generic`, 'unknown target x86/6_'],
    [`/api/packages_image?${Q}&target=..&subtarget=..&profile=generic`, 'unknown target ../..'],
    [`/api/packages_image?distro=openwrt&version=1&target=x86/64&profile=generic`, 'unknown version 1'],
    [`/api/packages_image?${Q}&target=ath79/generic&profile=__proto__`, 'unknown device __proto__'],
    [`/api/packages_image?${Q}&target=ath79/generic&profile=tplink%25`, 'unknown device tplink%'],
  ])('and what there is not: %s', async (path, error) => {
    expect(await get(path)).toEqual({
      status: 412,
      body: { error, detail: error, status: 412, error_kind: 'unsupported' },
    });
  });
});

const PATHS = [
  '/api/distros',
  '/api/distributions',
  '/api/versions',
  `/api/models?${Q}`,
  `/api/packages_image?${Q}&target=x86/64&profile=generic`,
  '/api/v1/stats/packages',
];

describe.each(PATHS)('%s', (path) => {
  it('is told in a few bytes to whoever has it, by a tag of its bytes', async () => {
    const first = await isolate.ask(path);
    expect([first.status, first.headers.get('cache-control')]).toEqual([200, 'public, max-age=60']);
    const etag = first.headers.get('etag') ?? '';
    const again = await isolate.ask(path, { headers: { 'if-none-match': etag } });
    expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
  });

  it('asks neither KV nor the Catalogue once this isolate has what it is made from', async () => {
    await isolate.ask(path);
    isolate.kvReads.length = 0;
    isolate.questions.length = 0;
    for (let times = 0; times < 10; times++) await isolate.ask(path);
    expect([isolate.kvReads, isolate.questions]).toEqual([[], []]);
  });

  it('is an error of the old API while nothing can be told, and not remembered as one', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const cold = openIsolate(await openGoodMirror(), {
      CATALOGUE: {
        getByName: () => {
          throw new Error('secret insides');
        },
      },
    });
    const { status, body } = await get(path, cold);
    expect([status, body]).toMatchObject([503, { error: expect.any(String), status: 503 }]);
    expect(JSON.stringify(body)).not.toContain('insides');
  });
});

describe('a search among 2,500 devices of 40 targets', () => {
  const targets = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`soc${n}/generic`, 'x86_64']));
  const device = (n: number) => ({
    id: `acme_device-${n}`,
    target: `soc${n % 40}/generic`,
    titles: [{ vendor: 'Acme', model: `Device ${n}`, variant: 'v1' }],
  });
  const search = '/api/models?distro=openwrt&version=24.10.2&model_search=';
  let large: Mirror;

  beforeAll(async () => {
    large = await openGoodMirror();
    large.publishVersions({ '24.10.2': targets });
    const profiles = Array.from({ length: 2_500 }, (_, n) => device(n));
    large.files.set('releases/24.10.2/.overview.json', JSON.stringify({ release: '24.10.2', profiles }));
  });

  it('takes one file of the mirror, then one read of KV, then nothing', async () => {
    const first = openIsolate(large);
    expect(await (await first.ask(`${search}device 2499`)).json()).toMatchObject([{ profile: 'acme_device-2499' }]);
    expect(large.requests.filter((path) => !path.endsWith('.targets.json'))).toEqual([
      '.versions.json',
      'releases/24.10.2/.overview.json',
    ]);
    large.requests.length = 0;
    const second = openIsolate(large);
    for (let n = 0; n < 100; n++) expect((await second.ask(`${search}${n}`)).status).toBe(200);
    expect([second.kvReads.length, second.questions, large.requests]).toEqual([1, [], []]);
  });

  it('is answered with so many, by name', async () => {
    const found = (await (await openIsolate(large).ask(search)).json()) as { model: string }[];
    expect(found).toHaveLength(100);
    expect(found.map(({ model }) => model)).toEqual(found.map(({ model }) => model).sort());
  });
});
