import { afterEach, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { type Mirror, openMirror, packagesText } from '../catalogue/mirror.fixture.ts';
import { jsonOf } from '../edge.fixture.ts';
import { type Isolate, openIsolate } from '../isolate.fixture.ts';

const RELEASE = '/json/v1/releases/24.10.2';
const x86 = { 'x86/64': 'x86_64' };
const router = {
  image_prefix: 'openwrt-acme_router',
  images: [{ name: 'router.bin', type: 'sysupgrade', filesystem: 'squashfs', sha256: 'ab' }],
  supported_devices: ['acme,router', 'old,name'],
  titles: [{ vendor: 'Acme', model: 'Router' }],
  device_packages: [],
};
let mirror: Mirror;

/** Two releases, one of each era, and two snapshots. */
beforeAll(async () => {
  mirror = await openMirror();
  mirror.publishVersions({ '25.12.0': x86, '24.10.2': x86, SNAPSHOT: x86, '24.10-SNAPSHOT': x86 });
  const ofAll = { target: 'x86/64', arch: 'x86_64', kmods: { 'kmod-e1000': '6.6.93-r1' } };
  for (const version of ['25.12.0', 'SNAPSHOT', '24.10-SNAPSHOT']) {
    await mirror.publishTarget({ ...ofAll, version, revision: `r1-${version.toLowerCase()}` });
    mirror.publishArch(version, 'x86_64', { base: { curl: '8.9-r1' }, luci: { 'luci-base': '26.1' } });
  }
  const profiles = { source_date_epoch: 1_727_094_886, profiles: { acme_router: router, generic: {} } };
  await mirror.publishTarget({ ...ofAll, version: '24.10.2', era: 'opkg', profiles });
  mirror.publishArch('24.10.2', 'x86_64', { base: { libx5: '1' }, luci: { 'luci-base': '25.1' } }, 'opkg');
  mirror.files.set(
    'releases/24.10.2/packages/x86_64/base/Packages',
    packagesText({ libx5: '1' }, { libx5: 'ABIVersion: 5' }),
  );
});
afterEach(() => vi.restoreAllMocks());

const get = async (path: string, isolate: Isolate = openIsolate(mirror)): Promise<unknown> => {
  const response = await isolate.ask(path);
  expect([path, response.status]).toEqual([path, 200]);
  expect(response.headers.get('cache-control')).toBe('public, max-age=60');
  return jsonOf(response);
};

describe('what clients read of a version', () => {
  it.each([
    ['a release', `${RELEASE}/targets/x86/64/index.json`],
    ['main', '/json/v1/snapshots/targets/x86/64/index.json'],
    ["a branch's snapshot", '/json/v1/releases/24.10-SNAPSHOT/targets/x86/64/index.json'],
  ])('has the packages of a target and the modules of its kernel, of %s', async (_, path) => {
    expect(await get(path)).toEqual({
      architecture: 'x86_64',
      packages: { 'base-files': '1', dnsmasq: '2.90', 'kmod-e1000': '6.6.93-r1' },
    });
  });

  it('has the packages of all feeds of an architecture, under the names that a manifest has', async () => {
    expect(await get(`${RELEASE}/packages/x86_64-index.json`)).toEqual({ libx: '1', 'luci-base': '25.1' });
    expect(await get('/json/v1/snapshots/packages/x86_64-index.json')).toEqual({
      curl: '8.9-r1',
      'luci-base': '26.1',
    });
  });

  it('has all devices of a version, by target and profile', async () => {
    expect(await get(`${RELEASE}/devices.json`)).toEqual({
      devices: { 'x86/64': { acme_router: ['Acme Router'], generic: ['generic'] } },
    });
    expect(await get('/json/v1/snapshots/devices.json')).toMatchObject({ devices: { 'x86/64': expect.any(Object) } });
  });

  it('is told that a mirror has no list of devices, and not that there are none', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    mirror.files.delete('releases/24.10-SNAPSHOT/.overview.json');
    const response = await openIsolate(mirror).ask('/json/v1/releases/24.10-SNAPSHOT/devices.json');
    expect([response.status, (await jsonOf(response)).error_kind]).toEqual([503, 'upstream_unavailable']);
  });

  it('has a device as upstream describes it, with what auc checks it by', async () => {
    const answer = await get(`${RELEASE}/targets/x86/64/acme_router.json`);
    expect(answer).toEqual({
      metadata_version: 1,
      target: 'x86/64',
      version_number: '24.10.2',
      version_code: 'r28427-6df0e3d02a',
      arch_packages: 'x86_64',
      default_packages: ['base-files', 'dnsmasq'],
      linux_kernel: expect.objectContaining({ version: '6.6.93' }),
      source_date_epoch: 1_727_094_886,
      ...router,
      id: 'acme_router',
      build_at: '2024-09-23T12:34:46.000000Z',
    });
    for (const name of ['acme,router', 'acme%2Crouter', 'old,name', 'old_name'])
      expect(await get(`${RELEASE}/targets/x86/64/${name}.json`)).toEqual(answer);
  });

  it.each(['nosuch', '__proto__', 'constructor', '%00', '..%2findex', 'index.json'])(
    'has an empty object for a device %s, by which auc knows that it is not in this version',
    async (name) => {
      expect(await get(`${RELEASE}/targets/x86/64/${name}.json`)).toEqual({});
    },
  );

  it('has nothing for any other name where the target has but generic devices', async () => {
    expect(await get('/json/v1/snapshots/targets/x86/64/qemu.json')).toEqual({});
    expect(await get('/json/v1/snapshots/targets/x86/64/generic.json')).toMatchObject({ id: 'generic' });
  });

  it.each([
    ['/json/v1/releases/24.10.9/targets/x86/64/index.json', 'no such version'],
    ['/json/v1/releases/24.10.9/devices.json', 'no such version'],
    ['/json/v1/releases/SNAPSHOT/devices.json', 'no such file'],
    ['/json/v1/releases/19.07.1/packages/x86_64-index.json', 'no such version'],
    ['/json/v1/releases/__proto__/targets/x86/64/generic.json', 'no such version'],
    ['/json/v1/releases/..%2fsnapshots/targets/x86/64/index.json', 'no such version'],
    [`${RELEASE}/targets/x86/65/index.json`, 'no such target in this version'],
    [`${RELEASE}/targets/x86/65/generic.json`, 'no such target in this version'],
    [`${RELEASE}/targets/__proto__/x/generic.json`, 'no such target in this version'],
    [`${RELEASE}/packages/mips_24kc-index.json`, 'no such architecture in this version'],
    [`${RELEASE}/packages/..-index.json`, 'no such architecture in this version'],
    // They lie under snapshots, and nowhere else.
    ['/json/v1/releases/SNAPSHOT/targets/x86/64/index.json', 'no such file'],
    [`${RELEASE}/packages/-index.json`, 'no such file'],
    [`${RELEASE}/packages/x86_64.json`, 'no such file'],
    [`${RELEASE}/targets/x86/64/generic`, 'no such file'],
    [`${RELEASE}/targets/x86/64/.json`, 'no such file'],
    ['/json/v1/nosuch.json', 'no such page'],
  ])('%s is 404: %s', async (path, detail) => {
    const response = await openIsolate(mirror).ask(path);
    expect([response.status, (await jsonOf(response)).detail]).toEqual([404, detail]);
  });

  it('says the same version in its profile, its revision and its packages', async () => {
    const isolate = openIsolate(mirror);
    for (const [path, version] of [
      ['releases/25.12.0', '25.12.0'],
      ['snapshots', 'SNAPSHOT'],
      ['releases/24.10-SNAPSHOT', '24.10-SNAPSHOT'],
    ]) {
      const profile = (await get(`/json/v1/${path}/targets/x86/64/generic.json`, isolate)) as { version_code: string };
      expect(profile).toMatchObject({ version_number: version, arch_packages: 'x86_64' });
      expect(await get(`/api/v1/revision/${version}/x86/64`, isolate)).toEqual({ revision: profile.version_code });
    }
  });
});

describe('what there is', () => {
  it('is one overview under four names, and branches and latest are of it', async () => {
    const isolate = openIsolate(mirror);
    const overview = (await get('/json/v1/overview.json', isolate)) as { branches: object; latest: string[] };
    expect(overview).toMatchObject({
      latest: ['25.12.0'],
      branches: { '24.10': { versions: ['24.10-SNAPSHOT', '24.10.2'], targets: x86, path: 'releases/{version}' } },
      upstream_url: mirror.url,
      server: { allow_defaults: true },
    });
    for (const path of ['/api/v1/overview', '/api/overview', '/overview'])
      expect(await get(path, isolate)).toEqual(overview);
    expect(await get('/json/v1/branches.json', isolate)).toEqual(Object.values(overview.branches));
    for (const path of ['/json/v1/latest.json', '/api/v1/latest'])
      expect(await get(path, isolate)).toEqual({ latest: overview.latest });
  });
});

describe('a request', () => {
  const routes: [name: string, ask: (isolate: Isolate) => Promise<Response>, reads: number][] = [
    ['for the overview', (isolate) => isolate.ask('/json/v1/overview.json'), 1],
    ['for the branches', (isolate) => isolate.ask('/json/v1/branches.json'), 1],
    ['for a revision', (isolate) => isolate.ask('/api/v1/revision/24.10.2/x86/64'), 1],
    ['for the packages of a target', (isolate) => isolate.ask(`${RELEASE}/targets/x86/64/index.json`), 1],
    ['for the packages of an architecture', (isolate) => isolate.ask(`${RELEASE}/packages/x86_64-index.json`), 1],
    ['for a device', (isolate) => isolate.ask(`${RELEASE}/targets/x86/64/acme_router.json`), 1],
    ['for an image', (isolate) => isolate.post({ version: '24.10.2', target: 'x86/64', profile: 'acme_router' }), 2],
  ];
  it.each(routes)('%s reads documents from KV in a cold isolate, and nothing in a warm one', async (_, ask, reads) => {
    expect((await ask(openIsolate(mirror))).ok).toBe(true);
    const cold = openIsolate(mirror);
    expect((await ask(cold)).ok).toBe(true);
    expect([cold.kvReads.length, cold.questions]).toEqual([reads, []]);
    for (let n = 0; n < 20; n++) expect((await ask(cold)).ok).toBe(true);
    expect([cold.kvReads.length, cold.questions]).toEqual([reads, []]);
  });

  it('for something that is not there asks the Catalogue once, however many ask for how many names', async () => {
    const isolate = openIsolate(mirror);
    for (let n = 0; n < 50; n++)
      for (const path of [
        `targets/x86/n${n}/index.json`,
        `targets/x86/n${n}/generic.json`,
        `packages/n${n}-index.json`,
      ])
        expect((await isolate.ask(`${RELEASE}/${path}`)).status).toBe(404);
    expect(isolate.questions).toEqual(['target']);
  });
});

describe('an answer', () => {
  const paths = [`${RELEASE}/targets/x86/64/index.json`, `${RELEASE}/packages/x86_64-index.json`, '/overview'];

  it.each(paths)('%s is written out once per document, and again when that has changed', async (path) => {
    const isolate = openIsolate(mirror);
    await get(path, isolate);
    const stringify = vi.spyOn(JSON, 'stringify');
    for (let n = 0; n < 10; n++) await get(path, isolate);
    expect(stringify).not.toHaveBeenCalled();
  });

  it.each(paths)('%s that a browser has is not sent again', async (path) => {
    const [one, other] = [openIsolate(mirror), openIsolate(mirror)];
    const etag = (await one.ask(path)).headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"[0-9a-f]{32}"$/);
    for (const tag of [etag, etag.slice(2), `"x", ${etag}`, '*']) {
      const again = await other.ask(path, { headers: { 'if-none-match': tag } });
      expect([again.status, await again.text(), again.headers.get('etag')]).toEqual([304, '', etag]);
      expect(again.headers.get('access-control-allow-origin')).toBe('*');
    }
    expect((await other.ask(path, { headers: { 'if-none-match': 'W/"other"' } })).status).toBe(200);
  });
});

test('two answers of one document do not get mixed up, nor do a target and an architecture with equal packages', async () => {
  const same = await openMirror();
  same.publishVersions({ '24.10.2': x86 });
  await same.publishTarget({ version: '24.10.2', target: 'x86/64', arch: 'x86_64', packages: { a: '1' } });
  same.publishArch('24.10.2', 'x86_64', { base: { a: '1' } });
  const isolate = openIsolate(same);
  expect(await get(`${RELEASE}/packages/x86_64-index.json`, isolate)).toEqual({ a: '1' });
  expect(await get(`${RELEASE}/targets/x86/64/index.json`, isolate)).toEqual({
    architecture: 'x86_64',
    packages: { a: '1' },
  });
});
