/** A node as a process, as far as it comes with an edge that gives it no work: what stops its start, and with which status. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ForemanService } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { lockState } from '../disk/state-lock.ts';
import { freePort } from '../stack/free-port.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED, LOUDLY: what is mounted for a single process alone needs root');

const MAIN = path.resolve(import.meta.dirname, '../main.ts');

let directory: string;
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'node-command-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) server.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

interface Surroundings {
  /** A program that is not to be had. */
  readonly hides?: string;
  /** What is there in its place. */
  readonly behind?: string;
  /** What is done to the state directory, "$0", before the node is started. */
  readonly spoils?: string;
}

/** In a mount namespace of the process's own, where anything is to be other than it is. */
function start(args: readonly string[], { hides, behind = '/dev/null', spoils }: Surroundings = {}) {
  const { ASU_NODE_EDGE: _, ...inherited } = process.env;
  // Nobody listens there: the node waits for it, and is up all the same.
  const named = ['--edge', 'http://127.0.0.1:9', '--join', 'a-secret-token', '--state', directory];
  const node = [process.execPath, MAIN, ...named, ...args];
  const change = spoils ?? (hides === undefined ? undefined : 'mount --bind "$1" "$0"');
  const elsewhere = ['unshare', '-m', 'sh', '-c', `${change} && shift && exec "$@"`, hides ?? directory, behind];
  const [file = '', ...words] = change === undefined ? node : [...elsewhere, ...node];
  const child = spawn(file, words, { env: inherited });
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      text += chunk;
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, text: () => text };
}

test.skipIf(!isRoot).each([
  [
    'whose disk is full',
    'mount -t tmpfs -o size=4k none "$0" && printf "%4096s" > "$0/full"',
    /: make room on that disk/,
  ],
  ['that is mounted read-only', 'mount -t tmpfs -o ro none "$0"', /: is it, or what it lies in, mounted read-only/],
  ['with a file in its place', 'rmdir "$0" && touch "$0"', / \(EEXIST\): a file is in its way/],
])('a state directory %s: status 1 and one sentence that names it', async (_, spoils, sentence) => {
  const node = start(['--no-require-sandbox'], { spoils });
  expect(await node.ended).toBe(1);
  expect(node.text()).toMatch(/^expected a state directory that can be made and written, got .* with --state\n$/);
  expect(node.text()).toMatch(sentence);
  expect(node.text()).toContain(directory);
});

/** It listens on loopback until the test is over; its port. */
function portOf(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { readonly port: number }).port)),
  );
}

/** An edge that has whoever comes, and no work for anybody. */
const idleEdge = (): Server =>
  createHttpServer(
    connectNodeAdapter({
      acceptCompression: [],
      routes: (router) =>
        router.service(ForemanService, {
          join: () => ({ nodeId: 'n', edgePublicKey: new Uint8Array(32), certificate: '' }),
          renew: () => ({ certificate: '' }),
          lease: async () => {
            await sleep(1_000);
            return {};
          },
        }),
    }),
  );

const said = async (node: ReturnType<typeof start>, what: RegExp | string): Promise<void> => {
  while (!new RegExp(what).test(node.text()) && node.child.exitCode === null) await sleep(5);
  expect(node.text()).toMatch(what);
};

/** Of what the node needs for itself. */
const TAKEN = {
  'its state directory': /which process \d+ is using: stop that one, .*; trying again for 30 s/,
  'the address for its metrics':
    /--metrics: they cannot be served on 127\.0\.0\.1:\d+ \(EADDRINUSE\); trying again for 30 s/,
  'the address to be called at':
    /--listen: nothing can be served on 127\.0\.0\.1:\d+ \(EADDRINUSE\); trying again for 30 s/,
} as const;

/** A node that finds one thing taken, and how that is given up. */
async function startWithout(what: keyof typeof TAKEN) {
  const edgeUrl = `http://127.0.0.1:${await portOf(idleEdge())}`;
  const common = ['--no-require-sandbox', '--edge', edgeUrl];
  if (what === 'its state directory') {
    const lock = lockState(directory);
    return { node: start(common), giveUp: () => lock[Symbol.dispose]() };
  }
  const server = createServer();
  const taken = `127.0.0.1:${await portOf(server)}`;
  const own = path.join(directory, what === 'the address for its metrics' ? 'metrics' : 'listen');
  const flag = what === 'the address for its metrics' ? '--metrics' : '--listen';
  return { node: start([...common, '--state', own, flag, taken]), giveUp: () => server.close() };
}

test.each(Object.keys(TAKEN) as (keyof typeof TAKEN)[])(
  '%s is taken: it says so and waits, and works when it is free',
  { timeout: 60_000 },
  async (what) => {
    const { node, giveUp } = await startWithout(what);
    await said(node, TAKEN[what]);
    expect(node.text()).not.toContain('ready');
    giveUp();
    await said(node, 'ready: ');
    node.child.kill('SIGTERM');
    expect(await node.ended, node.text()).toBe(0);
  },
);

test('what stays taken: status 1, after which a node is started again, and a sentence', {
  timeout: 120_000,
}, async () => {
  const all = Object.keys(TAKEN) as (keyof typeof TAKEN)[];
  const waiting = await Promise.all(all.map(startWithout));
  expect(await Promise.all(waiting.map(({ node }) => node.ended))).toEqual([1, 1, 1]);
  for (const { node } of waiting) {
    // The sentence, and no trace of a stack.
    expect(node.text()).not.toMatch(/ready|\n {4}at /);
    expect(node.text().trim().split('\n')).toHaveLength(2);
  }
  for (const { giveUp } of waiting) giveUp();
});

test('told to stop while it waits for a port it stops: status 0', async () => {
  const { node } = await startWithout('the address for its metrics');
  await said(node, TAKEN['the address for its metrics']);
  node.child.kill('SIGTERM');
  expect(await node.ended, node.text()).toBe(0);
});

test('an address that nobody can listen on: status 2 and a sentence', async () => {
  const node = start(['--no-require-sandbox', '--metrics', '[fe80::1]:9100']);
  expect(await node.ended).toBe(2);
  expect(node.text()).toMatch(/--metrics: they cannot be served on fe80::1:9100 \(/);
});

test('a node that says that it is ready can be called', async () => {
  const port = await freePort();
  const edgeUrl = `http://127.0.0.1:${await portOf(idleEdge())}`;
  const node = start(['--no-require-sandbox', '--edge', edgeUrl, '--listen', `127.0.0.1:${port}`]);
  while (!node.text().includes('ready: ') && node.child.exitCode === null) await sleep(5);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status, node.text()).toBe(404);
});

test('it serves its metrics while it waits for the edge, and ends with 0 when it is told to stop', async () => {
  const port = await freePort();
  const node = start(['--no-require-sandbox', '--slots', '3', '--disk-budget', '7G', '--metrics', `127.0.0.1:${port}`]);
  const url = `http://127.0.0.1:${port}/metrics`;
  let page: string | undefined;
  while (page === undefined && node.child.exitCode === null) {
    page = await fetch(url).then(
      (response) => response.text(),
      () => undefined,
    );
    await sleep(50);
  }
  expect(page).toContain('\nasu_node_slots 3\n');
  expect(page).toContain(`\nasu_node_disk_budget_bytes ${7 * 1024 ** 3}\n`);
  expect(page).toMatch(/^asu_node_package_requests_total\{outcome="hit"\} 0$/m);
  node.child.kill('SIGTERM');
  expect(await node.ended).toBe(0);
  expect(node.text()).not.toContain('a-secret-token');
});

test.skipIf(!isRoot)(
  'where builds cannot be fenced it does not start unless told to: status 4, and what to do',
  async () => {
    const refused = start([], { hides: '/usr/bin/bwrap' });
    expect(await refused.ended).toBe(4);
    expect(refused.text()).toMatch(/^Builds run without a fence: .*bubblewrap.*asu doctor .*--no-require-sandbox/);
    const port = await freePort();
    const allowed = start(['--no-require-sandbox', '--metrics', `127.0.0.1:${port}`], { hides: '/usr/bin/bwrap' });
    let isUp = false;
    while (!isUp && allowed.child.exitCode === null) {
      isUp = await fetch(`http://127.0.0.1:${port}/metrics`).then(
        (response) => response.ok,
        () => false,
      );
      await sleep(50);
    }
    expect(isUp).toBe(true);
  },
);

test.skipIf(!isRoot)(
  'a fence that fails at first, as on a machine that is busy, is tried again',
  { timeout: 60_000 },
  async () => {
    const [real, behind] = ['bwrap', 'behind'].map((name) => path.join(directory, name)) as [string, string];
    await copyFile('/usr/bin/bwrap', real);
    // Fails for whatever is first started in it.
    const script = `#!/bin/sh\n[ "$1" = --help ] || ! mkdir ${directory}/once 2>/dev/null || exit 1\nexec ${real} "$@"\n`;
    await writeFile(behind, script, { mode: 0o755 });
    const edgeUrl = `http://127.0.0.1:${await portOf(idleEdge())}`;
    const node = start(['--edge', edgeUrl, '--state', path.join(directory, 'state')], {
      hides: '/usr/bin/bwrap',
      behind,
    });
    await said(node, 'ready: ');
    expect(node.text()).toContain('Builds run in bubblewrap');
    expect(await stat(path.join(directory, 'once'))).toBeTruthy();
  },
);
