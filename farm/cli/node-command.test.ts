/** A node as a process, as far as it comes with an edge that gives it no work: what stops its start, and with which status. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
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
  /** What is done to the state directory, "$0", before the node is started. */
  readonly spoils?: string;
}

/** In a mount namespace of the process's own, where anything is to be other than it is. */
function start(args: readonly string[], { hides, spoils }: Surroundings = {}) {
  const { ASU_NODE_EDGE: _, ...inherited } = process.env;
  // Nobody listens there: the node waits for it, and is up all the same.
  const named = ['--edge', 'http://127.0.0.1:9', '--join', 'a-secret-token', '--state', directory];
  const node = [process.execPath, MAIN, ...named, ...args];
  const change = spoils ?? (hides === undefined ? undefined : 'mount --bind /dev/null "$0"');
  const elsewhere = ['unshare', '-m', 'sh', '-c', `${change} && exec "$@"`, hides ?? directory];
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

test('where another one works in the state directory it does not start: status 3 and a sentence', async () => {
  using _ = lockState(directory);
  const node = start(['--no-require-sandbox']);
  expect(await node.ended).toBe(3);
  expect(node.text()).toMatch(new RegExp(`which process ${process.pid} is using: stop that one`));
});

test.each([
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

test('an address to be called at that is taken: status 2 and a sentence, and it never says that it is ready', async () => {
  const edgeUrl = `http://127.0.0.1:${await portOf(idleEdge())}`;
  const taken = `127.0.0.1:${await portOf(createServer())}`;
  const node = start(['--no-require-sandbox', '--edge', edgeUrl, '--listen', taken]);
  expect(await node.ended).toBe(2);
  expect(node.text()).toMatch(/--listen: nothing can be served on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/);
  expect(node.text()).not.toContain('ready');
});

test('a node that says that it is ready can be called', async () => {
  const port = await freePort();
  const edgeUrl = `http://127.0.0.1:${await portOf(idleEdge())}`;
  const node = start(['--no-require-sandbox', '--edge', edgeUrl, '--listen', `127.0.0.1:${port}`]);
  while (!node.text().includes('ready: ') && node.child.exitCode === null) await sleep(5);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status, node.text()).toBe(404);
});

test('an address for the metrics that is taken: status 2 and a sentence', async () => {
  const port = await portOf(createServer());
  const node = start(['--no-require-sandbox', '--metrics', `127.0.0.1:${port}`]);
  expect(await node.ended).toBe(2);
  expect(node.text()).toMatch(/--metrics: they cannot be served on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/);
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

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED, LOUDLY: hiding bubblewrap from a process needs root');
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
