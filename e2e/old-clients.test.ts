/**
 * The clients of 2018 and 2019 against the running stack: each asks what its own program asks, in that order and with those
 * bytes, and checks what it checks, down to the downloaded image. What they send and read stands in `docs/clients.md`.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { updatePackage } from '../farm/demo/change-mirror.ts';
import { Chef } from './clients/chef.ts';
import { OldAuc, type OldAucImage, type OldAucOptions } from './clients/old-auc.ts';
import { OldLuci } from './clients/old-luci.ts';
import { type OldRouter, router1701, router1806 } from './clients/old-router.ts';
import { keyId } from './clients/opkg-keys.ts';
import { routerRunning } from './clients/router-state.ts';
import { download, poll } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

/** Faster than they poll in truth; how often is no part of what they check. */
const pollMs = 100;
const LONGEST_PUBLIC_ADDRESS = 'https://sysupgrade.openwrt.org';
const NEWEST = '25.12.1';
const SMALL_DEVICE = { boardName: '3oaks,pocket2', model: '3 Oaks Pocket 2' } as const;

let stack: StackUnderTest;
/** Runs the newest release, and nothing in it is old. */
let newest: OldRouter;

beforeAll(async () => {
  stack = await StackUnderTest.start({ variables: { ALLOW_DEFAULTS: '1' } });
  await stack.startNode('one');
  const { version, revision, installed, topLevel } = await routerRunning(stack.url, {
    boardName: 'acme,ax3000-v1',
    target: 'demo/generic',
    version: NEWEST,
    packages: ['luci', 'nano'],
  });
  newest = { ...router1806(), version, revision, installed, chosen: topLevel };
});
afterAll(() => stack?.close());

const router1907 = (...packages: readonly string[]): OldRouter => ({
  ...router1806(...packages),
  version: '19.07.3',
  revision: 'r11063-85e04e9f46',
});

/** As its operator puts the server's key into `/etc/opkg/keys`, under its own id. */
async function withKey(router: OldRouter): Promise<OldRouter> {
  const key = await (await fetch(`${stack.url}/keys/usign.pub`)).text();
  return { ...router, keys: new Map([[keyId(key), key]]) };
}

const auc = (router: OldRouter, options: OldAucOptions) => new OldAuc(stack.url, router, { pollMs, ...options });
const luci = (router: OldRouter) => new OldLuci(stack.url, router, { pollMs });
const chef = () => new Chef(stack.url, { pollMs, maxSamePosition: Number.POSITIVE_INFINITY });

/** What was asked, a repeated poll once, hashes and the image by name. */
function sequence(asked: readonly string[], image: string): readonly string[] {
  const named = asked.map((line) =>
    line
      .replace(image, '<image>')
      .replace(/\b[0-9a-f]{32}\b/, '<path>')
      .replace(/\b[0-9a-f]{12}\b/, '<hash>'),
  );
  return named.filter((line, at) => line !== named[at - 1]);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The same build as the API of today tells it, and the image there. */
async function inTodaysApi(answer: { readonly image_hash?: unknown }, name: string) {
  const image = await (await fetch(`${stack.url}/api/image/${answer.image_hash}`)).json();
  const { body } = await poll(stack.url, (image as { request_hash: string }).request_hash);
  const told = body.images.find((one: { name: string }) => one.name === name);
  return { body, told, stored: await download(stack.url, body.bin_dir, name) };
}

async function expectImage(image: Pick<OldAucImage, 'bytes' | 'name'>, answer: { readonly image_hash?: unknown }) {
  const { body, told, stored } = await inTodaysApi(answer, image.name);
  expect(image.name).toMatch(/-squashfs-sysupgrade\.bin$/);
  expect(sha256(image.bytes)).toBe(told.sha256);
  expect(image.bytes.equals(stored.bytes)).toBe(true);
  return body;
}

const polled = async (hash: string | undefined) =>
  (await fetch(`${stack.url}/api/upgrade-request/${hash}`)).json() as Promise<{ image_hash?: unknown }>;

describe('auc 0.1.4', () => {
  const options = { version: '0.1.4' } as const;

  test('goes from 19.07 to the newest release: check, request, polls by GET, the image over a doubled slash', async () => {
    const client = auc(router1907('auc', 'nano'), options);
    const offer = await client.check();
    expect(offer).toMatchObject({
      version: NEWEST,
      updates: expect.arrayContaining(['nano (2018-12-24-1 -> 8.7-r1)']),
    });
    const image = await client.request(NEWEST);
    expect(sequence(client.wire.asked, image.name)).toEqual([
      'POST /api/upgrade-check',
      'POST /api/upgrade-request',
      'GET /api/upgrade-request/<hash>',
      'GET //json/<path>//<image>',
    ]);
    expect(image.shown[0]).toMatch(/^server is (dispatching build job|setting up|now building)/);
    const { manifest } = await expectImage(image, await polled(image.requestHash));
    expect(manifest).toHaveProperty('nano');
    expect(manifest).toHaveProperty('owut');
    expect(manifest).toHaveProperty('wpad-basic-mbedtls');
    expect(image.url.replace(stack.url, LONGEST_PUBLIC_ADDRESS).length, 'its buffer holds 255 characters').toBeLessThan(
      256,
    );
  });

  test('polls once where somebody had the same before, and has the same image', async () => {
    const [first, second] = [auc(router1907('tmux'), options), auc(router1907('tmux'), options)];
    const one = await first.upgrade();
    const other = await second.upgrade();
    expect(second.wire.asked.filter((line) => line.startsWith('GET /api'))).toHaveLength(1);
    expect(other?.requestHash).toBe(one?.requestHash);
    expect(other?.bytes.equals(one?.bytes ?? Buffer.of())).toBe(true);
  });

  test('finds nothing on a router that runs the newest, with every package', async () => {
    const client = auc(newest, options);
    expect(await client.upgrade()).toBeNull();
    expect(client.wire.asked).toEqual(['POST /api/upgrade-check']);
  });

  test('says which device is not known', async () => {
    const message = 'OpenWrt target demo/generic (nobody,knows-me) not found.';
    const asked = auc({ ...newest, boardName: 'nobody,knows-me' }, options).request(NEWEST);
    await expect(asked).rejects.toMatchObject({ kind: 'shown', message });
  });
});

describe.each(['0.1.4', '0.0.9'] as const)('auc %s without an image', (version) => {
  test('shows the package that nobody has', async () => {
    const router = router1907('no-such-package', 'nor-this-one');
    const checked = expect.objectContaining({ message: "unknown package 'no-such-package, nor-this-one' requested." });
    await expect(auc(router, { version }).check()).rejects.toEqual(checked);
    const asked = auc({ ...newest, chosen: [...newest.chosen, 'no-such-package'] }, { version });
    const message = expect.stringMatching(/^unknown package 'no-such-package' requested\.$/m);
    await expect(asked.request(NEWEST)).rejects.toMatchObject({ kind: 'shown', message });
  });

  test('says that an image is too big, after it was tried', async () => {
    const router = { ...newest, ...SMALL_DEVICE, chosen: [...newest.chosen, 'demo-huge'] };
    const shown = { kind: 'shown', message: expect.stringMatching(/image too big\.$/) };
    await expect(auc(router, { version }).request(NEWEST)).rejects.toMatchObject(shown);
  });
});

describe('auc 0.0.9', () => {
  const options = { version: '0.0.9' } as const;

  test('goes from 18.06: a whole URL, then the list of digests and its signature from beside the image', async () => {
    const client = auc(await withKey(router1806('auc', 'nano')), options);
    const image = await client.upgrade();
    if (!image) throw new Error('expected an upgrade');
    expect(sequence(client.wire.asked, image.name)).toEqual([
      'POST /api/upgrade-check',
      'POST /api/upgrade-request',
      'GET /api/upgrade-request/<hash>',
      'GET /download/<path>/<image>',
      'GET /download/<path>/sha256sums',
      'GET /download/<path>/sha256sums.sig',
    ]);
    const { manifest } = await expectImage(image, await polled(image.requestHash));
    expect(manifest).toHaveProperty('nano');
  });

  test('flashes nothing by a key that it does not have, unless it is forced to', async () => {
    const router = router1806('auc', 'nano');
    const message = expect.stringMatching(/signature verification failed$/);
    await expect(auc(router, options).upgrade()).rejects.toMatchObject({ kind: 'shown', message });
    const forced = await auc(router, { ...options, ignoreSignature: true }).upgrade();
    expect(forced?.shown).toContain('signature verification failed');
  });

  test('has the image of auc 0.1.4, under another name for it', async () => {
    const ofOld = await auc(await withKey(router1806('nano')), options).upgrade();
    const ofLater = await auc(router1907('nano'), { version: '0.1.4' }).upgrade();
    expect(ofOld?.requestHash).not.toBe(ofLater?.requestHash);
    expect(await polled(ofOld?.requestHash)).toMatchObject({
      image_hash: (await polled(ofLater?.requestHash)).image_hash,
    });
  });
});

describe('LuCI of 2019', () => {
  test('goes from 18.06 by POST alone, with one preflight for each address', async () => {
    const client = luci(router1806('vim'));
    const image = await client.upgrade();
    if (!image) throw new Error('expected an upgrade');
    const name = image.url.split('/').at(-1) ?? '';
    expect(sequence(client.browser.asked, name)).toEqual([
      'OPTIONS /api/upgrade-check',
      'POST /api/upgrade-check',
      'OPTIONS /api/upgrade-request',
      'POST /api/upgrade-request',
      'GET /json/<path>/<image>',
    ]);
    expect(client.browser.asked.filter((line) => line === 'POST /api/upgrade-request').length).toBeGreaterThan(1);
    expect(image.shown[0], 'its browser lets it read the headers').toBe('In build queue position 0');
    expect((await fetch(image.log)).status).toBe(200);
    const { told, stored } = await builtAs(image.url, name);
    expect(sha256(image.bytes)).toBe(told.sha256);
    expect(image.bytes.equals(stored.bytes)).toBe(true);
  });

  /** By the path of its files, which is the head of the hash that the API of today gives the build. */
  async function builtAs(url: string, name: string) {
    const path = /\/json\/([0-9a-f]{32})\//.exec(url)?.[1] ?? '';
    return inTodaysApi({ image_hash: path.slice(0, 15) }, name);
  }

  test.each([
    [
      ['openvpn', 'vim', 'kmod-ipv6', 'libmicrohttpd'],
      ['libmicrohttpd-no-ssl', 'openvpn-openssl', 'vim'],
    ],
    [
      ['openvpn', 'polarssl', 'vim'],
      ['mbedtls', 'openvpn-mbedtls', 'vim'],
    ],
  ])('takes %j of LEDE 17.01 to their names of today', async (installed, carried) => {
    const client = luci(router1701(...installed));
    const offer = await client.check();
    expect(offer?.version).toBe(NEWEST);
    expect(offer?.packages).toEqual(expect.arrayContaining(carried));
    for (const name of installed.filter((one) => one !== 'vim')) expect(offer?.packages).not.toContain(name);
    const image = await client.request(offer?.packages ?? []);
    const { body } = await builtAs(image.url, image.url.split('/').at(-1) ?? '');
    for (const name of [...carried, 'wpad-basic-mbedtls', 'firewall4', 'dnsmasq'])
      expect(body.manifest).toHaveProperty([name]);
  });

  test('says that there is nothing on a router that runs the newest', async () => {
    expect(await luci(newest).upgrade()).toBeNull();
  });

  test.each<[string, OldRouter | (() => OldRouter), readonly string[], RegExp]>([
    ['a package that nobody has', () => newest, ['no-such-package'], /^Unknown package in request: no-such-package$/],
    ['more than fits', () => ({ ...newest, ...SMALL_DEVICE }), ['demo-huge'], /^No firmware created due to image size/],
    [
      'two packages that exclude each other',
      () => newest,
      ['demo-conflict-a', 'demo-conflict-b'],
      /^Incompatible package selection\. See build log/,
    ],
    ['a build that fails', () => newest, ['demo-badpostinst'], /^Internal server error: Error: Error while building/],
    [
      'a device that it never heard of',
      () => ({ ...newest, boardName: 'nobody,knows-me', model: 'Nobody' }),
      [],
      /^Unsupported device/,
    ],
  ])('is told of %s, and its spinner ends', async (_, router, packages, words) => {
    const which = typeof router === 'function' ? router() : router;
    const client = luci(which);
    // A router that runs the newest has nothing to check; its user edits the list.
    await client.check();
    const message = expect.stringMatching(words);
    await expect(client.request([...which.chosen, ...packages])).rejects.toMatchObject({ kind: 'shown', message });
  });
});

describe('chef of 2019', () => {
  test('lists, builds, and shows a page about the image with its files and what is in it', async () => {
    const page = chef();
    const { versions, latest } = await page.open();
    expect(versions).toContain('24.10.2');
    expect(latest).toBe(NEWEST);
    const device = await page.choose(latest, 'ax3', 'Acme AX3000 v1');
    expect(device).toMatchObject({ target: 'demo/generic', profile: 'acme_ax3000-v1' });
    const answer = await page.build(device, '', [...device.packages, 'htop']);
    const shown = await page.show(String(answer.image_hash));
    expect(shown.image).toMatchObject({ version: latest, target: 'demo/generic', subtarget: 'generic', worker: 'one' });
    expect(shown.manifest).toHaveProperty('htop');
    const bytes = await page.download(shown.sysupgradeUrl ?? '');
    await expectImage({ bytes, name: String(shown.image.sysupgrade) }, answer);
    const factory = await page.download(shown.factoryUrl ?? '');
    expect(sha256(factory)).toBe((await inTodaysApi(answer, shown.factoryUrl?.split('/').at(-1) ?? '')).told.sha256);
    const asked = sequence(page.browser.asked, String(shown.image.sysupgrade));
    expect(asked.filter((line) => !line.includes('/download/'))).toEqual([
      'GET /api/distributions',
      'GET /api/v1/stats/image_stats',
      'GET /api/models?model_search=&distro=&version=',
      `GET /api/models?model_search=ax3&distro=openwrt&version=${latest}`,
      `GET /api/packages_image?distro=openwrt&version=${latest}&target=demo/generic&profile=acme_ax3000-v1`,
      'OPTIONS /api/build-request',
      'POST /api/build-request',
      'OPTIONS /api/build-request/<hash>',
      'GET /api/build-request/<hash>',
      `GET /api/image/${answer.image_hash}`,
      'GET /json//json/<path>/',
      `GET /api/manifest/${shown.image.manifest_hash}`,
    ]);
  });

  test('gets an image with a first-boot script under a path of its own, of which nothing else is told', async () => {
    const page = chef();
    const device = await page.choose(NEWEST, 'ax3', 'Acme AX3000 v1');
    const plain = await page.build(device);
    const script = "uci set network.lan.ipaddr='10.20.30.40'\n";
    const scripted = await page.build(device, script);
    expect(scripted.files).not.toBe(plain.files);
    expect(JSON.stringify(scripted)).not.toContain('10.20.30.40');
    const files = (await (await fetch(`${stack.url}${scripted.files}`)).json()) as { name: string; size: number }[];
    const sysupgrade = files.find(({ name }) => name === scripted.sysupgrade);
    const bytes = await page.download(`${stack.url}${scripted.files}${scripted.sysupgrade}`);
    expect(bytes.length).toBe(sysupgrade?.size);
    // The page is made from what is told of public images alone.
    const image = await fetch(`${stack.url}/api/image/${scripted.image_hash}`);
    expect([image.status, Object.keys((await image.json()) as object)]).toEqual([
      404,
      expect.arrayContaining(['error']),
    ]);
    expect((await fetch(`${stack.url}/json/`)).status).toBe(403);
  });

  test.each([
    ['a package that nobody has', ['no-such-package'], /^unknown package: no-such-package$/],
    ['more than fits', ['demo-huge'], /^image too large$/],
  ] as const)('is told of %s', async (_, packages, words) => {
    const page = chef();
    const device = await page.choose(NEWEST, 'pocket', '3 Oaks Pocket 2');
    const build = page.build(device, '', [...device.packages, ...packages]);
    await expect(build).rejects.toMatchObject({ kind: 'shown', message: expect.stringMatching(words) });
  });
});

describe('a server whose queue is full', () => {
  let full: StackUnderTest;
  beforeAll(async () => {
    full = await StackUnderTest.start({ variables: { MAX_QUEUE: '1' } });
    const body = {
      distro: 'OpenWrt',
      version: NEWEST,
      target: 'demo/generic',
      board: 'acme,ax3000-v1',
      packages: ['vim'],
    };
    const first = await fetch(`${full.url}/api/upgrade-request`, { method: 'POST', body: JSON.stringify(body) });
    expect(first.status).toBe(202);
  });
  afterAll(() => full?.close());

  test('is called overloaded by LuCI, which asks again', async () => {
    const client = new OldLuci(full.url, router1806(), { pollMs, maxOverloaded: 2 });
    await expect(client.upgrade()).rejects.toMatchObject({ kind: 'shown', message: 'Server overloaded' });
    expect(client.browser.asked.filter((line) => line === 'POST /api/upgrade-request')).toHaveLength(3);
  });

  test.each(['0.1.4', '0.0.9'] as const)('ends auc %s with the status', async (version) => {
    const upgrade = new OldAuc(full.url, router1907(), { version, pollMs }).upgrade();
    const message = 'HTTP error 503\nno sysupgrade image returned';
    await expect(upgrade).rejects.toMatchObject({ kind: 'shown', message });
  });

  test('is told by chef', async () => {
    const page = new Chef(full.url, { pollMs });
    const build = page.build(await page.choose(NEWEST, 'ax3', 'Acme AX3000 v1'));
    await expect(build).rejects.toMatchObject({ kind: 'shown', message: 'server overloaded' });
  });
});

/** Last, since it changes the mirror. */
describe('a package that is newer than the one installed', () => {
  test('is offered by name and without a version, and LuCI and auc build their own version anew', async () => {
    await updatePackage(stack.mirror.directory, { version: NEWEST, package: 'nano' });
    const client = auc(newest, { version: '0.1.4' });
    const offer = await until('the edge has read the changed index', async () => (await client.check()) ?? undefined);
    expect(offer).toEqual({ version: NEWEST, updates: [expect.stringMatching(/^nano \(8\.7-r1 -> /)] });
    const image = await client.request(offer.version);
    const { manifest } = await expectImage(image, await polled(image.requestHash));
    expect(offer.updates).toEqual([`nano (${newest.installed.nano} -> ${manifest.nano})`]);
    const page = luci(newest);
    expect(await page.check()).toMatchObject({
      version: undefined,
      upgrades: [`nano: ${newest.installed.nano} to ${manifest.nano}`],
    });
  });
});
