/** Images and what vouches for them, as files and from a server over a real socket; each time one thing about them is wrong. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bytesToHex, sha256Hex } from '../../shared/crypto/digest.ts';
import { signingKey } from '../../shared/crypto/ed25519.ts';
import { attesterOf, headOf, type Published, publication } from '../../shared/trust/provenance.fixture.ts';
import { toPem } from '../../shared/trust/public-key-pem.ts';
import { edgeKey, nodeKey, output } from '../../shared/trust/statement.fixture.ts';
import { asu, inProcess } from './asu-process.fixture.ts';
import { verifyCommand } from './verify-command.ts';

const HASH = '1'.repeat(64);
const NAME = 'openwrt-x86-64-generic.img.gz';
const IMAGE = randomBytes(300_000);
const made = { ...output, files: [{ name: NAME, sha256: sha256Hex(IMAGE) }] };
const stranger = await signingKey(new Uint8Array(32).fill(9));

let directory: string;
let server: Server;
let url: string;
/** What the server has, by path. */
let pages: Map<string, string | Buffer>;
let asked: string[];
let good: Published;
let after: Published;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'asu-verify-'));
  good = await publication({ output: made });
  after = await publication({ last: good.place, requestHash: '2'.repeat(64) });
  pages = new Map<string, string | Buffer>([
    [`/store/${HASH}/${NAME}`, IMAGE],
    [`/api/v1/build/${HASH}/provenance`, JSON.stringify(good.provenance)],
    ['/keys/edge.pub', toPem(edgeKey.publicKey)],
    ['/log/head', JSON.stringify(await headOf(after.place))],
    ['/log/1', JSON.stringify(good.provenance.log?.record)],
    ['/log/2', JSON.stringify(after.provenance.log?.record)],
  ]);
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const page = pages.get(request.url ?? '');
    if (page === undefined) response.writeHead(404).end('{"status":404,"detail":"no such page"}');
    else response.writeHead(200, { 'content-type': 'application/json' }).end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

async function file(name: string, content: string | Buffer): Promise<string> {
  const at = path.join(directory, name);
  await writeFile(at, content);
  return at;
}

const key = () => file('edge.pub', toPem(edgeKey.publicKey));

/** Without asking anybody. */
async function offline({
  image = IMAGE as Buffer,
  provenance = good.provenance as unknown,
  args = [] as string[],
} = {}) {
  const words = [await file('image', image), '--provenance', await file('p.json', JSON.stringify(provenance))];
  return await inProcess(verifyCommand, [...words, '--key', await key(), ...args]);
}

const online = async (...args: string[]) =>
  inProcess(verifyCommand, [`${url}/store/${HASH}/${NAME}`, '--key', await key(), ...args]);

const failed = (stdout: string): string[] => stdout.split('\n').filter((line) => line.includes('FAILED'));

describe('a good image', () => {
  test('passes without a server, as a process, one line for each check', async () => {
    const words = ['verify', await file(NAME, IMAGE), '--provenance', await file('p', JSON.stringify(good.provenance))];
    const { status, stdout, stderr } = await asu([...words, '--key', await key()]);
    expect([status, stderr, asked]).toEqual([0, '', []]);
    const id = attesterOf(nodeKey).id.slice(0, 12);
    expect(stdout).toBe(`image       ok      it is ${NAME}, sha256 ${sha256Hex(IMAGE)}
summary     ok      signed by the server at 2025-11-13T02:14:20.000Z
statements  ok      signed by trusted node ${id}
nodes       ok      a trusted node; who was disowned since is not known here
record      ok      number 1 of the log, of 2025-11-13T02:14:20.000Z
`);
  });

  test('passes from the server, with the log up to its head', async () => {
    const { status, stdout, stderr } = await online();
    expect([status, stderr, failed(stdout)]).toEqual([0, '', []]);
    expect(stdout).toContain('a trusted node, none disowned since');
    expect(stdout).toContain('log         ok      unbroken from record 1 to 2');
  });

  test('passes as a file with what the server is asked for, and it is said whose word the key is', async () => {
    const words = [await file('image', IMAGE), '--edge', url, '--build', HASH];
    const { status, stderr } = await inProcess(verifyCommand, words);
    expect([status, stderr]).toEqual([0, expect.stringContaining('the key is the server’s own word')]);
  });

  test('tells how to make it again, as a shell takes it', async () => {
    const { stdout } = await offline({ args: ['--recipe'] });
    expect(stdout).toContain('fetch https://mirror.example/ib.tar.zst');
    expect(stdout).toContain("make image PROFILE=glinet_gl-ar150 'PACKAGES=luci vim -ppp' BIN_DIR=bin");
    expect(stdout).toContain(`${'b'.repeat(64)}  feed:target`);
  });

  test('is data with --json', async () => {
    const { status, stdout } = await offline({ args: ['--json'] });
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { ok: true, sha256: sha256Hex(IMAGE), recipe: {} }]);
  });

  test('passes by a key in hex digits', async () => {
    const words = [await file('i', IMAGE), '--provenance', await file('p', JSON.stringify(good.provenance))];
    const hex = await file('k', `${bytesToHex(edgeKey.publicKey)}\n`);
    expect(await inProcess(verifyCommand, [...words, '--key', hex])).toMatchObject({ status: 0 });
  });
});

describe('it ends with 1, and says why, for', () => {
  const forged = async () => {
    const lie = await publication({ output: { ...made, manifest: { evil: '1' } } });
    return { ...good.provenance, statements: lie.provenance.statements };
  };

  test('a flipped byte', async () => {
    const image = Buffer.from(IMAGE);
    image[123_456] = (image[123_456] ?? 0) ^ 1;
    const { status, stdout } = await offline({ image });
    expect([status, failed(stdout)]).toEqual([
      1,
      [`image       FAILED  nobody vouches for these bytes, sha256 ${sha256Hex(image)}`],
    ]);
    expect(stdout).toMatch(/\ndo not flash this image\n$/);
  });

  test('a flipped byte on the way from the server', async () => {
    const image = Buffer.from(IMAGE);
    image[7] = (image[7] ?? 0) ^ 1;
    pages.set(`/store/${HASH}/${NAME}`, image);
    const { status, stdout } = await online();
    expect([status, failed(stdout)]).toEqual([1, [expect.stringContaining('nobody vouches')]]);
  });

  test('a forged statement', async () => {
    const { status, stdout } = await offline({ provenance: await forged() });
    expect([status, failed(stdout)]).toEqual([
      1,
      [expect.stringMatching(/^statements {2}FAILED .*not the one that the server has seen$/)],
    ]);
  });

  test('a server that is another one', async () => {
    const { provenance } = await publication({ output: made, key: stranger });
    const { status, stdout } = await offline({ provenance });
    expect([status, failed(stdout).length]).toEqual([1, 5]);
  });

  test('another good image of the same server in its place', async () => {
    const image = Buffer.from('another image');
    const other = { ...made, files: [{ name: NAME, sha256: sha256Hex(image) }] };
    const swapped = await publication({ output: other, requestHash: '2'.repeat(64) });
    pages.set(`/store/${HASH}/${NAME}`, image);
    pages.set(`/api/v1/build/${HASH}/provenance`, JSON.stringify(swapped.provenance));
    pages.set('/log/head', JSON.stringify(await headOf(swapped.place)));
    const { status, stdout } = await online();
    expect([status, failed(stdout)]).toEqual([
      1,
      [`image       FAILED  it is ${NAME} of build ${'2'.repeat(64)}, and not of build ${HASH} as was asked for`],
    ]);
    const words = [await file('image', image), '--edge', url, '--build', HASH];
    expect(await inProcess(verifyCommand, words)).toMatchObject({ status: 1 });
  });

  test('another image of the same build in its place', async () => {
    const name = 'another-squashfs-factory.bin';
    pages.set(`/store/${HASH}/${name}`, IMAGE);
    const { status, stdout } = await inProcess(verifyCommand, [`${url}/store/${HASH}/${name}`]);
    expect([status, failed(stdout)]).toEqual([
      1,
      [`image       FAILED  it is ${NAME} of that build, and not ${name} as was asked for`],
    ]);
  });

  test("a revoked node's image", async () => {
    pages.set('/log/head', JSON.stringify(await headOf(after.place, [attesterOf(nodeKey).id])));
    const { status, stdout } = await online();
    expect([status, failed(stdout)]).toEqual([1, [expect.stringMatching(/^nodes {7}FAILED .*disowned since/)]]);
  });

  test.each<[string, () => Promise<void>, RegExp]>([
    [
      'a changed record of the log',
      async () => {
        const changed = await publication({ last: good.place, requestHash: '3'.repeat(64) });
        pages.set('/log/2', JSON.stringify(changed.provenance.log?.record));
      },
      /^log {9}FAILED {2}record 2 is not the one that the head names/,
    ],
    ['a missing record of the log', async () => void pages.delete('/log/2'), /^log {9}FAILED {2}record 2 is missing/],
    ['a log without a head', async () => void pages.delete('/log/head'), /^log {9}FAILED {2}the head is not believed/],
    [
      'a log that was begun anew',
      async () => void pages.set('/log/head', JSON.stringify(await headOf({ sequence: 1, hash: 'f'.repeat(64) }))),
      /^log {9}FAILED {2}record 1 is not the one/,
    ],
    [
      'a provenance without a record',
      async () => void pages.set(`/api/v1/build/${HASH}/provenance`, JSON.stringify({ ...good.provenance, log: null })),
      /^record {6}FAILED {2}the provenance has no record/,
    ],
    [
      'an image of which nothing is signed',
      async () => void pages.delete(`/api/v1/build/${HASH}/provenance`),
      /^summary {5}FAILED {2}there is no provenance/,
    ],
  ])('%s', async (_, change, line) => {
    await change();
    const { status, stdout } = await online();
    expect([status, failed(stdout)[0]]).toEqual([1, expect.stringMatching(line)]);
  });

  test('words of whoever wrote the provenance, which do nothing to a terminal', async () => {
    const provenance = { ...good.provenance, '\x1b[2J': 1 };
    const { status, stdout } = await offline({ provenance });
    expect([status, /[\x00-\x09\x0b-\x1f]/.test(stdout)]).toEqual([1, false]);
  });
});

describe('it ends with 2 for', () => {
  const P = ['--provenance', '/p'];
  test.each<[string[], RegExp]>([
    [[], /^expected one image, as a file or a URL, got none/],
    [['a', 'b'], /^expected one image, .* got 2/],
    [['a'], /^--provenance: expected a file, or --edge/],
    [['a', ...P], /^--key: expected a file/],
    [['a', '--edge', 'https://x'], /^--build: expected the request_hash/],
    [['a', '--edge', 'https://x', '--build', 'F'.repeat(64)], /^--build: expected 64 hex digits/],
    [['a', '--edge', 'ftp://x', '--build', HASH], /^--edge: expected an http or https URL/],
    [['http://a b'], /^the image: expected an http or https URL/],
    [['a', ...P, '--key', '/no/such'], /^--key: \/no\/such cannot be read \(ENOENT\)/],
    [['a', '--frob'], /^there is no flag --frob/],
  ])('wrong words %j', async (words, sentence) => {
    const { status, stdout, stderr } = await inProcess(verifyCommand, words);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(sentence);
  });

  test('a file that is not there, a key that is none, and a provenance that is no JSON', async () => {
    const good = await file('p', '{}');
    const words = (image: string, p: string, k: string) => [image, '--provenance', p, '--key', k];
    const none = path.join(directory, 'none');
    for (const [args, sentence] of [
      [words(none, good, await key()), /cannot be read \(ENOENT\)/],
      [words(await file('i', IMAGE), await file('x', '<html>'), await key()), /^--provenance: expected JSON/],
      [words(await file('i', IMAGE), good, await file('x', '<html>')), /^--key: expected a public key/],
    ] as const) {
      const { status, stderr } = await inProcess(verifyCommand, args);
      expect([status, stderr]).toEqual([2, expect.stringMatching(sentence)]);
    }
  });

  test('a server that says no', async () => {
    pages.delete(`/store/${HASH}/${NAME}`);
    expect(await online()).toMatchObject({ status: 2, stdout: '', stderr: 'no such page\n' });
  });

  test('a server that sends more than any image has', async () => {
    const [answer] = server.listeners('request') as RequestListener[];
    server.removeAllListeners('request').on('request', (request, response) => {
      if (!request.url?.startsWith('/store/')) return answer?.(request, response);
      response.writeHead(200, { 'content-length': 2 ** 32 + 1 }).write('x');
    });
    const stderr = `expected an image of at most ${2 ** 32} bytes, got ${2 ** 32 + 1} or more\n`;
    expect(await online()).toMatchObject({ status: 2, stdout: '', stderr });
  });

  test('a server that gives a page for a key', async () => {
    pages.set('/keys/edge.pub', '<html>');
    const { status, stderr } = await inProcess(verifyCommand, [`${url}/store/${HASH}/${NAME}`]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('/keys/edge.pub: expected a public key')]);
  });
});
