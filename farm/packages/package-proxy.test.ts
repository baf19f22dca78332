import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { updatePackage } from '../demo/change-mirror.ts';
import { unpackImageBuilder } from '../demo/unpacked-imagebuilder.ts';
import { type Era, REPOSITORIES_FILE } from '../imagebuilder/era.ts';
import { proxyRepositories, unproxied } from '../imagebuilder/repositories.ts';
import { sha256OfBytes } from './package-store.ts';
import type { ProxiedFeed } from './proxied-feed.ts';
import { FEED_PATH, PINNED_FILE, ProxyScene } from './proxy-scene.fixture.ts';

let scene: ProxyScene;
beforeEach(async () => {
  scene = await ProxyScene.open();
});
afterEach(async () => {
  await scene.close();
});

const ERAS = ['opkg', 'apk'] as const satisfies readonly Era[];
const INDEX_OF = { opkg: ['Packages', 'Packages.sig'], apk: ['packages.adb'] } as const;

const VERSION_OF = { opkg: '24.10.2', apk: '25.12.1' } as const;

/** The mirror, to the next edition of the base feed. */
const moveOn = (era: Era) => updatePackage(scene.mirror.directory, { version: VERSION_OF[era], package: 'dnsmasq' });

/** A package of the base feed, as a build would ask for it. */
async function somePackage(era: Era): Promise<string> {
  const files = await readdir(path.join(scene.mirror.directory, FEED_PATH[era]));
  return files.find((name) => name.startsWith('dnsmasq') && name.endsWith(era === 'opkg' ? '.ipk' : '.apk')) ?? '';
}

describe.each(ERAS)('a build of the %s era', (era) => {
  it('gets its index and its packages as upstream has them, and each is fetched once', async () => {
    const name = await somePackage(era);
    const names = [...INDEX_OF[era], name];
    for (let round = 0; round < 2; round++) {
      const { get } = await scene.door(era, await scene.feed(era));
      for (const file of names) {
        const answer = await get(`/base/${file}`);
        expect([file, answer.status]).toEqual([file, 200]);
        expect(answer.body.equals(await scene.file(era, file))).toBe(true);
        expect(answer.length).toBe(String(answer.body.length));
      }
    }
    const fetched = scene.server.requests().filter((line) => names.some((file) => line.endsWith(`/${file}`)));
    expect(fetched.length).toBe(new Set(fetched).size);
    expect(scene.proxy.counters).toMatchObject({ refused: 0, failed: 0, misses: expect.any(Number) });
    expect(scene.proxy.counters.hits).toBeGreaterThanOrEqual(names.length);
  });

  it('is told sizes by HEAD, without a body', async () => {
    const { get } = await scene.door(era, await scene.feed(era));
    const name = await somePackage(era);
    const answer = await get(`/base/${name}`, 'HEAD');
    expect(answer).toMatchObject({ status: 200, length: String((await scene.file(era, name)).length) });
    expect(answer.body).toHaveLength(0);
  });

  it('gets all that was ever fetched when upstream is gone, also after a restart', async () => {
    const feed = await scene.feed(era);
    const name = await somePackage(era);
    const files = [...INDEX_OF[era], name];
    const { get } = await scene.door(era, feed);
    for (const file of files) expect((await get(`/base/${file}`)).status).toBe(200);
    await scene.server.close();
    await scene.restart({ limits: { attempts: 1 } });
    const { get: again, door } = await scene.door(era, feed);
    for (const file of files) {
      const { status, body } = await again(`/base/${file}`);
      expect([file, status]).toEqual([file, 200]);
      expect(body.equals(await scene.file(era, file))).toBe(true);
    }
    expect(door.trouble).toEqual([]);
  });

  it('gets the pinned index after the mirror has moved on, and never the new one', async () => {
    const before = await scene.feed(era);
    const first = await scene.door(era, before);
    const [index] = INDEX_OF[era];
    const { body } = await first.get(`/base/${index}`);
    for (const file of INDEX_OF[era]) await first.get(`/base/${file}`);
    await moveOn(era);
    const known = await scene.door(era, before);
    expect((await known.get(`/base/${index}`)).body.equals(body)).toBe(true);
    const after = await scene.door(era, await scene.feed(era));
    expect((await after.get(`/base/${index}`)).body.equals(body)).toBe(false);
  });

  it('is refused an index that is not the pinned one, and told why', async () => {
    const feed = await scene.feed(era);
    await moveOn(era);
    const { get, door } = await scene.door(era, feed);
    expect((await get(`/base/${INDEX_OF[era][0]}`)).status).toBe(502);
    expect(await door.packagesOf('base')).toBeNull();
    expect(door.trouble[0]).toMatchObject({
      kind: 'upstream_unavailable',
      url: expect.stringContaining(FEED_PATH[era]),
      what: expect.stringContaining('the mirror has moved on'),
    });
  });

  it('gets no companion of another edition than the pinned one, although the store has the index', async () => {
    const feed = await scene.feed(era);
    const first = await scene.door(era, feed);
    // The index alone.
    expect(await first.door.packagesOf('base')).not.toBeNull();
    await moveOn(era);
    await scene.restart();
    const { get, door } = await scene.door(era, feed);
    const companion = era === 'opkg' ? 'Packages.sig' : 'packages.adb';
    expect((await get(`/base/${companion}`)).status).toBe(502);
    expect(door.trouble[0]?.what).toContain('the mirror has moved on');
  });

  it('without a pin gets what upstream has now, asked for with what is known of it', async () => {
    const feed = await scene.feed(era, { pin: null });
    const [index] = INDEX_OF[era];
    for (let round = 0; round < 2; round++) {
      const { get } = await scene.door(era, feed);
      expect((await get(`/base/${index}`)).body.equals(await scene.file(era, index))).toBe(true);
    }
    const { bytesFetched } = scene.proxy.counters;
    await scene.restart();
    const third = await scene.door(era, feed);
    expect((await third.get(`/base/${index}`)).status).toBe(200);
    expect(scene.proxy.counters.bytesFetched).toBe(0);
    expect(bytesFetched).toBeGreaterThan(0);
    await moveOn(era);
    const fourth = await scene.door(era, feed);
    expect((await fourth.get(`/base/${index}`)).body.equals(await scene.file(era, index))).toBe(true);
  });

  it('without a pin gets the last good index when nobody answers; of a foreign repository it does not', async () => {
    const [index] = INDEX_OF[era];
    const own = await scene.feed(era, { pin: null });
    const foreign = { ...own, id: 'foreign-1', isForeign: true };
    const first = await scene.door(era, own, foreign);
    for (const id of ['base', 'foreign-1']) expect((await first.get(`/${id}/${index}`)).status).toBe(200);
    await scene.server.close();
    await scene.restart({ limits: { attempts: 1 } });
    const { get, door } = await scene.door(era, own, foreign);
    expect((await get(`/base/${index}`)).status).toBe(200);
    expect(door.trouble).toEqual([]);
    expect(scene.proxy.counters.stale).toBe(1);
    expect((await get(`/foreign-1/${index}`)).status).toBe(502);
    expect(door.trouble[0]?.what).toContain('the connection failed');
  });

  it('shares no knowledge with a foreign repository, even of the same URL', async () => {
    const own = await scene.feed(era);
    const name = await somePackage(era);
    const first = await scene.door(era, own);
    for (const file of [...INDEX_OF[era], name]) await first.get(`/base/${file}`);
    const second = await scene.door(era, { ...own, pin: null, isForeign: true });
    scene.server.forgetRequests();
    for (const file of [...INDEX_OF[era], name]) expect((await second.get(`/base/${file}`)).status).toBe(200);
    const asked = scene.server.requests().join('\n');
    expect(asked).toContain(era === 'opkg' ? 'Packages.sig' : 'packages.adb');
    // With a digest of its own index the bytes may be anybody's; on a name alone they may not.
    expect(asked.includes(name)).toBe(era === 'apk');
  });

  it('reads what its index holds', async () => {
    const url = `${scene.server.url}/${FEED_PATH[era].replace('/base', '/packages')}`;
    const { door } = await scene.door(era, await scene.feed(era, { id: 'packages', url, pin: null }));
    const contents = await door.packagesOf('packages');
    if (era === 'opkg') {
      const packages = contents?.kind === 'opkg' ? contents.packages : [];
      const onesided = packages.find(({ name }) => name === 'demo-onesided');
      expect(onesided?.conflicts).toEqual([{ name: 'dnsmasq', condition: '' }]);
    } else {
      expect(contents?.kind === 'names' ? contents.versions.get('demo-onesided') : null).toBe('1.0-r1');
    }
    expect(await door.packagesOf('nosuch')).toBeNull();
    expect(door.trouble).toEqual([]);
  });

  it('shares one fetch with two hundred others', async () => {
    const feed = await scene.feed(era);
    const name = await somePackage(era);
    const doors = await Promise.all(Array.from({ length: 4 }, () => scene.door(era, feed)));
    // The index first, so that all that is left to fetch is the package; and that not before everybody waits for it.
    for (const { get } of doors) await get(`/base/${INDEX_OF[era][0]}`);
    scene.server.setLatency(500);
    const answers = await Promise.all(
      doors.flatMap(({ get }) => Array.from({ length: 50 }, () => get(`/base/${name}`))),
    );
    scene.server.setLatency(0);
    const expected = await scene.file(era, name);
    expect(answers.filter(({ status, body }) => status === 200 && body.equals(expected))).toHaveLength(200);
    const requests = scene.server.requests();
    const once = era === 'opkg' ? [name, 'Packages.gz'] : [name, 'packages.adb'];
    for (const file of once)
      expect([file, requests.filter((line) => line.endsWith(`/${file}`)).length]).toEqual([file, 1]);
    expect(scene.proxy.counters.collapsed).toBeGreaterThan(0);
  });

  it('that ends takes nothing from another that waits for the same file', async () => {
    const feed = await scene.feed(era);
    const name = await somePackage(era);
    const [leaver, stayer] = [await scene.door(era, feed), await scene.door(era, feed)];
    for (const { get } of [leaver, stayer]) await get(`/base/${INDEX_OF[era].at(-1)}`);
    const { promise: isAsked, resolve } = Promise.withResolvers<void>();
    scene.server.setFault(() => {
      resolve();
      return undefined;
    });
    const left = leaver.get(`/base/${name}`).catch(() => 'nothing');
    const got = stayer.get(`/base/${name}`);
    await isAsked;
    await leaver.door.close();
    expect((await got).body.equals(await scene.file(era, name))).toBe(true);
    await left;
  });

  it('is made by a real ImageBuilder through nothing but its door, and offline the second time', async () => {
    const version = VERSION_OF[era];
    const printed: string[] = [];
    for (const round of ['online', 'offline']) {
      if (round === 'offline') {
        await scene.server.close();
        await scene.restart({ limits: { attempts: 1 } });
      }
      const tree = path.join(scene.base, `tree-${round}`);
      const { mirror, server } = scene;
      const builder = await unpackImageBuilder({
        ...{ mirror, version, directory: tree, target: 'demo64/generic' },
        mirrorUrl: server.url,
      });
      const text = await readFile(path.join(tree, REPOSITORIES_FILE[era]), 'utf8');
      const wishes = { versionUrl: `${server.url}/releases/${version}`, target: 'demo64/generic', foreign: [] };
      const unpinned = proxyRepositories(era, text, { ...wishes, mode: 'append', pins: new Map() });
      const pins = new Map(
        await Promise.all(unpinned.feeds.map(async (feed) => [feed.id, await pinOf(era, feed)] as const)),
      );
      const { feeds, textAt } = proxyRepositories(era, text, { ...wishes, mode: 'append', pins });
      const { signal } = new AbortController();
      const door = await scene.proxy.open({ leaseId: round, era, feeds, at: 'loopback', signal });
      await builder.editFeeds(() => textAt(door.address));
      const made = await builder.make('manifest', { PROFILE: 'generic', PACKAGES: 'luci', STRIP_ABI: '1' });
      expect([round, made.code, door.trouble]).toEqual([round, 0, []]);
      expect(unproxied(made.stderr, feeds, door.address)).not.toContain(door.address);
      expect(scene.proxy.counters).toMatchObject({ refused: 0, failed: 0 });
      printed.push(made.stdout);
      await door.close();
    }
    expect(printed[0]).toContain('luci');
    expect(printed[1]).toBe(printed[0]);
  });
});

/** sha256 of the file that a catalogue would have read. */
async function pinOf(era: Era, feed: ProxiedFeed): Promise<string> {
  const directory = path.join(scene.mirror.directory, new URL(feed.url).pathname);
  return sha256OfBytes(await readFile(path.join(directory, PINNED_FILE[era])));
}
