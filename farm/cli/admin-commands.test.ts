/** `asu token`, `asu nodes` and `asu builds` as processes: their words, and edges that are none. With a real edge: e2e/nodes-admin.test.ts. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { freePort } from '../stack/free-port.ts';

const KEY = 'ad'.repeat(32);
const ID = 'abcdef01'.repeat(8);
let directory: string;
let keyFile: string;
const servers: Server[] = [];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'admin-commands-'));
  keyFile = path.join(directory, 'key');
  await writeFile(keyFile, `${KEY}\n`);
  await writeFile(path.join(directory, 'no-key'), 'secret words\n');
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function asu(args: readonly string[], environment: Record<string, string> = {}): Promise<Ran> {
  const { ASU_EDGE: _, ASU_ADMIN_KEY: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [path.resolve(import.meta.dirname, 'main.ts'), ...args], {
    cwd: directory,
    env: { ...inherited, ...environment },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, out, err })));
}

/** Something that listens where an edge is expected. */
async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const KEYED = { ASU_ADMIN_KEY: KEY, ASU_EDGE: 'http://127.0.0.1:9' };
const GOOD_TOKEN = ['token', 'create', '--operator', 'alice', '--tier', 'volunteer'];

describe('wrong words end with 2, and one sentence', () => {
  it.each<[readonly string[], Record<string, string>, string]>([
    [
      ['nodes', 'frob'],
      KEYED,
      'expected list, add, remove-address, drain, undrain, quarantine, release, revoke, got "frob"; --help says what they do',
    ],
    [['builds', 'stop', ID], KEYED, 'expected cancel, got "stop"; --help says what it does'],
    [
      ['builds', 'cancel', ID.slice(1)],
      KEYED,
      `cancel: expected one request_hash of 64 hex digits, got "${ID.slice(1)}"`,
    ],
    [['builds', 'cancel'], KEYED, 'cancel: expected one request_hash of 64 hex digits, got ""'],
    [
      ['nodes', 'toString'],
      KEYED,
      'expected list, add, remove-address, drain, undrain, quarantine, release, revoke, got "toString"; --help says what they do',
    ],
    [['nodes', 'list', 'all'], KEYED, 'list takes no words, got "all"'],
    [['nodes', '--reason', 'x'], KEYED, 'list takes no --reason; --help says what it takes'],
    [['nodes', 'add'], KEYED, 'add: expected https://host or https://host:port, and nothing behind it, got ""'],
    [
      ['nodes', 'add', 'https://u:p@node.example'],
      KEYED,
      'add: expected https://host or https://host:port, and nothing behind it, got "https://u:p@node.example"',
    ],
    [
      ['nodes', 'add', 'http://node.example'],
      KEYED,
      'add: expected https; http is for loopback only, got "http://node.example"',
    ],
    [
      ['nodes', 'add', 'https://a.example', 'https://b.example'],
      KEYED,
      'add: expected one address, got "https://a.example https://b.example"',
    ],
    [['nodes', 'add', 'https://a.example', '--reason', 'x'], KEYED, 'add takes no --reason; --help says what it takes'],
    [
      ['nodes', 'remove-address', 'https://a.example'],
      KEYED,
      'remove-address: expected the id of one node, at least 8 of its hex digits, got "https://a.example"',
    ],
    [['nodes', 'drain'], KEYED, 'drain: expected the id of one node, at least 8 of its hex digits, got ""'],
    [
      ['nodes', 'drain', 'abcdef0'],
      KEYED,
      'drain: expected the id of one node, at least 8 of its hex digits, got "abcdef0"',
    ],
    [
      ['nodes', 'drain', 'abcdef01', 'abcdef02'],
      KEYED,
      'drain: expected the id of one node, at least 8 of its hex digits, got "abcdef01 abcdef02"',
    ],
    [['nodes'], { ASU_ADMIN_KEY: KEY }, '--edge: expected an http or https URL, got ""'],
    [
      ['nodes'],
      { ASU_EDGE: 'http://127.0.0.1:9' },
      'expected the ADMIN_KEY of the edge in ASU_ADMIN_KEY, or the file that holds it by --admin-key-file',
    ],
    [['nodes'], { ...KEYED, ASU_ADMIN_KEY: 'secret words' }, 'ASU_ADMIN_KEY: expected 64 hex digits'],
    [['nodes', '--admin-key-file', 'no-key'], KEYED, '--admin-key-file: expected 64 hex digits'],
    [['nodes', '--admin-key-file', 'nosuch'], KEYED, '--admin-key-file: nosuch cannot be read (ENOENT)'],
    [['nodes', '--admin-key', KEY], KEYED, 'there is no flag --admin-key; --help lists what there is'],
    [['token', 'make'], KEYED, 'expected create, got "make"; --help says what it does'],
    [
      ['token', 'create', '--tier', 'volunteer'],
      KEYED,
      '--operator: expected letters, digits, "_", "." or "-", at most 64, got ""',
    ],
    [['token', 'create', '--operator', 'alice'], KEYED, '--tier: expected trusted or volunteer, got ""'],
    [[...GOOD_TOKEN, '--expires', '31d'], KEYED, '--expires: expected a time from 1m to 30d, such as 12h, got "31d"'],
    [[...GOOD_TOKEN, '--expires', '59s'], KEYED, '--expires: expected a time from 1m to 30d, such as 12h, got "59s"'],
    [[...GOOD_TOKEN, '--expires', '7'], KEYED, '--expires: expected a time from 1m to 30d, such as 12h, got "7"'],
  ])('%j', async (args, environment, sentence) => {
    expect(await asu(args, environment)).toEqual({ status: 2, out: '', err: `${sentence}\n` });
  });
});

describe('what is no edge, or one that refuses, is told as what it is', () => {
  const json =
    (status: number, body: unknown): RequestListener =>
    (_, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
  it.each<[string, RequestListener, status: number, RegExp]>([
    ['another key', json(401, { detail: 'x' }), 3, /has another key$/],
    ['no admin API', json(404, { detail: 'no such page' }), 3, /has no admin API: it runs without ADMIN_KEY/],
    ['a refusal', json(429, { detail: 'Too many\u001b[2J' }), 3, /^Too many\\x1b\[2J$/],
    ['an edge that cannot now', json(503, { detail: 'later' }), 1, /cannot answer now: later$/],
    ['a page', (_, response) => response.end('<html>'), 1, /answers with status 200 and no JSON: is it an edge\?$/],
    [
      'an answer that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': 100 }).write('{"nodes":[');
        setTimeout(() => response.destroy(), 50);
      },
      1,
      /cannot be reached \(/,
    ],
  ])('%s', async (_, answer, status, sentence) => {
    const ran = await asu(['nodes'], { ...KEYED, ASU_EDGE: await listening(answer) });
    expect([ran.status, ran.out]).toEqual([status, '']);
    expect(ran.err.trimEnd()).toMatch(sentence);
  });

  it.each<[string[]]>([
    [['nodes']],
    [['nodes', 'add', 'https://node.example']],
    [GOOD_TOKEN],
    [['builds', 'cancel', ID]],
  ])('JSON of something else to %j: nothing is told as done', async (words) => {
    const ran = await asu(words, { ...KEYED, ASU_EDGE: await listening(json(200, { hello: 'world' })) });
    expect([ran.status, ran.out]).toEqual([1, '']);
    expect(ran.err).toMatch(/^http:\/\/\S+ answers with something else: is it an edge\?\n$/);
  });

  it('escape sequences in what is told as data reach no terminal', async () => {
    const answer = json(200, {
      token: 'x\u009b31m\u202e',
      operator: 'a',
      tier: 'volunteer',
      expires_at: '2030-01-01T00:00:00.000Z',
    });
    const ran = await asu([...GOOD_TOKEN, '--json'], { ...KEYED, ASU_EDGE: await listening(answer) });
    expect([ran.status, JSON.parse(ran.out).token]).toEqual([0, 'x\u009b31m\u202e']);
    expect(ran.out).toMatch(/^[\n\x20-\x7e]+$/);
  });

  it('nobody at all', async () => {
    const edge = `http://127.0.0.1:${await freePort()}`;
    const ran = await asu(['nodes', '--edge', edge], KEYED);
    expect([ran.status, ran.err]).toEqual([1, `${edge} cannot be reached (ECONNREFUSED)\n`]);
  });
});

test('the key goes to the edge that was named, and not where that one points', async () => {
  const keys: (string | undefined)[] = [];
  const elsewhere = await listening((request, response) => {
    keys.push(request.headers.authorization);
    response.end('{}');
  });
  const edge = await listening((request, response) => {
    response.writeHead(302, { location: `${elsewhere}${request.url}` }).end();
  });
  const ran = await asu(['nodes', '--edge', edge, '--admin-key-file', keyFile]);
  expect([ran.status, keys]).toEqual([1, []]);
  expect(ran.err).toContain('status 302');
  expect(ran.err + ran.out).not.toContain(KEY);
});

describe('an id that is begun', () => {
  const node = { id: ID, name: 'box', operator: 'op', tier: 'trusted', state: 'active', reason: '', by: 'operator' };
  const ids = [ID, `abcdef02${'0'.repeat(56)}`, `abcdef02${'1'.repeat(56)}`];

  /** Two pages, and what is asked of it. */
  const farm = async (asked: string[]): Promise<string> =>
    listening((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const page = request.url?.includes('after=') ? ids.slice(1) : ids.slice(0, 1);
      const nodes = page.map((id) => ({ ...node, id, running: 0 }));
      const answer =
        request.method === 'GET'
          ? { nodes, next: nodes.length === 1 ? ids[0] : null }
          : { ...nodes[0], state: 'draining' };
      response.end(JSON.stringify(answer));
    });

  it('is found on whichever page it stands', async () => {
    const asked: string[] = [];
    const ran = await asu(['nodes', 'drain', `abcdef02${'1'}`], { ...KEYED, ASU_EDGE: await farm(asked) });
    expect([ran.status, ran.err]).toEqual([0, '']);
    expect(asked).toEqual([
      'GET /api/v1/admin/nodes',
      `GET /api/v1/admin/nodes?after=${ID}`,
      `POST /api/v1/admin/nodes/${ids[2]}/drain`,
    ]);
    expect(ran.out).toMatch(/is draining; it runs 0$/m);
  });

  it.each([
    [
      'abcdef02',
      /^2 nodes have an id that begins with abcdef02: abcdef02000000000000 \(box\), abcdef02111111111111 \(box\)$/,
    ],
    ['00000000', /^no node has an id that begins with 00000000$/],
  ])('%s: nothing is done to any', async (beginning, sentence) => {
    const asked: string[] = [];
    const ran = await asu(['nodes', 'revoke', beginning], { ...KEYED, ASU_EDGE: await farm(asked) });
    expect([ran.status, ran.out]).toEqual([3, '']);
    expect(ran.err.trimEnd()).toMatch(sentence);
    expect(asked.some((one) => one.startsWith('POST'))).toBe(false);
  });
});

test.each([
  [
    ['add', 'https://NODE.example/'],
    [`POST /api/v1/admin/nodes/callable {"url":"https://node.example"}`],
    'abcdef01abcd box is called at https://node.example: builds are brought to it\n',
  ],
  [
    ['remove-address', 'abcdef01'],
    ['GET /api/v1/admin/nodes ', `POST /api/v1/admin/nodes/${ID}/remove-address {}`],
    'abcdef01abcd box is called no more: it gets builds by asking\n',
  ],
])('nodes %j', async (words, expected, out) => {
  const asked: string[] = [];
  const node = { id: ID, name: 'box', address: 'https://node.example', running: 0 };
  const edge = await listening(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    asked.push(`${request.method} ${request.url} ${body}`);
    response.end(JSON.stringify(request.method === 'GET' ? { nodes: [node], next: null } : node));
  });
  expect(await asu(['nodes', ...words], { ...KEYED, ASU_EDGE: edge })).toEqual({ status: 0, out, err: '' });
  expect(asked).toEqual(expected);
});

test('where nodes are called and why that fails stands in the list, and cannot write into a terminal', async () => {
  const node = {
    ...{ id: ID, name: 'box', operator: 'op', tier: 'trusted', state: 'active', reason: '', by: 'operator' },
    last_seen_at: new Date().toISOString(),
  };
  const called = { ...node, address: 'https://node.example', call_fault: 'Unknown: \u001b[2J' };
  const edge = await listening((_, response) => {
    // The second one is as an edge tells it that knows of no addresses.
    response.end(JSON.stringify({ nodes: [called, node], next: null }));
  });
  const { out } = await asu(['nodes'], { ...KEYED, ASU_EDGE: edge });
  expect(out).toContain('https://node.example (Unknown: \\x1b[2J)  active');
  expect(out.trimEnd()).toMatch(/ - +active$/);
});

test('a build is stopped by its whole hash', async () => {
  const asked: string[] = [];
  const edge = await listening((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end(JSON.stringify({ request_hash: ID, state: 'cancelled' }));
  });
  const ran = await asu(['builds', 'cancel', ID], { ...KEYED, ASU_EDGE: edge });
  expect(ran).toEqual({ status: 0, out: `${ID} is stopped\n`, err: '' });
  expect(asked).toEqual([`POST /api/v1/admin/builds/${ID}/cancel`]);
});

test('over a line that others can read, the key is not sent without a word', async () => {
  const ran = await asu(['nodes', '--edge', 'http://asu.invalid'], KEYED);
  expect(ran.err).toContain('http://asu.invalid is not https: everybody on the way there can read the key');
});
