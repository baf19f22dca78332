/** Where a foreign feed may lead: an owner who opted in to one place did not opt in to wherever its server sends his machine. */
import { afterEach, expect, test } from 'vitest';
import type { FeedOptIn } from '../../shared/trust/foreign-feeds.ts';
import { serveMirror } from '../demo/mirror-server.ts';
import type { Era } from '../imagebuilder/era.ts';
import { FEED_PATH, ProxyScene } from './proxy-scene.fixture.ts';

let scene: ProxyScene;
afterEach(async () => {
  await scene.close();
});

const INDEX = { opkg: 'Packages', apk: 'packages.adb' } as const;
const ELSEWHERE = 'luci';

test.each<[Era, boolean, string, (feed: string, mirror: string) => FeedOptIn, number]>([
  ['opkg', true, 'opted in to it alone', (feed) => [feed], 502],
  ['apk', true, 'opted in to it alone', (feed) => [feed], 502],
  ['opkg', true, 'opted in to where it leads as well', (feed, mirror) => [feed, mirror], 200],
  ['apk', true, 'opted in to where it leads as well', (feed, mirror) => [feed, mirror], 200],
  ['opkg', true, 'said nothing', () => null, 200],
  ['apk', true, 'said nothing', () => null, 200],
  ['opkg', false, 'opted in to other things', () => ['https://feeds.example/'], 200],
  ['apk', false, 'opted in to other things', () => ['https://feeds.example/'], 200],
])('of the %s era, foreign: %s, redirected; its owner %s', async (era, isForeign, _, optIn, status) => {
  scene = await ProxyScene.open();
  const url = `${scene.server.url}/${FEED_PATH[era]}`;
  await scene.restart({ foreignFeeds: optIn(url, scene.server.url) });
  const [here, there] = [`/${FEED_PATH[era]}/`, `/${FEED_PATH[era].replace(/base$/, ELSEWHERE)}/`];
  scene.server.setFault((path) => (path.startsWith(here) ? { redirectTo: path.replace(here, there) } : undefined));
  const { get, door } = await scene.door(era, await scene.feed(era, { pin: null, isForeign }));
  expect((await get(`/base/${INDEX[era]}`)).status).toBe(status);
  expect(scene.server.requests().some((line) => line.includes(`/${ELSEWHERE}/`))).toBe(status === 200);
  if (status !== 200) expect(door.trouble[0]?.what).toBe('it redirects to where this feed may not lead');
});

test('what else is not followed is told as what it is, to whoever has such a mirror', async () => {
  const told = async (to: (path: string) => string) => {
    scene.server.setFault((path) => ({ redirectTo: to(path) }));
    const { get, door } = await scene.door('opkg', await scene.feed('opkg', { pin: null }));
    expect((await get('/base/Packages')).status).toBe(502);
    return door.trouble[0]?.what;
  };
  scene = await ProxyScene.open();
  const mirror = new URL(scene.server.url);
  expect(await told((path) => path)).toBe('it redirects more than 3 times');
  expect(await told(() => `http://${mirror.hostname}:${Number(mirror.port) - 1}/`)).toBe(
    'it redirects to this machine or to a network that it stands in, at a host that --mirror-redirects-to does not name',
  );
});

test.each<[string, boolean, readonly string[], number, RegExp]>([
  ['a mirror, not told', false, [], 502, /--mirror-redirects-to/],
  ['a mirror, told', false, ['%s'], 200, /^$/],
  ['a foreign feed, told', true, ['%s'], 502, /that it stands in$/],
])('%s of another server of its network, leads there: %s %j is %i', async (_, isForeign, hosts, status, why) => {
  scene = await ProxyScene.open();
  const other = await serveMirror(scene.mirror.directory);
  try {
    await scene.restart({ mirrorRedirectsTo: hosts.map((host) => host.replace('%s', new URL(other.url).host)) });
    scene.server.setFault((path) => ({ redirectTo: `${other.url}${path}` }));
    const { get, door } = await scene.door('opkg', await scene.feed('opkg', { pin: null, isForeign }));
    expect((await get('/base/Packages')).status).toBe(status);
    expect(door.trouble[0]?.what ?? '').toMatch(why);
    expect(other.requests().length > 0).toBe(status === 200);
  } finally {
    await other.close();
  }
});
