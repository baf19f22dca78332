import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../demo/mirror-server.ts';
import type { Era } from '../imagebuilder/era.ts';
import { sha256OfBytes } from './package-store.ts';
import type { ProxiedFeed } from './proxied-feed.ts';
import { ask, FEED_PATH, ProxyScene } from './proxy-scene.fixture.ts';
import { QuietHosts } from './quiet-hosts.ts';

/** The one fake: the clock of who is left alone for how long. */
let nowMs = 0;
const limits = { attempts: 2, backoffMs: 1 };
/** Where a mirror is silent; elsewhere a machine that is busy for a moment would be told as that. */
const impatient = { ...limits, connectTimeoutMs: 1_000, idleTimeoutMs: 1_000 };
const options = (fault: Fault = {}) => ({
  limits: fault.hang ? impatient : limits,
  quietHosts: new QuietHosts(() => nowMs),
});

let scene: ProxyScene;
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  scene = await ProxyScene.open(options());
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await scene.close();
});

const VIM = { opkg: 'vim_9.1.0-r1_demo64.ipk', apk: 'vim-9.2.0-r1.apk' } as const;
const VIM_FEED = {
  opkg: 'releases/24.10.2/packages/demo64/packages',
  apk: 'releases/25.12.1/packages/demo64/packages',
};

/** The feed that has a package of some kilobytes, unpinned: what it is pinned to does not matter to its packages. */
const vimFeed = async (era: Era, origin = scene.server.url): Promise<ProxiedFeed> =>
  await scene.feed(era, { id: 'packages', url: `${origin}/${VIM_FEED[era]}`, pin: null });

const vimBytes = (era: Era) => readFile(path.join(scene.mirror.directory, VIM_FEED[era], VIM[era]));

/** A server of raw behaviour; its origin. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As the mirror, but for package files. */
const serveAllBut = (isOdd: (url: string) => boolean, odd: RequestListener): Promise<string> =>
  serve(async (request, response) => {
    if (isOdd(request.url ?? '')) return odd(request, response);
    const bytes = await readFile(path.join(scene.mirror.directory, request.url ?? '')).catch(() => null);
    response.writeHead(bytes === null ? 404 : 200).end(bytes);
  });

const storedNames = async () => (await scene.proxy.store.entries()).map(({ name }) => name).sort();

const faults: [string, Fault, RegExp][] = [
  ['a 404', { status: 404 }, /it answered 404/],
  ['a 403', { status: 403 }, /it answered 403/],
  ['a 500, again and again', { status: 500 }, /it answered 500/],
  ['an HTML page with status 200', { html: true }, /it sent an HTML page/],
  ['an HTML page that is not called one', { body: '<!DOCTYPE html><p>Welcome' }, /it sent an HTML page/],
  ['the beginning alone', { truncateAt: 40 }, /the connection failed|it ended after/],
  ['silence', { hang: true }, /an answer did not come within/],
];
const faultsAgainstDigests: [string, Fault, RegExp][] = [
  ['other bytes', { body: 'other bytes' }, /expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}/],
  ['too many bytes', { body: Buffer.alloc(100_000) }, /expected at most [0-9]+ bytes, got 100000 or more/],
  ['no bytes', { body: '' }, /expected sha256/],
];

describe.each([
  ['opkg', [...faults, ...faultsAgainstDigests]],
  ['apk', faults],
] as const)('instead of a package of the %s era a mirror gives', (era, rows) => {
  it.each(rows)('%s: the build gets 502, nothing is kept, and it is told whose fault it is', async (_, fault, what) => {
    await scene.restart(options(fault));
    const feed = await vimFeed(era);
    const { get, door } = await scene.door(era, feed);
    expect(await door.packagesOf('packages')).not.toBeNull();
    if (era === 'apk') await get('/packages/packages.adb');
    const before = await storedNames();
    scene.server.setFault((asked) => (asked.endsWith(VIM[era]) ? fault : undefined));
    expect((await get(`/packages/${VIM[era]}`)).status).toBe(502);
    expect(await storedNames()).toEqual(before);
    expect(await readdir(path.join(scene.base, 'state/packages/incoming'))).toEqual([]);
    expect(door.trouble).toMatchObject([
      { kind: 'upstream_unavailable', url: `${feed.url}/${VIM[era]}`, what: expect.stringMatching(what) },
    ]);
    expect(scene.proxy.counters.failed).toBe(1);

    scene.server.setFault(undefined);
    nowMs += 3_600_000;
    const { status, body } = await get(`/packages/${VIM[era]}`);
    expect([status, body.equals(await vimBytes(era))]).toEqual([200, true]);
  });
});

const BOMB = gzipSync(Buffer.alloc(65 * 1024 ** 2));

const faultsOfIndexes: [string, Fault, RegExp][] = [
  ['words', { body: 'words' }, /the mirror has moved on|it is no index/],
];
const faultsOfGzip: [string, Fault, RegExp][] = [
  ['a bomb', { body: BOMB }, /unpacks to more than/],
  ['rubbish', { body: Buffer.from([31, 139, 8, 0]) }, /cannot be unpacked/],
];

describe.each([
  ['opkg', 'Packages.gz', [...faults, ...faultsOfIndexes, ...faultsOfGzip]],
  ['apk', 'index.json', [...faults, ...faultsOfIndexes]],
] as const)('instead of an index of the %s era a mirror gives', (era, file, rows) => {
  it.each(rows)('%s: the build gets none, pinned or not', async (_, fault, what) => {
    await scene.restart(options(fault));
    for (const pin of [(await scene.feed(era)).pin, null]) {
      const { get, door } = await scene.door(era, await scene.feed(era, { pin }));
      // What would do in its place is not there.
      scene.server.setFault((asked) => {
        if (asked.endsWith(`/${file}`)) return fault;
        return /\/(?:Packages|packages\.adb)$/.test(asked) ? { status: 404 } : undefined;
      });
      expect((await get(`/base/${era === 'opkg' ? 'Packages' : 'packages.adb'}`)).status).toBe(502);
      expect(door.trouble).toMatchObject([{ kind: 'upstream_unavailable', what: expect.stringMatching(what) }]);
      expect(await storedNames()).toEqual([]);
      nowMs += 3_600_000;
    }
  });
});

it('a mirror whose two forms of an index are of different days serves the pinned one', async () => {
  const { get, door } = await scene.door('opkg', await scene.feed('opkg'));
  scene.server.setFault((asked) =>
    asked.endsWith('/Packages.gz') ? { body: gzipSync('Package: a\nVersion: 1\n') } : undefined,
  );
  const { body } = await get('/base/Packages');
  expect(body.equals(await scene.file('opkg', 'Packages'))).toBe(true);
  expect(door.trouble).toEqual([]);
});

it.each(['opkg', 'apk'] as const)(
  'a mirror that changes while a companion is fetched (%s): it is not believed to belong',
  async (era) => {
    const { get, door } = await scene.door(era, await scene.feed(era));
    const [witness, companion] = era === 'opkg' ? ['Packages.gz', 'Packages.sig'] : ['index.json', 'packages.adb'];
    let isMoved = false;
    scene.server.setFault((asked) => {
      if (asked.endsWith(companion)) isMoved = true;
      if (isMoved && asked.endsWith(witness))
        return { body: era === 'opkg' ? gzipSync('Package: a\nVersion: 1\n') : '{"packages":{}}' };
      return undefined;
    });
    expect((await get(`/base/${companion}`)).status).toBe(502);
    expect(door.trouble[0]?.what).toContain('the mirror has moved on');
    scene.server.setFault(undefined);
    expect((await get(`/base/${companion}`)).body.equals(await scene.file(era, companion))).toBe(true);
  },
);

it.each(['opkg', 'apk'] as const)(
  'a mirror that only arrives at the pinned edition (%s): what it had before is not asked for',
  async (era) => {
    const feed = await scene.feed(era);
    // The index alone, so that nothing is known of its companion.
    await (await scene.door(era, feed)).door.packagesOf('base');
    await scene.restart(options());
    const { get, door } = await scene.door(era, feed);
    const companion = era === 'opkg' ? 'Packages.sig' : 'packages.adb';
    let isThere = false;
    scene.server.setFault((asked) => {
      if (asked.endsWith(companion)) isThere = true;
      return isThere ? undefined : { body: 'an older index' };
    });
    expect((await get(`/base/${companion}`)).status).toBe(502);
    expect(isThere).toBe(false);
    expect(door.trouble[0]?.what).toContain('the mirror has moved on');
  },
);

it('an index that tells another size than the file of its digest has: the file is not served, fetched or kept', async () => {
  const bytes = await vimBytes('opkg');
  const lines = ['Package: vim', 'Version: 1', `Filename: ${VIM.opkg}`, `Size: ${bytes.length + 1}`];
  const index = [...lines, `SHA256sum: ${sha256OfBytes(bytes)}`, ''].join('\n');
  const origin = await serveAllBut(
    (url) => url.endsWith('/Packages.gz'),
    (_, response) => response.end(gzipSync(index)),
  );
  const { get, door } = await scene.door('opkg', await vimFeed('opkg', origin));
  for (let round = 0; round < 2; round++) expect((await get(`/packages/${VIM.opkg}`)).status).toBe(502);
  expect(door.trouble).toMatchObject([{ what: `expected ${bytes.length + 1} bytes, got ${bytes.length}` }]);
});

it('a trickle is no download', async () => {
  const origin = await serveAllBut(
    (url) => url.endsWith(VIM.opkg),
    (_, response) => {
      response.writeHead(200, { 'content-length': 20_000 });
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    },
  );
  await scene.restart({ ...options(), limits: { ...limits, attempts: 1, paceBytes: 1000, paceMs: 300 } });
  const { get, door } = await scene.door('opkg', await vimFeed('opkg', origin));
  expect((await get(`/packages/${VIM.opkg}`)).status).toBe(502);
  expect(door.trouble[0]?.what).toContain('it is too slow');
});

it('an answer of unknown length is not taken for a whole file', async () => {
  const origin = await serveAllBut(
    (url) => url.endsWith(VIM.apk),
    (request) => {
      request.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it');
    },
  );
  const { get, door } = await scene.door('apk', await vimFeed('apk', origin));
  expect((await get(`/packages/${VIM.apk}`)).status).toBe(502);
  expect(door.trouble[0]?.what).toContain('does not say how long');
});

it('upstream gone in the middle: what is cached comes, and the rest is not waited for again and again', async () => {
  await scene.restart(options({ hang: true }));
  const { get, door } = await scene.door('opkg', await scene.feed('opkg'));
  const names = (await readdir(path.join(scene.mirror.directory, FEED_PATH.opkg))).filter((name) =>
    name.endsWith('.ipk'),
  );
  const [cached = '', ...missing] = names;
  expect((await get(`/base/${cached}`)).status).toBe(200);
  scene.server.forgetRequests();
  scene.server.setFault(() => ({ hang: true }));
  for (const name of missing) expect((await get(`/base/${name}`)).status).toBe(502);
  expect((await get(`/base/${cached}`)).status).toBe(200);
  expect(scene.server.requests()).toHaveLength(limits.attempts);
  expect(door.trouble.length).toBeGreaterThan(5);
  expect(door.trouble.at(-1)?.what).toMatch(/did not come within .* \(it is asked again soon\)/);

  scene.server.setFault(undefined);
  nowMs += 3_600_000;
  expect((await get(`/base/${missing[0]}`)).status).toBe(200);
});

it('distrust: what came on a mirror’s word alone is forgotten, and fetched anew', async () => {
  const { get, door } = await scene.door('apk', await vimFeed('apk'));
  scene.server.setFault((asked) => (asked.endsWith(VIM.apk) ? { body: 'rubbish that apk will refuse' } : undefined));
  expect((await get(`/packages/${VIM.apk}`)).body.toString()).toBe('rubbish that apk will refuse');
  scene.server.setFault(undefined);
  expect((await get(`/packages/${VIM.apk}`)).body.toString()).toBe('rubbish that apk will refuse');
  await door.distrust();
  const whole = await vimBytes('apk');
  expect((await get(`/packages/${VIM.apk}`)).body.equals(whole)).toBe(true);
  await scene.restart(options());
  scene.server.setFault((asked) => (asked.endsWith(VIM.apk) ? { status: 404 } : undefined));
  const again = await scene.door('apk', await vimFeed('apk'));
  expect((await again.get(`/packages/${VIM.apk}`)).body.equals(whole)).toBe(true);
});

/** The proxy in a process of its own. */
async function startChild(era: Era, feed: ProxiedFeed, ...under: string[]) {
  const script = path.join(import.meta.dirname, 'proxy-child.fixture.ts');
  const state = path.join(scene.base, 'child-state');
  await mkdir(state, { recursive: true });
  const words = [...under, process.execPath, script, state, era, JSON.stringify([feed])];
  const child = spawn(words[0] ?? '', words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  return { child, state, lines, get: (target: string) => ask(port, target) };
}

it('a disk that is full is told as such, and what fits is still served', async () => {
  const feed = await vimFeed('opkg');
  // A file system of its own, smaller than the package; as another user than root within a user namespace.
  const isRoot = process.getuid?.() === 0;
  const mount = `mount -t tmpfs -o size=24k none ${path.join(scene.base, 'child-state')} && exec "$@"`;
  const under = ['unshare', ...(isRoot ? [] : ['-U', '-r']), '-m', 'sh', '-c', mount, 'sh'];
  const { child, get, lines } = await startChild('opkg', feed, ...under);
  expect((await get('/packages/Packages')).status).toBe(200);
  expect((await get(`/packages/${VIM.opkg}`)).status).toBe(507);
  expect((await get('/packages/Packages')).status).toBe(200);
  child.stdin?.end();
  expect(JSON.parse((await lines.next()).value ?? '')).toMatchObject([
    { kind: 'disk_full', url: `${feed.url}/${VIM.opkg}`, what: 'the node has no space left to store it' },
  ]);
});

it('where no room can be made nothing is fetched, and it is told as the disk’s', async () => {
  const feed = await vimFeed('opkg');
  await scene.restart({ ...options(), makeRoom: async () => false });
  scene.server.forgetRequests();
  const { get, door } = await scene.door('opkg', feed);
  expect((await get('/packages/Packages')).status).toBe(507);
  expect(door.trouble).toMatchObject([{ kind: 'disk_full' }]);
  expect(scene.server.requests()).toEqual([]);
});

it('killed in the middle of a file and started again: no half file is there, and it is fetched as a whole', async () => {
  const whole = await vimBytes('opkg');
  let isSlow = true;
  const origin = await serveAllBut(
    (url) => url.endsWith(VIM.opkg),
    (_, response) => {
      response.writeHead(200, { 'content-length': whole.length });
      if (isSlow) response.write(whole.subarray(0, 5000));
      else response.end(whole);
    },
  );
  const feed = await vimFeed('opkg', origin);
  const first = await startChild('opkg', feed);
  const incoming = path.join(first.state, 'packages/incoming');
  const asked = first.get(`/packages/${VIM.opkg}`).catch(() => 'cut off');
  while ((await readdir(incoming)).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  expect(await asked).toBe('cut off');
  expect(await readdir(incoming)).toHaveLength(1);

  isSlow = false;
  const second = await startChild('opkg', feed);
  expect(await readdir(incoming)).toEqual([]);
  expect((await second.get(`/packages/${VIM.opkg}`)).body.equals(whole)).toBe(true);
});
