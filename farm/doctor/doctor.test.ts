/**
 * The doctor as a person starts it, on this machine, against real servers that answer rightly, wrongly and not at all; and
 * single checks on machines that lack something.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { generateMirror } from '../demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../demo/mirror-server.ts';
import { lockState } from '../disk/state-lock.ts';
import type { Check, Finding } from './check.ts';
import { fenceCheck } from './checks/fence.ts';
import { hostToolsCheck } from './checks/host-tools.ts';
import { stateDirectoryCheck } from './checks/state-directory.ts';
import { patientOf } from './doctor.ts';
import { reachOnce } from './reach.ts';

const ASU = path.resolve(import.meta.dirname, '../cli/main.ts');

let root: string;
let mirror: MirrorServer;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'doctor-'));
  await generateMirror({ directory: path.join(root, 'mirror') });
  mirror = await serveMirror(path.join(root, 'mirror'));
});
afterAll(async () => {
  await mirror.close();
  await rm(root, { recursive: true, force: true, maxRetries: 5 });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly ended: Promise<Ended>;
  readonly signal: (signal: NodeJS.Signals) => void;
}

function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Started {
  const { ASU_NODE_EDGE: _, ASU_NODE_STATE: __, ...inherited } = process.env;
  const child = spawn(process.execPath, [ASU, ...args], { cwd: root, env: { ...inherited, ...environment } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { ended, signal: (signal) => child.kill(signal) };
}

const asu = (args: readonly string[], environment?: NodeJS.ProcessEnv) => start(args, environment).ended;

interface Told extends Finding {
  readonly check: string;
}

async function doctor(
  ...args: string[]
): Promise<{ readonly code: number | null; readonly told: (id: string) => Told[] }> {
  const { code, stdout } = await asu(['doctor', '--json', '--no-build', ...args]);
  const { findings } = JSON.parse(stdout) as { findings: Told[] };
  return { code, told: (id) => findings.filter(({ check }) => check === id) };
}

async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const findingsOf = async (check: Check, named: Partial<Parameters<typeof patientOf>[0]> = {}): Promise<Finding[]> =>
  [
    await check.run(
      patientOf({
        stateDirectory: path.join(root, 'unmade'),
        edgeUrl: null,
        upstreamUrl: null,
        signal: new AbortController().signal,
        ...named,
      }),
    ),
  ].flat();

describe('as a person starts it', () => {
  test('it tells in the order of the list, ends with a verdict, and leaves nothing behind', async () => {
    const state = path.join(root, 'not-yet', 'state');
    const args = ['--no-build', '--upstream', mirror.url, '--state', state];
    const { code, stdout, stderr } = await asu(['doctor', ...args]);
    const rows = stdout.split('\n').flatMap((line) => /^(ok|warning|problem) +(\S+) /.exec(line)?.[2] ?? []);
    expect([...new Set(rows)]).toEqual(
      'node.js tools fence overlay user memory state lock disk imagebuilders upstream edge clock'.split(' '),
    );
    expect(stdout).toMatch(/^ok +upstream .*lists \d+ releases/m);
    expect(stdout).toMatch(/^ok +clock .*it agrees with 127\.0\.0\.1/m);
    expect(stdout).toMatch(code === 0 ? /^This machine can be a node/m : /^\d+ problems?\b/m);
    expect(stdout).not.toContain('\x1b');
    expect(stderr).toBe('');
    expect(await readdir(root)).toEqual(['mirror']);
    // With a state directory that is there: nothing is left in it either.
    await mkdir(state, { recursive: true });
    await asu(['doctor', ...args]);
    expect(await readdir(state)).toEqual([]);
    await rm(path.dirname(state), { recursive: true, maxRetries: 5 });
  });

  test('as data it is the same, and exits with 1 where there is a problem', async () => {
    const portal = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Hotel\x1b[2J</title>'),
    );
    const { code, told } = await doctor('--upstream', portal, '--edge', portal);
    expect(code).toBe(1);
    for (const id of ['upstream', 'edge', 'store'])
      expect(told(id)).toEqual([
        expect.objectContaining({
          state: 'problem',
          text: expect.stringMatching(/captive portal or proxy .*"Hotel\\\\x1b\[2J"/),
          fix: expect.any(String),
        }),
      ]);
    expect(told('certificate')).toEqual([expect.objectContaining({ state: 'warning' })]);
  });

  test('the mirror to look at is the one that the edge names', async () => {
    const health = {
      status: 200,
      detail: 'up',
      parts: {
        kv: { up: true },
        object_store: { up: true, kind: 'r2' },
        foreman: { up: true },
        upstream: { up: true, url: mirror.url, signatures: 'required' },
        nodes: { up: true, present: 1 },
      },
      queue: { waiting: 0, live: 0, running: 0 },
    };
    const edge = await serve((request, response) => {
      const isHealth = request.url === '/healthz';
      response
        .writeHead(isHealth ? 200 : 404, { 'content-type': 'application/json' })
        .end(JSON.stringify(isHealth ? health : { status: 404, detail: 'no such file' }));
    });
    const { told } = await doctor('--edge', edge);
    expect([told('upstream'), told('edge'), told('store'), told('clock')].flat().map(({ state }) => state)).toEqual(
      Array(4).fill('ok'),
    );
    expect(told('upstream')[0]?.text).toContain(mirror.url);
  });

  test('a node at work in the state directory is seen, and left at peace', async () => {
    const state = await mkdtemp(path.join(root, 'locked-'));
    onTestFinished(() => rm(state, { recursive: true, maxRetries: 5 }));
    using _ = lockState(state);
    const { told } = await doctor('--state', state, '--upstream', mirror.url);
    expect(told('lock')).toEqual([
      expect.objectContaining({ state: 'warning', text: expect.stringContaining(`process ${process.pid}`) }),
    ]);
    expect(() => lockState(state)).toThrow(/is using/);
  });

  test('the proof is built by the very code that builds for routers, for both eras, and removed', async () => {
    const place = await mkdtemp(path.join(root, 'tmp-'));
    onTestFinished(() => rm(place, { recursive: true, force: true, maxRetries: 5 }));
    const { stdout } = await asu(['doctor', '--upstream', mirror.url], { TMPDIR: place });
    for (const era of ['opkg', 'apk'])
      expect(stdout).toMatch(
        new RegExp(`^ok +build +an image of the demo \\(${era}\\) was built in \\d+\\.\\d s`, 'm'),
      );
    expect(await readdir(place)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'stopped by %s in the middle of the proof it removes it too',
    async (how) => {
      const place = await mkdtemp(path.join(root, 'tmp-'));
      onTestFinished(() => rm(place, { recursive: true, force: true, maxRetries: 5 }));
      const running = start(['doctor', '--upstream', mirror.url], { TMPDIR: place });
      let hasBegun = false;
      void running.ended.then(() => {
        hasBegun = true;
      });
      for (; !hasBegun; await sleep(20)) {
        const build = (await readdir(place)).find((name) => name.startsWith('asu-doctor-build-'));
        hasBegun = build !== undefined && (await readdir(path.join(place, build))).includes('state');
      }
      running.signal(how);
      const { code } = await running.ended;
      expect(code).toBe(how === 'SIGINT' ? 130 : 143);
      expect(await readdir(place)).toEqual([]);
    },
  );

  test.each([
    [['doctor', '--frob'], /^there is no flag --frob; --help lists what there is\n$/],
    [['doctor', 'word'], /^expected flags only, got "word"/],
    [['doctor', '--edge', 'ftp://x'], /^--edge: expected an http or https URL, got "ftp:\/\/x"\n$/],
    [['doctor', '--upstream', 'x'], /^--upstream: expected an http or https URL/],
  ])('%j exits with 2 and a sentence', async (args, sentence) => {
    const { code, stdout, stderr } = await asu(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(sentence);
  });

  test('--help says what it takes', async () => {
    const { code, stdout } = await asu(['doctor', '--help']);
    expect(code).toBe(0);
    for (const flag of ['--state DIR', '--edge URL', '--upstream URL', '--no-build', '--json'])
      expect(stdout).toContain(flag);
  });
});

describe('on a bare host', () => {
  test('each tool that is missing is named with its package; nothing else is', async () => {
    const bare = await mkdtemp(path.join(root, 'bare-'));
    for (const tool of ['make', 'bash', 'tar']) await symlink('/bin/sh', path.join(bare, tool));
    const findings = await findingsOf(hostToolsCheck, { toolDirectories: [bare] });
    const texts = findings.map(({ text }) => text);
    expect(texts).toEqual(expect.arrayContaining(['bwrap is missing', 'zstd is missing', 'xz is missing']));
    expect(texts).not.toContain('make is missing');
    expect(findings.find(({ text }) => text.startsWith('xz '))).toMatchObject({
      state: 'problem',
      packages: ['xz-utils'],
      fix: "install Debian's package xz-utils",
    });
  });

  test('without bubblewrap the fix is to install it, with one that may not work it is not', async () => {
    const fence = async () => ({ kind: 'none', canOverlay: false, told: 'Not here.', host: null }) as const;
    const bare = await mkdtemp(path.join(root, 'bare-'));
    expect(await findingsOf(fenceCheck, { fence, toolDirectories: [bare] })).toMatchObject([
      { state: 'problem', text: 'Not here', packages: ['bubblewrap'] },
    ]);
    await symlink('/bin/true', path.join(bare, 'bwrap'));
    expect(await findingsOf(fenceCheck, { fence, toolDirectories: [bare] })).toMatchObject([
      { state: 'problem', packages: [], fix: expect.stringContaining('namespaces') },
    ]);
  });
});

describe('a state directory', () => {
  const looked = async (stateDirectory: string) => (await findingsOf(stateDirectoryCheck, { stateDirectory })).at(0);

  test('below which make cannot work is a problem', async () => {
    expect(await looked('/tmp/with blank')).toMatchObject({
      state: 'problem',
      text: expect.stringMatching(/absolute path of letters/),
    });
  });

  test('with a file in its way is a problem', async () => {
    const file = path.join(root, 'file');
    await writeFile(file, '');
    onTestFinished(() => rm(file));
    for (const place of [file, path.join(file, 'below')])
      expect(await looked(place)).toMatchObject({ state: 'problem', text: expect.stringMatching(/cannot be made/) });
  });

  test('that is not there yet is fine, and still not there', async () => {
    const place = path.join(root, 'a/b/c');
    expect(await looked(place)).toMatchObject({ state: 'ok', text: expect.stringMatching(/will be made/) });
    expect(await readdir(root)).not.toContain('a');
  });

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.warn('SKIPPED, LOUDLY: mounting a noexec and a read-only directory needs root');
  test.skipIf(!isRoot).each([
    ['noexec', /programs cannot be run there: it is mounted noexec/],
    ['ro', /nothing can be written in .* \(EROFS\)/],
  ])('mounted %s is a problem', async (option, text) => {
    const place = await mkdtemp(path.join(root, 'mount-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${option},size=1m`, 'tmpfs', place]);
    onTestFinished(() => void execFileSync('umount', [place]));
    expect(await looked(place)).toMatchObject({ state: 'problem', text: expect.stringMatching(text) });
    expect(await readdir(place)).toEqual([]);
  });
});

describe('a server', () => {
  const reach = (url: string, now?: () => number) => reachOnce(new AbortController().signal, now)(url);

  test('that is asked twice is asked once', async () => {
    let asked = 0;
    const url = await serve((_, response) => {
      asked += 1;
      response.end('{}');
    });
    const once = reachOnce(new AbortController().signal);
    expect(await Promise.all([once(url), once(url)])).toMatchObject([{ body: '{}' }, { body: '{}' }]);
    expect(asked).toBe(1);
  });

  test.each([
    [{}, 90_000],
    [{ age: '30' }, 120_000],
    [{ age: '-1' }, null],
    [{ date: 'yesterday' }, null],
  ])('that shows %j is so far ahead of us: %j', async (headers, aheadMs) => {
    const ours = Date.parse('2026-11-25T12:00:00Z');
    const url = await serve((_, response) =>
      response.writeHead(200, { date: new Date(ours + 90_000).toUTCString(), ...headers }).end('{}'),
    );
    expect(await reach(url, () => ours)).toMatchObject({ state: 'answered', aheadMs });
  });

  test('that never stops is read as far as need be', async () => {
    const url = await serve((_, response) => {
      const more = () => {
        while (response.write('x'.repeat(64 * 1024)));
        response.once('drain', more);
      };
      more();
    });
    const answer = await reach(url);
    expect(answer.state === 'answered' && answer.body.length).toBe(256 * 1024);
  });

  test.each<[string, RequestListener]>([
    ['hangs up', (request) => request.socket.destroy()],
    ['redirects for ever', (_, response) => response.writeHead(302, { location: '/' }).end()],
    ['redirects to a file', (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end()],
  ])('that %s has not answered', async (_, listener) => {
    expect(await reach(await serve(listener))).toMatchObject({ state: 'failed', reason: expect.stringMatching(/\w/) });
  });
});
