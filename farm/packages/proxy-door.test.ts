import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newListener } from './new-listener.fixture.ts';
import { ask, type OpenDoor, ProxyScene } from './proxy-scene.fixture.ts';

let scene: ProxyScene;
let open: OpenDoor;
beforeEach(async () => {
  scene = await ProxyScene.open();
  open = await scene.door('opkg', await scene.feed('opkg'));
});
afterEach(async () => {
  await scene.close();
});

/** Bytes as an attacker writes them; everything that comes back. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(open.port, '127.0.0.1');
  socket.write(bytes);
  return await text(socket);
}

describe('what is no file of the build’s feeds is refused, and upstream never hears of it', () => {
  it.each([
    ['another feed', '/luci/Packages'],
    ['a package that is not in the index', '/base/evil_1_x86_64.ipk'],
    ['a path that climbs', '/base/../../../etc/passwd'],
    ['one that climbs in code', '/base/%2e%2e/x.ipk'],
    ['another host', 'http://127.0.0.1:1/base/Packages'],
    ['what lies beside the packages on the mirror', '/base/index.json'],
    ['a name without end', `/base/${'a'.repeat(4000)}.ipk`],
  ])('%s', async (_, target) => {
    await open.get('/base/Packages');
    scene.server.forgetRequests();
    const { status, body } = await open.get(target);
    expect([status, body.toString()]).toEqual([404, expect.stringContaining('expected /<feed>/<file>')]);
    expect(scene.server.requests()).toEqual([]);
    expect(scene.proxy.counters).toMatchObject({ refused: 1, failed: 0 });
    expect(open.door.trouble).toEqual([]);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])('%s', async (method) => {
    expect((await open.get('/base/Packages', method)).status).toBe(405);
    expect(scene.server.requests()).toEqual([]);
  });

  it.each([
    ['CONNECT', 'CONNECT upstream.example:443 HTTP/1.1\r\nHost: upstream.example:443\r\n\r\n', /^$|^HTTP\/1\.1 4/],
    [
      'a body behind a refused request',
      `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nGET /base`,
      /^HTTP\/1\.1 405/,
    ],
    ['headers without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    ['no HTTP at all', 'hello\r\n\r\n', /^HTTP\/1\.1 400/],
  ])('%s', async (_, bytes, expected) => {
    expect(await raw(bytes)).toMatch(expected);
    expect(scene.server.requests()).toEqual([]);
    expect((await open.get('/base/Packages')).status).toBe(200);
  });

  it('a Host of somebody else changes nothing', async () => {
    const answer = await raw('GET /base/Packages HTTP/1.1\r\nHost: upstream.example\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    const asked = scene.server.requests();
    expect(asked.map((line) => line.startsWith('GET /releases/'))).toEqual(asked.map(() => true));
    expect(asked).not.toEqual([]);
  });
});

it('one build’s door knows nothing of another’s feeds', async () => {
  const other = await scene.door('opkg', await scene.feed('opkg', { id: 'foreign-1', isForeign: true, pin: null }));
  expect((await other.get('/base/Packages')).status).toBe(404);
  expect((await open.get('/foreign-1/Packages')).status).toBe(404);
});

it('a door on loopback answers only to those who were told its address', async () => {
  const feeds = [await scene.feed('opkg')];
  const { signal } = new AbortController();
  const door = await scene.proxy.open({ leaseId: 'lease', era: 'opkg', feeds, at: 'loopback', signal });
  const url = new URL(door.address);
  expect(url.pathname).toMatch(/^\/[0-9a-f]{32}$/);
  const port = Number(url.port);
  expect((await ask(port, '/base/Packages')).status).toBe(404);
  expect((await ask(port, `${url.pathname}/base/Packages`)).status).toBe(200);
});

it('the end of a build closes its door, whoever still waits behind it, and is no trouble', async () => {
  const controller = new AbortController();
  const feeds = [await scene.feed('opkg')];
  const { signal } = controller;
  const door = await scene.proxy.open({ leaseId: 'lease', era: 'opkg', feeds, at: 'listeners', signal });
  const { listener, port } = await newListener();
  door.serve(listener);
  const { promise: isAsked, resolve } = Promise.withResolvers<void>();
  scene.server.setFault(() => {
    resolve();
    return { hang: true };
  });
  const waiting = ask(port, '/base/Packages').catch((error: Error) => error.message);
  await isAsked;
  controller.abort();
  expect(await waiting).toMatch(/socket hang up|ECONNRESET/);
  await door.close();
  expect(door.trouble).toEqual([]);
  await expect(ask(port, '/base/Packages')).rejects.toThrow('ECONNREFUSED');
  expect(await readdir(path.join(scene.base, 'state/packages/incoming'))).toEqual([]);
});

it.each([
  ['one name twice', [{ id: 'a' }, { id: 'a' }]],
  ['a name that climbs', [{ id: '..' }]],
  ['a URL of another kind', [{ url: 'file:///etc' }]],
  ['a URL with a slash at the end', [{ url: 'http://127.0.0.1/base/' }]],
])('feeds with %s open no door', async (_, wrong) => {
  const feeds = await Promise.all(wrong.map((more) => scene.feed('opkg', more)));
  await expect(scene.door('opkg', ...feeds)).rejects.toThrow('expected feeds with names of their own');
});

it('answers at each listener until it is told to stop, and at none that comes when the build is over', async () => {
  const [first, second, late] = [await newListener(), await newListener(), await newListener()];
  const end = open.door.serve(first.listener);
  open.door.serve(second.listener);
  for (const { port } of [first, second]) expect((await ask(port, '/base/Packages')).status).toBe(200);
  end();
  await expect(ask(first.port, '/base/Packages')).rejects.toThrow('ECONNREFUSED');
  expect((await ask(second.port, '/base/Packages')).status).toBe(200);
  await open.door.close();
  open.door.serve(late.listener);
  for (const { port } of [second, late]) await expect(ask(port, '/base/Packages')).rejects.toThrow('ECONNREFUSED');
});

it('a store that cannot be written to is the node’s fault, not the mirror’s', async () => {
  const incoming = path.join(scene.base, 'state/packages/incoming');
  // A file where a directory is expected stops root too.
  await rm(incoming, { recursive: true });
  await writeFile(incoming, '');
  expect((await open.get('/base/Packages')).status).toBe(500);
  expect(open.door.trouble).toMatchObject([{ kind: 'internal', what: 'the node failed to store or read it' }]);
  await rm(incoming);
  await mkdir(incoming);
  expect((await open.get('/base/Packages')).status).toBe(200);
});
