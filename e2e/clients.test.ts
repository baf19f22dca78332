/**
 * Today's clients against the running stack: each asks what its own program asks, in that order and with those bytes, and
 * checks what it checks, down to the downloaded image. What they send and read stands in `docs/clients.md`.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { moveSnapshot, updatePackage } from '../farm/demo/change-mirror.ts';
import { Auc } from './clients/auc.ts';
import { FirmwareSelector } from './clients/firmware-selector.ts';
import { Luci } from './clients/luci.ts';
import { Owut } from './clients/owut.ts';
import { changesOf } from './clients/owut-plan.ts';
import { type RouterState, type RunningImage, routerRunning } from './clients/router-state.ts';
import { poll } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

/** Faster than they poll in truth; how often is no part of what they check. */
const pollMs = 100;
const LONGEST_PUBLIC_ADDRESS = 'https://sysupgrade.openwrt.org/';
const ACME: RunningImage = {
  boardName: 'acme,ax3000-v1',
  target: 'demo/generic',
  version: '24.10.2',
  packages: ['luci', 'luci-app-attendedsysupgrade', 'nano'],
};

let stack: StackUnderTest;
/** Runs 24.10.2 as released; in the feeds there is a newer nano since. */
let router: RouterState;

beforeAll(async () => {
  stack = await StackUnderTest.start({ variables: { ALLOW_DEFAULTS: '1' } });
  await stack.startNode('one');
  router = await routerRunning(stack.url, ACME);
  await updatePackage(stack.mirror.directory, { version: '24.10.2', package: 'nano' });
  await until('the edge has read the changed index', async () => {
    const index = await fetch(`${stack.url}/json/v1/releases/24.10.2/packages/demo_generic-index.json`);
    return ((await index.json()) as Record<string, string>).nano !== router.installed.nano;
  });
});
afterAll(() => stack?.close());

/** What was asked, a repeated poll once, hashes and moments by name. */
function sequence(asked: readonly string[], requestHash = '', image = ''): readonly string[] {
  const named = asked.map((line) =>
    line
      .replaceAll(requestHash || /$^/g, '<hash>')
      .replace(image || /$^/, '<image>')
      .replace(/\?\d{13}$/, '?<ms>'),
  );
  return named.filter((line, at) => line !== named[at - 1]);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const publicUrl = (url: string): string => url.replace(stack.url, LONGEST_PUBLIC_ADDRESS.slice(0, -1));

describe('owut', () => {
  test('upgrades within its branch: lists, exact versions, HEAD while it is built, one GET, the image', async () => {
    const owut = new Owut(`${stack.url}/`, router, { pollMs });
    const image = await owut.download();
    if (!image) throw new Error('expected an upgrade');
    expect(changesOf(image.plan)).toEqual(new Map([['nano', 'newer']]));
    const name = owut.wire.asked.at(-1)?.split('/').at(-1);
    expect(sequence(owut.wire.asked, image.requestHash, name)).toEqual([
      'GET /json/v1/overview.json',
      'GET /releases/24.10.2/targets/demo/generic/profiles.json',
      'GET /json/v1/releases/24.10.2/packages/demo_generic-index.json',
      'GET /json/v1/releases/24.10.2/targets/demo/generic/index.json',
      'GET /releases/faillogs-24.10/demo_generic/',
      'POST /api/v1/build',
      'HEAD /api/v1/build/<hash>',
      'GET /api/v1/build/<hash>',
      'GET /store/<hash>/<image>',
    ]);
    expect(name).toMatch(/-squashfs-sysupgrade\.bin$/);
    expect(image.shown[0]).toBe('queued');
    expect(image.shown.at(-1)).toBe('done');
  });

  test('is answered at once when somebody had the same before', async () => {
    const owut = new Owut(stack.url, router, { pollMs });
    const image = await owut.download();
    expect(image?.shown).toEqual(['done']);
    expect(owut.wire.asked.filter((line) => line.startsWith('HEAD'))).toEqual([]);
  });

  test('goes from opkg to apk, and what was renamed on the way is in the image under its new name', async () => {
    const owut = new Owut(stack.url, router, { pollMs, versionTo: '25.12', add: ['htop'], remove: ['nano'] });
    const image = await owut.download();
    expect(image?.plan).toMatchObject({ version: '25.12.1', replaced: { opkg: 'apk-mbedtls' } });
    expect(image?.plan.packages.get('apk-mbedtls')?.topLevel).toBe(true);
    expect(image?.plan.packages.get('htop')?.available).toBe('3.4.1-r1');
  });

  test('finds nothing to do on a router that runs the newest, and asks for no image', async () => {
    const newest = await routerRunning(stack.url, { ...ACME, version: '25.12.1' });
    const owut = new Owut(stack.url, newest, { pollMs });
    expect(await owut.download()).toBeNull();
    expect(owut.wire.asked.filter((line) => line.includes('/build'))).toEqual([]);
  });

  test('upgrades a PC of any name on the snapshot of today, with another size and a first-boot script', async () => {
    const pc = await routerRunning(stack.url, {
      boardName: 'Some-Vendor,Box-9000',
      target: 'demo64/generic',
      version: 'SNAPSHOT',
      packages: ['htop'],
      rootfsType: 'ext4',
    });
    const { revision } = pc;
    await moveSnapshot(stack.mirror.directory);
    await until('the edge has seen the new snapshot', async () => {
      const answer = await fetch(`${stack.url}/api/v1/revision/SNAPSHOT/demo64/generic`);
      return ((await answer.json()) as { revision: string }).revision !== revision;
    });
    const owut = new Owut(stack.url, pc, {
      pollMs,
      rootfsSizeMb: 300,
      initScript: 'uci set system.@system[0].hostname=x\n',
    });
    const image = await owut.download();
    expect(image?.plan).toMatchObject({ profile: 'generic', filesystem: 'ext4', imageType: 'combined' });
    expect(image?.plan.revision).not.toBe(revision);
    expect(changesOf(image?.plan ?? expect.fail())).toContainEqual(['base-files', 'newer']);
  });
});

describe('auc', () => {
  test('upgrades within its branch, over an address that ends in a slash', async () => {
    const auc = new Auc(`${stack.url}/`, router, { pollMs });
    const image = await auc.upgrade();
    if (!image) throw new Error('expected an upgrade');
    const name = image.url.split('/').at(-1);
    expect(sequence(auc.wire.asked, image.requestHash, name)).toEqual([
      'GET //json/v1/branches.json',
      'GET //json/v1/releases/24.10.2/targets/demo/generic/acme_ax3000-v1.json',
      'GET //json/v1/releases/24.10.2/targets/demo/generic/index.json',
      'GET //json/v1/releases/24.10.2/packages/demo_generic-index.json',
      'POST //api/v1/build',
      'GET //api/v1/build/<hash>',
      'GET //store/<hash>/<image>',
    ]);
    expect(image.queuePositions.every((position) => position >= 0)).toBe(true);
    // auc compares no manifest; its user would find out after the upgrade.
    const { manifest } = (await poll(stack.url, image.requestHash)).body;
    for (const package_ of router.topLevel) expect(manifest).toHaveProperty([package_]);
    expect(manifest.nano).not.toBe(router.installed.nano);
    expect(publicUrl(image.url).length, 'its buffer holds 255 characters').toBeLessThan(256);
  });

  test('looks for its device in every version of every branch when told a branch, and goes there by force', async () => {
    const auc = new Auc(stack.url, router, { pollMs, branch: '25.12' });
    await expect(auc.upgrade()).rejects.toMatchObject({ kind: 'shown', message: 'not found in remote lists: opkg' });
    const devices = auc.wire.asked.filter((line) => line.endsWith('/acme_ax3000-v1.json'));
    expect(devices.map((line) => line.split('/').slice(3, -4).join('/'))).toEqual(
      expect.arrayContaining(['releases/24.10.2', 'releases/25.12.1', 'snapshots']),
    );
    const image = await new Auc(stack.url, router, { pollMs, branch: '25.12', force: true }).upgrade();
    expect(image?.version).toBe('25.12.1');
  });

  test('does nothing on a router that runs the newest of its branch', async () => {
    const newest = await routerRunning(stack.url, { ...ACME, version: '25.12.1' });
    expect(await new Auc(stack.url, newest, { pollMs }).upgrade()).toBeNull();
  });

  test('takes a board that no version knows by this name for one that is not offered', async () => {
    const auc = new Auc(stack.url, { ...router, boardName: 'nobody,knows-me' }, { pollMs });
    await expect(auc.upgrade()).rejects.toMatchObject({ kind: 'shown', message: 'Invalid argument' });
    expect(auc.wire.asked).toHaveLength(2);
  });
});

describe('LuCI', () => {
  test('offers the next release and builds it: preflights for every poll, a comma in the profile, "512"', async () => {
    const luci = new Luci(stack.url, router, { pollMs, rootfsSize: '512' });
    expect(await luci.check()).toEqual(['25.12.1']);
    const { requestHash, request, response, shown } = await luci.upgrade('25.12.1');
    expect(request).toMatchObject({ profile: 'acme,ax3000-v1', rootfs_size_mb: '512' });
    expect(request.packages).toContain('apk-mbedtls');
    expect(request.packages).not.toContain('opkg');
    expect(response).toMatchObject({ id: 'acme_ax3000-v1', version_number: '25.12.1' });
    expect(shown[0]).toBe('queued 0');
    expect(shown.length).toBeGreaterThan(1);
    const name = luci.browser.asked.at(-1)?.split('/').at(-1)?.split('?')[0];
    const asked = sequence(luci.browser.asked, requestHash, name);
    expect([...asked.slice(0, 5), ...asked.slice(-3)]).toEqual([
      'GET /api/v1/overview?<ms>',
      'GET /api/v1/revision/25.12.1/demo/generic?<ms>',
      'OPTIONS /api/v1/build?<ms>',
      'POST /api/v1/build?<ms>',
      'OPTIONS /api/v1/build/<hash>?<ms>',
      'OPTIONS /api/v1/build/<hash>?<ms>',
      'GET /api/v1/build/<hash>?<ms>',
      'GET /store/<hash>/<image>?<ms>',
    ]);
    expect(new Set(luci.browser.asked.map((line) => line.split(' ')[1])).size, 'no URL is asked for by GET twice').toBe(
      luci.browser.asked.filter((line) => !line.startsWith('OPTIONS')).length,
    );
  });

  test('of 23.05 finds the overview under its old name, stays in its branch and takes no word of later amiss', async () => {
    const luci = new Luci(stack.url, router, { pollMs, release: '23.05', advanced: true });
    expect(await luci.check()).toEqual(['24.10.2', '25.12.1']);
    expect(luci.browser.asked[0]).toMatch(/^GET \/api\/overview\?\d{13}$/);
    const { response, request } = await luci.upgrade('24.10.2');
    expect(request).not.toHaveProperty('rootfs_size_mb');
    expect(response).toMatchObject({ version_number: '24.10.2', detail: 'done' });
  });

  test('shares the image that owut had built for the same router', async () => {
    const owut = await new Owut(stack.url, router, { pollMs }).download();
    const { response, shown } = await new Luci(stack.url, router, { pollMs }).upgrade('24.10.2');
    expect(shown).toEqual([]);
    expect(response.request_hash).toBe(owut?.requestHash);
  });

  test('on a snapshot asks for the revision alone', async () => {
    const snapshot = { ...router, version: 'SNAPSHOT', revision: 'r1-0123456789' };
    const luci = new Luci(stack.url, snapshot, { pollMs });
    expect(await luci.check()).toEqual(['SNAPSHOT']);
    expect(sequence(luci.browser.asked)).toEqual(['GET /api/v1/revision/SNAPSHOT/demo/generic?<ms>']);
  });
});

describe('firmware-selector', () => {
  const selector = () =>
    new FirmwareSelector({
      asuUrl: stack.url,
      imageUrl: stack.mirrorServer.url,
      extraPackages: ['luci', 'tmux'],
      pollMs,
    });

  test.each(['24.10.2', '25.12.1'])(
    'builds %s with every field it knows, empty ones too, and links to its files',
    async (version) => {
      const page = selector();
      expect(await page.versions()).toContain(version);
      const device = await page.choose(version, 'Acme AX3000 v1');
      const custom = await page.build(device);
      expect(custom.images.map(({ label }) => label)).toEqual(['sysupgrade', 'factory']);
      expect(custom.log, 'the log panel stays closed').toBeNull();
      expect(custom.response.manifest).toHaveProperty('tmux');
      for (const image of custom.images) {
        const { bytes, fileName } = await page.download(image);
        expect(sha256(bytes)).toBe(image.sha256);
        expect(fileName).toBe(image.url.split('/').at(-1));
      }
      const asked = sequence(page.browser.asked, custom.requestHash).filter((line) => !line.includes('/store/'));
      expect(asked, 'one preflight holds for all polls').toEqual([
        'OPTIONS /api/v1/build',
        'POST /api/v1/build',
        'OPTIONS /api/v1/build/<hash>',
        'GET /api/v1/build/<hash>',
      ]);
    },
  );

  test('names what a device drops of its defaults, and it is not in the image', async () => {
    const page = selector();
    const device = await page.choose('24.10.2', '3 Oaks Pocket 2');
    expect(device.packages).toContain('-uboot-envtools');
    const custom = await page.build(device);
    expect(custom.response.manifest).not.toHaveProperty('uboot-envtools');
  });

  test('gets an image with a first-boot script of its own, which nobody is told again', async () => {
    const page = selector();
    const device = await page.choose('24.10.2', 'Acme AX3000 v1');
    const plain = await page.build(device);
    const scripted = await page.build(device, "uci set network.lan.ipaddr='10.20.30.40'\n");
    expect(scripted.requestHash).not.toBe(plain.requestHash);
    expect(JSON.stringify(scripted.response)).not.toContain('10.20.30.40');
  });
});
