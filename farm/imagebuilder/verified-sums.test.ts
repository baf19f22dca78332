import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { signUsign, usignKeyFromSeed } from '../../shared/crypto/usign.ts';
import { demoKey } from '../demo/demo-key.ts';
import { type DemoMirror, generateMirror } from '../demo/generate-mirror.ts';
import { type Fault, type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import type { SmallFileLimits } from './small-file.ts';
import { trustIn } from './supply.fixture.ts';
import { isStillTrusted, readVerifiedSums, type SupplyTrust } from './verified-sums.ts';

let directory: string;
let mirror: DemoMirror;
let server: MirrorServer;
const below = '/releases/24.10.2/targets/demo/generic';

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'asu-sums-'));
  mirror = await generateMirror({ directory: path.join(directory, 'mirror') });
  server = await serveMirror(mirror.directory);
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});
beforeEach(() => server.setFault(undefined));

const faults = (table: Readonly<Record<string, Fault>>) =>
  server.setFault((asked) => (asked === '/login' ? { html: true } : table[asked.slice(below.length + 1)]));

const read = (
  trust: SupplyTrust = trustIn(mirror.publicKey),
  signal = new AbortController().signal,
  limits: Partial<SmallFileLimits> = {},
) =>
  readVerifiedSums({ directoryUrl: `${server.url}${below}`, version: '24.10.2' }, trust, {
    signal,
    limits: { backoffMs: 1, ...limits },
  });

const sumsText = () => readFile(path.join(mirror.directory, below, 'sha256sums'));

test('what the operator’s key signed is read, with the key’s id', async () => {
  const { sums, signedBy } = await read();
  expect(signedBy).toBe(mirror.keyId);
  expect(sums.get('profiles.json')).toMatch(/^[0-9a-f]{64}$/);
});

const stranger = await usignKeyFromSeed(new Uint8Array(32).fill(7));

describe.each<[string, (sums: Uint8Array) => Promise<Record<string, Fault>> | Record<string, Fault>, RegExp]>([
  [
    'a signature of other bytes',
    async () => ({ 'sha256sums.sig': { body: await signUsign(new Uint8Array(9), await demoKey()) } }),
    /the signature by key \w{16} is not of this file; half-published\?/,
  ],
  [
    'a list that was changed',
    (sums) => ({ sha256sums: { body: Buffer.concat([sums, Buffer.from(`${'0'.repeat(64)} *evil\n`)]) } }),
    /the signature by key \w{16} is not of this file/,
  ],
  [
    'a key that nobody named',
    async (sums) => ({ 'sha256sums.sig': { body: await signUsign(sums, stranger) } }),
    new RegExp(
      `is signed by key ${stranger.keyId}, which is not trusted for 24\\.10\\.2; a key is added with --upstream-keys`,
    ),
  ],
  ['no signature', () => ({ 'sha256sums.sig': { status: 404 } }), /has no signature beside it/],
  ['a page in the signature’s place', () => ({ 'sha256sums.sig': { html: true } }), /is no usign signature/],
  [
    'a page in the list’s place',
    () => ({ sha256sums: { html: true } }),
    /expected a list of digests, got an HTML page/,
  ],
  [
    'a redirect to a page',
    () => ({ sha256sums: { redirectTo: '/login' }, 'sha256sums.sig': { redirectTo: '/login' } }),
    /sha256sums: expected a list of digests, got an HTML page/,
  ],
  ['a redirect off the web', () => ({ sha256sums: { redirectTo: 'ftp://127.0.0.1/x' } }), /it redirects to ftp:/],
  ['no list', () => ({ sha256sums: { status: 404 } }), /sha256sums: it is not there/],
  ['a server that is ill', () => ({ sha256sums: { status: 503 } }), /it answered 503/],
  ['a list that breaks off', () => ({ sha256sums: { truncateAt: 100 } }), /the connection failed/],
  ['a list that never comes', () => ({ sha256sums: { hang: true } }), /an answer did not come within 0\.2 s/],
  [
    'a list that comes byte by byte',
    () => ({ sha256sums: { trickle: { atOnceBytes: 1, bytes: 1, everyMs: 50 } } }),
    /the whole of it did not come within 0\.2 s/,
  ],
  [
    'a list without end',
    () => ({ sha256sums: { body: Buffer.alloc((8 << 20) + 1, 'a') } }),
    /expected at most 8388608 bytes, got more/,
  ],
  [
    'a signature without end',
    () => ({ 'sha256sums.sig': { body: Buffer.alloc(17 << 10, 'a') } }),
    /sha256sums\.sig: expected at most 16384 bytes/,
  ],
  ['a list that is packed', (sums) => ({ sha256sums: { body: gzipSync(sums) } }), /is not of this file/],
])('%s', (_, faultsOf, sentence) => {
  test('is upstream’s trouble and nobody’s fault', async () => {
    const table = await faultsOf(await sumsText());
    faults(table);
    const isThere = (what: 'hang' | 'trickle') => Object.values(table).some((fault) => fault[what]);
    // Of one alone: on a slow machine what comes byte by byte has not begun within so short a time.
    const patience = {
      ...(isThere('hang') && { connectTimeoutMs: 200 }),
      ...(isThere('trickle') && { bodyTimeoutMs: 200 }),
    };
    const error = await read(undefined, undefined, patience).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: 'upstream_unavailable', detail: expect.stringMatching(sentence) });
    expect(error.detail).toContain('This is not a fault of your request');
  });
});

test('unsigned is accepted where the operator says so, and said; what is wrongly signed is not', async () => {
  const trust = trustIn(mirror.publicKey, { allowUnsigned: true });
  expect((await read(trust)).signedBy).toBe(mirror.keyId);
  faults({ 'sha256sums.sig': { status: 404 } });
  expect((await read(trust)).signedBy).toBe('unsigned');
  faults({ 'sha256sums.sig': { body: await signUsign(new Uint8Array(9), await demoKey()) } });
  await expect(read(trust)).rejects.toMatchObject({ kind: 'upstream_unavailable' });
  faults({ 'sha256sums.sig': { status: 404 }, sha256sums: { body: 'no line is one\n' } });
  await expect(read(trust)).rejects.toMatchObject({ detail: expect.stringContaining('expected lines of') });
});

test('a key in the settings that is none is the node’s own trouble', async () => {
  await expect(read(trustIn('no key'))).rejects.toMatchObject({
    kind: 'internal',
    cause: expect.objectContaining({ message: expect.stringMatching(/^--upstream-keys: expected a usign public key/) }),
  });
});

test('who gives up is not kept waiting', async () => {
  faults({ sha256sums: { hang: true } });
  await expect(read(undefined, AbortSignal.timeout(20))).rejects.toThrow(/timeout/);
});

describe('with OpenPGP keys configured', () => {
  let home: string;
  let keyFile: string;
  let fingerprint: string;
  const gpg = (...args: string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--passphrase', '', '--pinentry-mode', 'loopback', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });

  beforeAll(async () => {
    // Short: the agent's socket lies in there.
    home = await mkdtemp('/tmp/asu-gnupg-');
    gpg('--quick-generate-key', 'Mirror <mirror@example.org>', 'ed25519', 'sign', 'never');
    keyFile = path.join(home, 'mirror.asc');
    await writeFile(keyFile, gpg('--armor', '--export'));
    fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(String(gpg('--with-colons', '--list-keys')))?.[1]?.toLowerCase() ?? '';
    const { directory: root } = mirror;
    gpg(
      '--armor',
      '--output',
      path.join(root, below, 'sha256sums.asc'),
      '--detach-sign',
      path.join(root, below, 'sha256sums'),
    );
  });
  afterAll(async () => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    await rm(path.join(mirror.directory, below, 'sha256sums.asc'), { force: true });
    await rm(home, { recursive: true, force: true });
  });
  afterEach(() => server.setFault(undefined));

  const trust = (more: Partial<SupplyTrust> = {}) => trustIn(mirror.publicKey, { gpgKeyFile: keyFile, ...more });
  const noUsign = { 'sha256sums.sig': { status: 404 } };

  test('.asc is not asked for where .sig suffices', async () => {
    server.forgetRequests();
    expect((await read(trust())).signedBy).toBe(mirror.keyId);
    expect(server.requests().filter((request) => request.endsWith('.asc'))).toEqual([]);
  });

  test.each<[string, Fault]>([
    ['missing', { status: 404 }],
    ['no signature', { html: true }],
  ])('.asc counts where .sig is %s, and its key is named', async (_, fault) => {
    faults({ 'sha256sums.sig': fault });
    expect((await read(trust())).signedBy).toBe(`gpg:${fingerprint}`);
    expect((await read(trust({ allowUnsigned: true }))).signedBy).toBe(`gpg:${fingerprint}`);
  });

  test('.asc does not mend a .sig that somebody known made of something else', async () => {
    faults({ 'sha256sums.sig': { body: await signUsign(new Uint8Array(9), await demoKey()) } });
    await expect(read(trust())).rejects.toMatchObject({ detail: expect.stringContaining('is not of this file') });
  });

  test('.asc of other bytes is refused, also where unsigned is allowed', async () => {
    faults({ ...noUsign, sha256sums: { body: `${'0'.repeat(64)} *evil\n` } });
    for (const allowUnsigned of [false, true])
      await expect(read(trust({ allowUnsigned }))).rejects.toMatchObject({
        kind: 'upstream_unavailable',
        detail: expect.stringContaining('sha256sums.asc: is not of this file'),
      });
  });

  test.each<[string, () => Promise<Partial<SupplyTrust>>, Record<string, Fault>, string]>([
    [
      'there is none',
      async () => ({}),
      { 'sha256sums.asc': { status: 404 } },
      'nor is there an OpenPGP signature (.asc)',
    ],
    ['it is a page', async () => ({}), { 'sha256sums.asc': { html: true } }, 'gpg finds no signature that counts'],
    ['the file holds no key', async () => ({ gpgKeyFile: os.devNull }), {}, 'there is no OpenPGP key in the file'],
    ['the file is not there', async () => ({ gpgKeyFile: '/nonexistent' }), {}, 'there is no OpenPGP key in the file'],
  ])('.asc: %s', async (_, more, moreFaults, sentence) => {
    faults({ ...noUsign, ...moreFaults });
    await expect(read(trust(await more()))).rejects.toMatchObject({
      kind: 'upstream_unavailable',
      detail: expect.stringContaining(sentence),
    });
    expect((await read(trust({ ...(await more()), allowUnsigned: true }))).signedBy).toBe('unsigned');
  });

  test('.asc by another key than those configured is refused and the key named', async () => {
    gpg('--quick-generate-key', 'Other <other@example.org>', 'ed25519', 'sign', 'never');
    const other = path.join(home, 'other.asc');
    await writeFile(other, gpg('--armor', '--export', 'other@example.org'));
    faults(noUsign);
    await expect(read(trust({ gpgKeyFile: other }))).rejects.toMatchObject({
      detail: expect.stringContaining(`it is signed by OpenPGP key ${fingerprint.slice(-16).toUpperCase()}`),
    });
  });

  test('.asc by a key that has expired since does not count', async () => {
    const then = ['--faked-system-time', '20200101T000000!'];
    gpg(...then, '--quick-generate-key', 'Old <old@example.org>', 'ed25519', 'sign', '2020-02-01');
    const [old, sums] = [path.join(home, 'old.asc'), path.join(mirror.directory, below, 'sha256sums')];
    await writeFile(old, gpg('--armor', '--export', 'old@example.org'));
    const body = gpg(...then, '--armor', '--local-user', 'old@example.org', '--output', '-', '--detach-sign', sums);
    faults({ ...noUsign, 'sha256sums.asc': { body } });
    await expect(read(trust({ gpgKeyFile: old }))).rejects.toMatchObject({
      detail: expect.stringContaining('which expired on 2020-02-01; if whoever signs has renewed it'),
    });
  });

  describe('of yesterday, counts', () => {
    const holds = (signedBy: string, gpgKeyFile: string | null) =>
      isStillTrusted(signedBy, '24.10.2', trust({ gpgKeyFile }), new AbortController().signal);

    test('as long as its key is in the file', async () => {
      expect(await holds(`gpg:${fingerprint}`, keyFile)).toBe(true);
      expect(await holds(`gpg:${'0'.repeat(40)}`, keyFile)).toBe(false);
      expect(await holds(`gpg:${fingerprint}`, null)).toBe(false);
    });

    test('also where somebody else may revoke it, which gpg tells in between', async () => {
      const wish = path.join(home, 'wish');
      const lines = ['Key-Type: eddsa', 'Key-Curve: ed25519', 'Key-Usage: sign', 'Name-Email: watched@example.org'];
      const revoker = `Revoker: 22:${fingerprint.toUpperCase()}`;
      await writeFile(wish, [...lines, 'Expire-Date: 0', revoker, '%no-protection', '%commit', ''].join('\n'));
      gpg('--generate-key', wish);
      const listed = String(gpg('--with-colons', '--list-keys', 'watched@example.org'));
      expect(listed).toContain(`:${fingerprint.toUpperCase()}:`);
      const watched = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1]?.toLowerCase();
      const file = path.join(home, 'watched.asc');
      await writeFile(file, gpg('--armor', '--export', 'watched@example.org'));
      expect(await holds(`gpg:${watched}`, file)).toBe(true);
      expect(await holds(`gpg:${fingerprint}`, file)).toBe(false);
    });

    test('no more when the file holds another key, or none, or is gone', async () => {
      gpg('--quick-generate-key', 'New <new@example.org>', 'ed25519', 'sign', 'never');
      const rotated = path.join(home, 'rotated.asc');
      await writeFile(rotated, gpg('--armor', '--export', 'new@example.org'));
      for (const file of [rotated, os.devNull, '/nonexistent'])
        expect(await holds(`gpg:${fingerprint}`, file), file).toBe(false);
    });

    test('no more when its key has expired or was revoked', async () => {
      const then = ['--faked-system-time', '20200101T000000!'];
      gpg(...then, '--quick-generate-key', 'Past <past@example.org>', 'ed25519', 'sign', '2020-02-01');
      gpg('--quick-generate-key', 'Gone <gone@example.org>', 'ed25519', 'sign', 'never');
      const printOf = (name: string) =>
        /^fpr:+([0-9A-F]{40}):/m.exec(String(gpg('--with-colons', '--list-keys', name)))?.[1]?.toLowerCase() ?? '';
      const [past, gone] = [printOf('past@example.org'), printOf('gone@example.org')];
      const certificate = path.join(home, 'openpgp-revocs.d', `${gone.toUpperCase()}.rev`);
      const revocation = (await readFile(certificate, 'utf8')).replace(':-----BEGIN', '-----BEGIN');
      const both = path.join(home, 'both.asc');
      await writeFile(both, gpg('--armor', '--export', 'past@example.org', 'gone@example.org'));
      expect(await holds(`gpg:${gone}`, both)).toBe(true);
      expect(await holds(`gpg:${past}`, both)).toBe(false);
      await writeFile(certificate, revocation);
      gpg('--import', certificate);
      await writeFile(both, gpg('--armor', '--export', 'past@example.org', 'gone@example.org'));
      expect(await holds(`gpg:${gone}`, both)).toBe(false);
    });
  });

  test('a host without gpg says so', async () => {
    faults(noUsign);
    const { PATH } = process.env;
    process.env.PATH = '/nonexistent';
    try {
      await expect(read(trust())).rejects.toMatchObject({ detail: expect.stringContaining('gpg is not installed') });
    } finally {
      process.env.PATH = PATH;
    }
  });
});

test.each<[string, string, Partial<SupplyTrust>, boolean]>([
  ['OpenWrt’s key of the version', 'd310c6f2833e97f7', {}, true],
  ['OpenWrt’s key of another version', '4d017e6f1ed5d616', {}, false],
  ['the operator’s key', stranger.keyId, {}, true],
  ['the operator’s key, taken away', stranger.keyId, { keys: [] }, false],
  ['unsigned', 'unsigned', {}, false],
  ['unsigned, allowed', 'unsigned', { allowUnsigned: true }, true],
  ['OpenPGP, no longer configured', `gpg:${'0'.repeat(40)}`, {}, false],
])('of yesterday: %s', async (_, signedBy, more, isTrusted) => {
  const trust = trustIn(stranger.publicKey, more);
  expect(await isStillTrusted(signedBy, '24.10.2', trust, new AbortController().signal)).toBe(isTrusted);
});
