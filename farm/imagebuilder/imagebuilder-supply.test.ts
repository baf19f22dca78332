import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signUsign } from '../../shared/crypto/usign.ts';
import { moveSnapshot } from '../demo/change-mirror.ts';
import { demoKey } from '../demo/demo-key.ts';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type Fault, type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import { tar } from '../demo/tar-archive.ts';
import { DiskBudget } from '../disk/disk-budget.ts';
import type { SupplyOptions } from './imagebuilder-supply.ts';
import { listener, sourceOn, supplyIn, trustIn } from './supply.fixture.ts';

let directory: string;
let mirror: DemoMirror;
let server: MirrorServer;
let state: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-supply-'));
  mirror = await generateMirror({ directory: path.join(directory, 'mirror') });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, maxRetries: 5 });
});
beforeEach(async () => {
  state = await mkdtemp(path.join(directory, 'state-'));
  server.forgetRequests();
});
afterEach(() => server.setFault(undefined));

const supplies = (more: Partial<SupplyOptions> = {}) => supplyIn(state, trustIn(mirror.publicKey), more);
const source = () => sourceOn(mirror, server.url, '24.10.2');
const tarballs = () => server.requests().filter((request) => /\.tar\./.test(request)).length;
const onTarball = (fault: Fault) =>
  server.setFault((asked) => (asked === '/login' ? { html: true } : asked.includes('.tar.') ? fault : undefined));
const left = async (below: string) => (await readdir(path.join(state, below)).catch(() => [])).sort();

/** Equal to what GNU tar makes of the mirror's archive. */
async function expectWhole(tree: string, url: string): Promise<void> {
  const reference = await mkdtemp(path.join(directory, 'reference-'));
  const archive = path.join(mirror.directory, new URL(url).pathname);
  execFileSync('tar', ['-xf', archive, '-C', reference, '--strip-components=1', '--no-same-owner']);
  expect(String(execFileSync('diff', ['-r', '--no-dereference', reference, tree]))).toBe('');
  await rm(reference, { recursive: true, maxRetries: 5 });
}

test('a new ImageBuilder is verified, fetched, unpacked and written down; the second time nothing is asked', async () => {
  const { supply, shelf } = supplies();
  const wanted = await source();
  const first = listener();
  using held = await supply.provide(wanted, first);
  expect(held.signedBy).toBe(mirror.keyId);
  await expectWhole(held.tree, wanted.url);
  expect([...new Set(first.heard.map(({ step }) => step))]).toEqual(['download', 'unpack']);
  expect(await left('downloads')).toEqual([]);
  const [shelved] = await shelf.list();
  expect(shelved).toMatchObject({
    sha256: wanted.sha256,
    inUse: true,
    record: { url: wanted.url, version: '24.10.2', target: 'demo/generic', signedBy: mirror.keyId },
  });
  expect(shelved?.bytes).toBeGreaterThan(100_000);

  server.forgetRequests();
  // Another process finds it as well, with the mirror gone.
  server.setFault(() => ({ status: 503 }));
  using again = await supplies().supply.provide(wanted, listener());
  expect([again.tree, again.signedBy]).toEqual([held.tree, mirror.keyId]);
  expect(server.requests()).toEqual([]);
});

test('two builds that want the same new ImageBuilder fetch it once, and each keeps it until it is done', async () => {
  const { supply, shelf } = supplies();
  const wanted = await source();
  const [one, other] = await Promise.all([supply.provide(wanted, listener()), supply.provide(wanted, listener())]);
  expect(tarballs()).toBe(1);
  one[Symbol.dispose]();
  one[Symbol.dispose]();
  await expect(shelf.remove(wanted.sha256)).rejects.toThrow('in use');
  other[Symbol.dispose]();
  await shelf.remove(wanted.sha256);
  expect(await left('imagebuilders')).toEqual([]);
});

test('one that gives up while the signature is read does not take it from the other', async () => {
  const { supply } = supplies();
  const wanted = await source();
  let asked = false;
  server.setFault((path) => {
    if (path.endsWith('sha256sums') && !asked) {
      asked = true;
      return { trickle: { atOnceBytes: 1, bytes: 1 << 20, everyMs: 300 } };
    }
    return undefined;
  });
  const leaving = new AbortController();
  const one = supply.provide(wanted, listener(leaving.signal));
  const other = supply.provide(wanted, listener());
  while (!asked) await sleep(5);
  leaving.abort(new Error('enough'));
  await expect(one).rejects.toThrow('enough');
  (await other)[Symbol.dispose]();
});

test('an order for other bytes than upstream signed is refused, and both digests are told', async () => {
  const { url, sha256 } = await source();
  const file = path.basename(url);
  const ordered = 'ab'.repeat(32);
  await expect(supplies().supply.provide({ url, sha256: ordered }, listener())).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: `Error: The build was ordered with the ImageBuilder ${file} of sha256 ${ordered}, and upstream's sha256sums lists ${sha256}: it changed since, or the mirror is being updated. This is not a fault of your request`,
  });
  await expect(supplies().supply.provide({ url: `${url}.gz`, sha256 }, listener())).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringContaining("upstream's sha256sums does not list it"),
  });
  expect(tarballs()).toBe(0);
});

test('keys of another version do not vouch, wherever the order says the file lies', async () => {
  const { sha256, url } = await source();
  // Signed by the demo's key, which here is nobody's: OpenWrt's own for 24.10 did not sign it.
  const { supply } = supplyIn(state, { ...trustIn(mirror.publicKey), keys: [] });
  await expect(supply.provide({ url, sha256 }, listener())).rejects.toMatchObject({
    detail: expect.stringContaining(`is signed by key ${mirror.keyId}, which is not trusted for 24.10.2`),
  });
});

test('a snapshot that moved on is another ImageBuilder; the old one stays good for whoever was leased it', async () => {
  const copy = path.join(directory, 'moving');
  await cp(mirror.directory, copy, { recursive: true });
  const moving = await serveMirror(copy);
  try {
    const { supply, shelf } = supplies();
    const before = await sourceOn({ ...mirror, directory: copy }, moving.url, 'SNAPSHOT');
    (await supply.provide(before, listener()))[Symbol.dispose]();
    const after = await sourceOn(await moveSnapshot(copy), moving.url, 'SNAPSHOT');
    expect([after.url, after.sha256 === before.sha256]).toEqual([before.url, false]);
    (await supply.provide(after, listener()))[Symbol.dispose]();
    (await supply.provide(before, listener()))[Symbol.dispose]();
    expect((await shelf.list()).map(({ sha256 }) => sha256).sort()).toEqual([before.sha256, after.sha256].sort());
    // Not on the shelf any more: it cannot be had, and that is said.
    await shelf.remove(before.sha256);
    await expect(supply.provide(before, listener())).rejects.toMatchObject({
      kind: 'upstream_unavailable',
      detail: expect.stringMatching(new RegExp(`sha256 ${before.sha256}, and .* lists ${after.sha256}`)),
    });
  } finally {
    await moving.close();
  }
});

test('a mirror whose list is new and whose tarball is old is refused with both digests, and leaves nothing', async () => {
  const wanted = await source();
  const old = gzipSync('of yesterday');
  onTarball({ body: old });
  await expect(supplies().supply.provide(wanted, listener())).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringContaining(
      `expected sha256 ${wanted.sha256}, got ${createHash('sha256').update(old).digest('hex')}`,
    ),
  });
  expect([await left('downloads'), await left('imagebuilders')]).toEqual([[], []]);
});

test.each<[string, Fault, RegExp, Partial<SupplyOptions>?]>([
  ['not there', { status: 404 }, /it answered 404/],
  ['a page', { html: true }, /\(an HTML page\)/],
  ['a redirect to a page', { redirectTo: '/login' }, /\(an HTML page\)/],
  ['cut off again and again', { truncateAt: 1000 }, /the connection failed|it ended after/],
  [
    'a trickle that is never idle',
    { trickle: { atOnceBytes: 1000, bytes: 1, everyMs: 20 } },
    /expected at least 1000000 bytes in 0\.3 s, got \d+: it is too slow/,
    { downloadLimits: { backoffMs: 1, paceBytes: 1_000_000, paceMs: 300 } },
  ],
])('a tarball that is %s is upstream’s trouble', async (_, fault, sentence, more) => {
  onTarball(fault);
  await expect(supplies(more).supply.provide(await source(), listener())).rejects.toMatchObject({
    kind: 'upstream_unavailable',
    detail: expect.stringMatching(sentence),
  });
  expect(await left('imagebuilders')).toEqual([]);
});

test.each<[string, RegExp]>([
  ['the archive', /\.tar\./],
  ['the list of digests', /sha256sums$/],
  ['its signature', /sha256sums\.sig$/],
])(
  'a mirror inside that has %s at another server inside is followed there by whose owner named that',
  async (_, what) => {
    const other = await serveMirror(mirror.directory);
    try {
      server.setFault((asked) => (what.test(asked) ? { redirectTo: `${other.url}${asked}` } : undefined));
      const wanted = await source();
      await expect(supplies().supply.provide(wanted, listener())).rejects.toMatchObject({
        kind: 'upstream_unavailable',
        detail: expect.stringContaining('at a host that --mirror-redirects-to does not name'),
      });
      expect(other.requests()).toEqual([]);
      const named = supplies({ mirrorRedirectsTo: [new URL(other.url).host] });
      using held = await named.supply.provide(wanted, listener());
      await expectWhole(held.tree, wanted.url);
      expect(other.requests()).toHaveLength(1);
    } finally {
      await other.close();
    }
  },
);

describe('archives that are properly signed and bad', () => {
  /** Puts an archive into a mirror directory of its own, rightly listed and signed: the publisher is the enemy. */
  const signedBomb = async (suffix: string, bytes: Uint8Array) => {
    const url = `${server.url}/releases/24.10.2/targets/demo/generic/bomb.tar.${suffix}`;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const sums = Buffer.from(`${sha256} *bomb.tar.${suffix}\n`);
    const signature = await signUsign(sums, await demoKey());
    server.setFault((asked) =>
      asked.endsWith('/sha256sums')
        ? { body: sums }
        : asked.endsWith('/sha256sums.sig')
          ? { body: signature }
          : { body: bytes },
    );
    return { url, sha256 };
  };
  const archive = (members: Parameters<typeof tar>[0]) => Buffer.from(tar(members, 0));
  const packed = (tool: string, bytes: Uint8Array) => execFileSync(tool, ['-c'], { input: bytes, maxBuffer: 1 << 28 });
  const zeros = archive([{ path: 'top/' }, { path: 'top/zeros', content: Buffer.alloc(40 << 20) }]);
  const many = archive([
    { path: 'top/' },
    ...Array.from({ length: 300 }, (_, at) => ({ path: `top/${at}`, content: '' })),
  ]);

  test.each<[string, string, () => Uint8Array, RegExp]>([
    ['a gzip bomb', 'gz', () => gzipSync(zeros), /expected at most 8388608 bytes in the archive, got more/],
    ['a zstd bomb', 'zst', () => packed('zstd', zeros), /expected at most 8388608 bytes in the archive, got more/],
    ['an xz bomb', 'xz', () => packed('xz', zeros), /expected at most 8388608 bytes in the archive, got more/],
    ['a multitude', 'gz', () => gzipSync(many), /expected at most 200 members, got more/],
    [
      'one that climbs',
      'gz',
      () => gzipSync(archive([{ path: 'top/../../evil', content: 'x' }])),
      /a path that is absolute, climbs/,
    ],
    [
      'one that is absolute',
      'gz',
      () => gzipSync(archive([{ path: '/etc/evil', content: 'x' }])),
      /a path that is absolute/,
    ],
    ['a page', 'zst', () => Buffer.from('<html>'), /expected zstd to decompress/],
  ])('%s is refused, and nothing of it stays', async (_, suffix, bytes, sentence) => {
    const wanted = await signedBomb(suffix, bytes());
    const { supply } = supplies({ unpackLimits: { maxBytes: 8 << 20, maxMembers: 200 } });
    await expect(supply.provide(wanted, listener())).rejects.toMatchObject({
      kind: 'upstream_unavailable',
      detail: expect.stringMatching(sentence),
    });
    expect([await left('downloads'), await left('imagebuilders')]).toEqual([[], []]);
  });
});

describe('what is on the shelf already', () => {
  const loseRecord = (sha256: string) => rm(path.join(state, 'imagebuilders', `${sha256}.json`));

  test.each<[string, (sha256: string) => Promise<void>]>([
    ['lost its record', loseRecord],
    [
      'has a record that a disk spoiled',
      (sha256) => writeFile(path.join(state, 'imagebuilders', `${sha256}.json`), '{"url":'),
    ],
  ])('and %s is vouched for anew, and not fetched', async (_, spoil) => {
    const wanted = await source();
    (await supplies().supply.provide(wanted, listener()))[Symbol.dispose]();
    await spoil(wanted.sha256);
    const { supply, shelf } = supplies();
    expect((await shelf.list())[0]?.record).toBeNull();
    server.forgetRequests();
    using held = await supply.provide(wanted, listener());
    expect(held.signedBy).toBe(mirror.keyId);
    expect(
      server
        .requests()
        .map((request) => path.basename(request))
        .sort(),
    ).toEqual(['sha256sums', 'sha256sums.sig']);
    expect((await shelf.list())[0]?.record?.signedBy).toBe(mirror.keyId);
  });

  test('counts no more when its key is taken away, and again when the key is back', async () => {
    const wanted = await source();
    (await supplies().supply.provide(wanted, listener()))[Symbol.dispose]();
    const without = supplyIn(state, { ...trustIn(mirror.publicKey), keys: [] });
    await expect(without.supply.provide(wanted, listener())).rejects.toMatchObject({ kind: 'upstream_unavailable' });
    (await supplies().supply.provide(wanted, listener()))[Symbol.dispose]();
    expect(tarballs()).toBe(1);
  });

  test('unsigned is remembered as that, and refused where it is no longer allowed', async () => {
    server.setFault((asked) => (asked.endsWith('.sig') ? { status: 404 } : undefined));
    const wanted = await source();
    const { supply } = supplyIn(state, trustIn(mirror.publicKey, { allowUnsigned: true }));
    using held = await supply.provide(wanted, listener());
    expect(held.signedBy).toBe('unsigned');
    await expect(supplies().supply.provide(wanted, listener())).rejects.toMatchObject({
      detail: expect.stringContaining('has no signature beside it'),
    });
  });
});

describe('for the operator', () => {
  test.each([
    ['24.10.2', 'demo/generic'],
    ['SNAPSHOT', 'demo64/generic'],
  ])('an ImageBuilder of %s %s is found by upstream’s list and fetched', async (version, target) => {
    const { supply, shelf } = supplies();
    using held = await supply.fetch({ upstreamUrl: `${server.url}/`, version, target }, listener());
    expect(held.sha256).toBe((await sourceOn(mirror, server.url, version, target)).sha256);
    expect((await shelf.list())[0]?.record).toMatchObject({ version, target, signedBy: mirror.keyId });
  });

  test.each([
    ['../24.10.2', 'demo/generic', 'expected a version'],
    ['..', 'demo/generic', 'expected a version'],
    ['24.10.2', 'demo', 'expected target/subtarget'],
    ['24.10.2', 'demo/nosuch', 'sha256sums: it is not there'],
    ['23.05.9', 'demo/generic', 'sha256sums: it is not there'],
  ])('%s %s is refused', async (version, target, sentence) => {
    const { supply } = supplies();
    await expect(supply.fetch({ upstreamUrl: server.url, version, target }, listener())).rejects.toThrow(sentence);
  });
});

describe('room', () => {
  const withBudget = (bytes: number) => {
    const { shelf, downloads } = supplies();
    const budget = new DiskBudget([shelf, downloads], { bytes, reserveBytes: 0, directory: state });
    return { ...supplies({ shelf, downloads, budget }), shelf, downloads };
  };

  test('what nobody uses goes when a new one comes; what is in use stays, and then the disk is full', async () => {
    const wanted = await source();
    const other = await sourceOn(mirror, server.url, '25.12.1');
    (await supplies().supply.provide(wanted, listener()))[Symbol.dispose]();
    const [{ bytes } = { bytes: 0 }] = await supplies().shelf.list();
    const archiveBytes = (await readFile(path.join(mirror.directory, new URL(other.url).pathname))).length;
    // Enough for the new one's archive and tree, with nothing of the old.
    const { supply, shelf } = withBudget(bytes + 5 * archiveBytes);
    {
      using _ = await supply.provide(wanted, listener());
      await expect(supply.provide(other, listener())).rejects.toMatchObject({ kind: 'disk_full' });
    }
    expect((await shelf.list()).map(({ sha256 }) => sha256)).toEqual([wanted.sha256]);
    using _ = await withBudget(bytes + 6 * archiveBytes - 1).supply.provide(other, listener());
    expect((await shelf.list()).map(({ sha256 }) => sha256)).toEqual([other.sha256]);
  });

  test('a download that is left alone gives way', async () => {
    const stale = '0'.repeat(64);
    const { supply, downloads } = withBudget(200 << 20);
    (await downloads.use(stale))[Symbol.dispose]();
    await writeFile(`${downloads.archiveOf(stale)}.part`, Buffer.alloc(1 << 20, 1));
    await utimes(`${downloads.archiveOf(stale)}.part`, 1, 1);
    expect(await downloads.entries()).toMatchObject([{ name: `${stale}.part`, inUse: false }]);
    const small = new DiskBudget([downloads], { bytes: 1 << 20, reserveBytes: 0, directory: state });
    expect(await small.makeRoom(1)).toBe(true);
    expect(await downloads.entries()).toEqual([]);
    (await supply.provide(await source(), listener()))[Symbol.dispose]();
  });
});

test('a new tree is warmed before anybody can see it; what it said is beside it, and goes with it', async () => {
  const wanted = await source();
  const seen: string[] = [];
  const { supply, shelf } = supplies({
    warm: async (tree) => {
      seen.push(path.basename(tree));
      expect(await shelf.has(wanted.sha256)).toBe(false);
      await writeFile(path.join(tree, 'warm'), '');
      return 'what make info printed';
    },
  });
  const held = await supply.provide(wanted, listener());
  expect(seen).toEqual([`${wanted.sha256}.unpacking`]);
  expect(await readdir(held.tree)).toContain('warm');
  expect(await readFile(`${held.tree}.info`, 'utf8')).toBe('what make info printed');
  held[Symbol.dispose]();
  await shelf.remove(wanted.sha256);
  expect(await left('imagebuilders')).toEqual([]);
});

test('a tree that cannot be warmed is none, and its archive need not be fetched again', async () => {
  const wanted = await source();
  const failing = supplies({ warm: () => Promise.reject(new Error('no make')) });
  await expect(failing.supply.provide(wanted, listener())).rejects.toThrow('no make');
  expect([await left('downloads'), await left('imagebuilders')]).toEqual([[wanted.sha256], []]);
  (await supplies().supply.provide(wanted, listener()))[Symbol.dispose]();
  expect(tarballs()).toBe(1);
});
