/** Section 2 of the seed API: every row of its table, both dialects, and what is asked of whom for an answer. */
import { afterEach, beforeAll, beforeEach, describe, expect, it, test, vi } from 'vitest';
import { type Era, type Mirror, openMirror, packagesText } from '../catalogue/mirror.fixture.ts';
import { type Isolate, openIsolate } from '../isolate.fixture.ts';
import { seedJson } from '../seed/request.fixture.ts';

const TARGET = 'ath79/generic';
const ROUTER = { distro: 'OpenWrt', version: '24.10.1', target: TARGET };
const OLD = { ...ROUTER, version: '18.06.2' };
const SPLIT = { distro: 'LEDE', version: '17.01.4', target: 'ath79', subtarget: 'generic' };
const DISTROS = JSON.stringify({ LiMe: { feeds: { lime: 'https://feeds.example/{branch}' } } });

const VIM = { vim: '9.1' };
const PACKAGES = {
  ...VIM,
  ...{ 'openvpn-openssl': '2.6', 'openvpn-mbedtls': '2.6', mbedtls: '3', 'libmicrohttpd-no-ssl': '1' },
  ...{ libubox: '2024', firewall4: '2024', 'wpad-basic-mbedtls': '2024' },
};

/** Newest first: the first of them is what upstream calls stable. */
const VERSIONS: [version: string, revision: string, feed: Record<string, string>, era: Era][] = [
  ['24.10.2', 'r28427-6df0e3d02a', PACKAGES, 'opkg'],
  ['24.10.1', 'r28400-6df0e3d02a', { vim: '9.0', gone: '1' }, 'opkg'],
  ['24.10.0-rc7', 'r28300-6df0e3d02a', VIM, 'opkg'],
  ['24.10.0-rc6', 'r28200-6df0e3d02a', VIM, 'opkg'],
  ['23.05.5', 'r24106-10cc5fcd00', { vim: '8' }, 'opkg'],
  ['24.10-SNAPSHOT', 'r28600-6df0e3d02a', { vim: '9.2' }, 'opkg'],
  ['SNAPSHOT', 'r34000-6df0e3d02a', { vim: '9.3' }, 'apk'],
];

let mirror: Mirror;
let isolate: Isolate;

async function openUpstream(): Promise<Mirror> {
  const opened = await openMirror();
  const targets = { [TARGET]: 'mips_24kc' };
  opened.publishVersions({
    ...Object.fromEntries(VERSIONS.map(([version]) => [version, targets])),
    '23.05.5': { ...targets, 'old/generic': 'mips_24kc' },
  });
  for (const [version, revision, feed, era] of VERSIONS) {
    await opened.publishTarget({ version, target: TARGET, arch: 'mips_24kc', revision, era });
    opened.publishArch(version, 'mips_24kc', { base: feed, luci: { 'luci-base': '25' } }, era);
  }
  const feed = 'releases/24.10.2/packages/mips_24kc/base/Packages';
  opened.files.set(feed, packagesText(PACKAGES, { vim: 'Provides: editor', libubox: 'ABIVersion: 20240329' }));
  return opened;
}

const checkAt = (one: Isolate, body: unknown, init: RequestInit = {}): Promise<Response> =>
  one.ask('/api/upgrade-check', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
const check = (body: unknown, init?: RequestInit): Promise<Response> => checkAt(isolate, body, init);

/** Status and, but for an empty answer, the body; names sorted, since their order means nothing. */
async function told(response: Response): Promise<[status: number, body: unknown]> {
  if (response.status !== 204) {
    const body = await seedJson(response);
    return [response.status, Array.isArray(body.packages) ? { ...body, packages: body.packages.toSorted() } : body];
  }
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(await response.text()).toBe('');
  return [204, undefined];
}

beforeAll(async () => {
  mirror = await openUpstream();
  isolate = openIsolate(mirror, { DISTROS });
});
beforeEach(() => vi.spyOn(console, 'error').mockImplementation(() => undefined));
afterEach(() => void vi.restoreAllMocks());

describe('newer version, `installed` given', () => {
  test('it is told with packages for it and what is newer of them', async () => {
    const installed = { vim: '9.0', libubox20230523: '2023', kernel: '6.6', libgcc1: '13', editor: '1', mbedtls: '3' };
    expect(await told(await check({ ...ROUTER, installed }))).toEqual([
      200,
      {
        version: '24.10.2',
        packages: ['editor', 'libubox', 'mbedtls', 'vim'],
        upgrades: { libubox: ['2024', '2023'], vim: ['9.1', '9.0'] },
      },
    ]);
  });

  test('whether newer packages of the same version are wanted does not matter', async () => {
    const installed = { vim: '9.1' };
    expect(await told(await check({ ...ROUTER, installed, upgrade_packages: 0 }))).toEqual([
      200,
      { version: '24.10.2', packages: ['vim'], upgrades: {} },
    ]);
  });

  test('what changed since is carried over, optional or not', async () => {
    const installed = { firewall: '2018', 'wpad-mini': '2018', 'kmod-ipv6': '1', 'libjson-c2': '1', iptables: '1' };
    expect(await told(await check({ ...OLD, installed }))).toEqual([
      200,
      {
        version: '24.10.2',
        packages: ['firewall4', 'wpad-basic-mbedtls'],
        upgrades: { firewall4: ['2024', '2018'], 'wpad-basic-mbedtls': ['2024', '2018'] },
        dropped: ['iptables', 'kmod-ipv6', 'libjson-c2'],
      },
    ]);
  });

  test('a package that the installed version knows and the offered one does not is dropped by name', async () => {
    expect(await told(await check({ ...ROUTER, installed: { vim: '9.1', gone: '1' } }))).toEqual([
      200,
      { version: '24.10.2', packages: ['vim'], upgrades: {}, dropped: ['gone'] },
    ]);
  });

  test.each([
    ['openvpn vim kmod-ipv6 libmicrohttpd', ['libmicrohttpd-no-ssl', 'openvpn-openssl', 'vim']],
    ['openvpn polarssl vim', ['mbedtls', 'openvpn-mbedtls', 'vim']],
  ])('LEDE 17.01, split dialect: %s', async (names, packages) => {
    const installed = Object.fromEntries(names.split(' ').map((name) => [name, '1']));
    for (const field of ['packages', 'installed']) {
      const [status, body] = await told(await check({ ...SPLIT, [field]: installed }));
      expect([status, body]).toMatchObject([200, { version: '24.10.2', packages }]);
      expect(body).not.toHaveProperty('dropped');
    }
  });
});

test('newer version, no `installed`: the version alone', async () => {
  for (const body of [ROUTER, OLD, SPLIT, { ...ROUTER, upgrade_packages: '0' }])
    expect(await told(await check(body))).toEqual([200, { version: '24.10.2' }]);
});

describe('same version', () => {
  const newest = { ...ROUTER, version: '24.10.2' };

  test('some package differs: no `version`', async () => {
    for (const upgrade_packages of [undefined, 1, '1'])
      expect(await told(await check({ ...newest, installed: { vim: '9.0', mbedtls: '3' }, upgrade_packages }))).toEqual(
        [200, { packages: ['mbedtls', 'vim'], upgrades: { vim: ['9.1', '9.0'] } }],
      );
  });

  test('nothing to do', async () => {
    for (const body of [
      { ...newest, installed: { vim: '9.1', mbedtls: '3', kernel: '1' } },
      { ...newest, installed: { vim: '9.0' }, upgrade_packages: 0 },
      { ...newest, installed: { vim: '9.0' }, upgrade_packages: '0' },
      { ...newest, installed: {} },
      newest,
    ])
      expect(await told(await check(body))).toEqual([204, undefined]);
  });
});

describe('which version is offered to', () => {
  it.each<[version: string, revision: string, offer: string | null]>([
    ['23.05.5', '', '24.10.2'],
    ['22.03.3', '', '24.10.2'],
    ['24.10.0-rc6', '', '24.10.2'],
    ['23.05-SNAPSHOT', '', '24.10.2'],
    ['24.10-SNAPSHOT', 'r28500-a', '24.10-SNAPSHOT'],
    ['24.10-SNAPSHOT', 'r28600-a', null],
    ['24.10-SNAPSHOT', '', null],
    ['SNAPSHOT', 'r33999-a', 'SNAPSHOT'],
    ['SNAPSHOT', 'r34001-a', null],
  ])('a router with %s %s: %j', async (version, revision, offer) => {
    const answer = await told(await check({ ...ROUTER, version, revision }));
    expect(answer).toEqual(offer === null ? [204, undefined] : [200, { version: offer }]);
  });

  test('a router with a current snapshot: newer packages of it', async () => {
    const body = { ...ROUTER, version: 'SNAPSHOT', revision: 'r34000-6df0e3d02a', installed: { vim: '9.2' } };
    expect(await told(await check(body))).toEqual([200, { packages: ['vim'], upgrades: { vim: ['9.3', '9.2'] } }]);
  });

  test('a router whose target the newest has no more: the newest that has it', async () => {
    const body = { ...OLD, target: 'old/generic' };
    await mirror.publishTarget({ version: '23.05.5', target: 'old/generic', arch: 'mips_24kc', era: 'opkg' });
    expect(await told(await check(body))).toEqual([200, { version: '23.05.5' }]);
  });

  test('a router while the newest is being published: the one before it', async () => {
    const half = await openUpstream();
    half.files.delete('releases/24.10.2/targets/ath79/generic/sha256sums');
    half.files.delete('releases/24.10.2/targets/ath79/generic/sha256sums.sig');
    const own = openIsolate(half);
    expect(await told(await checkAt(own, OLD))).toEqual([200, { version: '24.10.1' }]);
    expect(await told(await checkAt(own, ROUTER))).toEqual([204, undefined]);
  });
});

describe('not JSON, not an object, missing or of the wrong type: 400', () => {
  const list = 'expected an object of names and versions, got a list';
  it.each<[string, unknown, string]>([
    ['nothing', '', 'body: expected JSON'],
    ['no JSON', '{', 'body: expected JSON'],
    ['a list', [ROUTER], 'body: expected a JSON object'],
    ['null', null, 'body: expected a JSON object'],
    ['no distro', { ...ROUTER, distro: undefined }, 'distro: expected text'],
    ['no version', { ...ROUTER, version: undefined }, 'version: expected text'],
    ['no target', { ...ROUTER, target: undefined }, 'target: expected text'],
    [
      'a target without a subtarget',
      { ...ROUTER, target: 'ath79' },
      'target: expected target/subtarget, or a subtarget beside it',
    ],
    ['a list where a dict is expected', { ...ROUTER, installed: ['vim'] }, `installed: ${list}`],
    ['a list where a dict is expected, split', { ...SPLIT, packages: ['vim'] }, `packages: ${list}`],
    ['a dict where text is expected', { ...ROUTER, version: {} }, 'version: expected text'],
    [
      'a version of a package that is no text',
      { ...ROUTER, installed: { vim: 9 } },
      'installed.vim: expected a version as text',
    ],
    [
      '__proto__',
      '{"distro":"openwrt","version":"24.10.1","target":"ath79/generic","installed":{"__proto__":"1"}}',
      'installed.__proto__: expected a package name: letters, digits, "_", ".", "+" or "-"',
    ],
    ['another word for upgrade_packages', { ...ROUTER, upgrade_packages: 'no' }, 'upgrade_packages: expected 0 or 1'],
  ])('%s', async (_, body, error) => {
    expect(await told(await check(body))).toMatchObject([400, { error }]);
  });

  it('bytes that are no text', async () => {
    expect(await told(await check('', { body: new Uint8Array([0x22, 0xff, 0x22]) }))).toMatchObject([400, {}]);
  });
});

describe('412', () => {
  it.each([
    ['unknown distribution debian', { ...ROUTER, distro: 'debian' }],
    ['unknown distribution __proto__', { ...ROUTER, distro: '__proto__' }],
    ['unknown version 24.10.99', { ...ROUTER, version: '24.10.99' }],
    ['unknown version 99.12.0', { ...ROUTER, version: '99.12.0' }],
    ['unknown version foo', { ...ROUTER, version: 'foo' }],
    ['unknown version ..', { ...ROUTER, version: '..' }],
    ['unknown target ar71xx/generic', { ...OLD, target: 'ar71xx/generic' }],
    ['unknown target ar71xx/generic', { ...SPLIT, target: 'ar71xx' }],
    ['unknown target constructor/x', { ...ROUTER, target: 'constructor/x' }],
  ])('%s', async (error, body) => {
    expect(await told(await check(body))).toMatchObject([412, { error }]);
  });

  it('a distribution is known in any case, and LEDE as OpenWrt', async () => {
    for (const distro of ['openwrt', 'OPENWRT', 'LEDE', 'lede', 'lime', 'LiMe'])
      expect(await told(await check({ ...OLD, distro }))).toEqual([200, { version: '24.10.2' }]);
  });
});

describe('unknown installed package', () => {
  it.each([
    ['a newer version of one that upstream lists', { ...ROUTER, installed: { vim: '9.0', zzz: '1', 'a-typo': '2' } }],
    ['a newer version of one that it lists no more', { ...OLD, installed: { vim: '8', zzz: '1', 'a-typo': '2' } }],
    ['the same version', { ...ROUTER, version: '24.10.2', installed: { zzz: '1', vim: '9.1', 'a-typo': '2' } }],
    ['split dialect', { ...SPLIT, packages: { zzz: '1', 'a-typo': '2', vim: '1' } }],
  ])('%s: 422 with their names, sorted', async (_, body) => {
    const answer = await check(body);
    expect(answer.headers.get('x-unknown-package')).toBe('a-typo, zzz');
    expect(await told(answer)).toMatchObject([422, { error: 'could not find packages: a-typo, zzz' }]);
  });

  it('of a distribution with feeds of its own, none is', async () => {
    const body = { ...OLD, distro: 'lime', installed: { 'lime-map': '1', vim: '9.1' } };
    expect(await told(await check(body))).toMatchObject([200, { packages: ['lime-map', 'vim'] }]);
  });

  it('ten thousand of them fit into a header that every proxy takes', async () => {
    const installed = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`nobody-${n}`, '1']));
    const answer = await check({ ...ROUTER, installed });
    const header = answer.headers.get('x-unknown-package') ?? '';
    const [status, body] = (await told(answer)) as [number, { error: string }];
    expect([status, header.length <= 2_000, header.startsWith('nobody-0, nobody-1, nobody-10, ')]).toEqual([
      422,
      true,
      true,
    ]);
    expect(body.error).toMatch(/^could not find packages: nobody-0, .* and 9\d{3} more$/);
    expect(JSON.stringify(body).length).toBeLessThan(5_000);
  });
});

it('ten thousand packages that are known are answered', async () => {
  const many = await openUpstream();
  const packages = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`p${n}`, '2']));
  many.publishArch('24.10.2', 'mips_24kc', { base: packages }, 'opkg');
  const installed = Object.fromEntries(Object.keys(packages).map((name) => [name, '1']));
  const [status, body] = await told(await checkAt(openIsolate(many), { ...ROUTER, installed }));
  expect([status, Object.keys((body as { upgrades: object }).upgrades).length]).toEqual([200, 10_000]);
});

it('a body that is too large is told so, and no more of it is read', async () => {
  const body = JSON.stringify({ ...ROUTER, more: 'x'.repeat(256 * 1024) });
  expect(await told(await check(body))).toMatchObject([413, {}]);
});

it('a body is JSON whatever it is called, and however it is sent', async () => {
  for (const type of ['text/json', 'application/x-www-form-urlencoded', ''])
    expect(await told(await check(ROUTER, { headers: { 'content-type': type } }))).toMatchObject([200, {}]);
  const stream = new Blob([JSON.stringify(ROUTER)]).stream();
  expect(await told(await check('', { body: stream }))).toMatchObject([200, {}]);
});

test.each(['GET', 'PUT', 'DELETE'])('%s is no way to ask', async (method) => {
  const answer = await isolate.ask('/api/upgrade-check', { method });
  expect([await told(answer), answer.headers.get('allow')]).toMatchObject([[405, {}], 'POST, OPTIONS']);
});

describe('what the catalogue cannot tell is no fault of the router: 503', () => {
  it.each([
    ['the list of versions', '.versions.json', ROUTER],
    ['the offered version', 'releases/24.10.2/targets/ath79/generic/sha256sums', ROUTER],
    ['the packages of the offered version', 'releases/24.10.2/packages/mips_24kc/feeds.conf', ROUTER],
    [
      'the packages of the installed version',
      'releases/24.10.1/packages/mips_24kc/feeds.conf',
      { ...ROUTER, installed: { gone: '1' } },
    ],
  ])('%s', async (_, path, body) => {
    const stormy = await openUpstream();
    stormy.weather.set(path, () => new Response('', { status: 500 }));
    const answer = await checkAt(openIsolate(stormy), body);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await told(answer)).toMatchObject([503, { error_kind: 'upstream_unavailable' }]);
  });

  it('a catalogue that does not answer at all', async () => {
    const CATALOGUE = { getByName: () => ({ versions: () => Promise.reject(new Error('overloaded')) }) };
    const own = openIsolate(await openUpstream(), { CATALOGUE });
    expect(await told(await checkAt(own, ROUTER))).toMatchObject([503, {}]);
  });
});

it('a warm isolate asks nobody: neither KV, the catalogue, the mirror nor the Foreman', async () => {
  const asked: string[] = [];
  const FOREMAN = new Proxy({}, { get: (_, name) => void asked.push(String(name)) });
  const own = openIsolate(mirror, { FOREMAN });
  const body = (n: number) => ({ ...ROUTER, installed: { vim: `9.0.${n}`, gone: '1' } });
  await checkAt(own, body(0));
  const before = [own.kvReads.length, own.questions.length, mirror.requests.length];
  for (let n = 1; n < 5; n++)
    expect(await told(await checkAt(own, body(n)))).toMatchObject([200, { upgrades: { vim: ['9.1', `9.0.${n}`] } }]);
  expect([own.kvReads.length, own.questions.length, mirror.requests.length]).toEqual(before);
  expect(asked).toEqual([]);
});
