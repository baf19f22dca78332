/**
 * A volunteer's machine at home, behind a router that lets nothing in: one command joins it, and it builds. Where this machine
 * cannot have such a home, that is said aloud, and what is left is a node that dies if it ever listens.
 */
import { connect } from 'node:net';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Child } from '../farm/stack/child-process.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { type Relay, relay } from './lines/relay.ts';
import { NatHome } from './players/nat-home.ts';
import { download, ended, poll, post, REQUEST } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

const ASU = path.resolve(import.meta.dirname, '../farm/cli/main.ts');
const NEVER_LISTENS = path.resolve(import.meta.dirname, 'never-listens.ts');
const ADMIN_KEY = 'ad'.repeat(32);
const METRICS_PORT = 9100;
/** A packet that is dropped is never answered; here an answer takes a millisecond. */
const CONNECT_PATIENCE_MS = 3_000;

let home: NatHome | string;
let stack: StackUnderTest;
let edgeOutside: Relay;
let mirrorOutside: Relay;
const children: Child[] = [];

beforeAll(async () => {
  home = await NatHome.open();
  if (typeof home === 'string')
    console.error(
      `\n*** NOT SHOWN HERE: a node behind NAT. This machine cannot have network namespaces: ${home}.\n*** Shown instead: a node that dies if it listens. Run as root, with iproute2 and nftables, to see the real thing.\n`,
    );
  const address = typeof home === 'string' ? '127.0.0.1' : home.internet;
  edgeOutside = await relay(address, () => stack?.url);
  // Known before the stack is there: the edge tells its nodes where the mirror is.
  let mirrorUrl: string | undefined;
  mirrorOutside = await relay(address, () => mirrorUrl);
  stack = await StackUnderTest.start({
    delaySeconds: 3,
    variables: { ADMIN_KEY, UPSTREAM_URL: mirrorOutside.url },
    onMirror: (url) => {
      mirrorUrl = url;
    },
  });
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await stack?.close();
  await Promise.all([edgeOutside?.close(), mirrorOutside?.close()]);
  if (home instanceof NatHome) await home.close();
});

/** As the edge's operator types it. */
async function asu(...args: string[]): Promise<string> {
  const { stdout } = await execa(process.execPath, [ASU, ...args, '--edge', stack.url], {
    env: { ASU_ADMIN_KEY: ADMIN_KEY },
  });
  return stdout.trim();
}

/** As the volunteer types it: one command, with the token that the operator sent. */
async function join(name: string, prefix: readonly string[], node: readonly string[], words: readonly string[]) {
  const token = await asu('token', 'create', '--operator', `op-${name}`, '--tier', 'trusted', '--expires', '1h');
  const lines: string[] = [];
  const [file = '', ...args] = [...prefix, process.execPath, ...node, ASU, 'node', '--join', token];
  const child = new Child({
    command: [
      file,
      ...args,
      ...['--edge', edgeOutside.url],
      ...['--name', name, '--state', path.join(stack.directory, `node-${name}`)],
      ...['--slots', '1', '--report-ms', '300'],
      ...['--upstream-keys', path.join(stack.directory, 'upstream-key.pub')],
      ...words,
    ],
    cwd: stack.directory,
    env: process.env,
    onLine: (line) => lines.push(line),
  });
  children.push(child);
  await until(`${name} is ready`, () => {
    if (child.hasEnded) throw new Error(lines.join('\n'));
    return lines.some((line) => line.startsWith('ready'));
  });
  return { lines, child };
}

async function begin(rootfsSizeMb: number): Promise<string> {
  const { status, body } = await post(stack.url, { ...REQUEST, rootfs_size_mb: rootfsSizeMb });
  expect(status, JSON.stringify(body)).toBe(202);
  await until('it is in its middle', async () => {
    const answer = await poll(stack.url, body.request_hash);
    if (answer.status !== 202) throw new Error(`ended too early: ${JSON.stringify(answer.body)}`);
    return answer.body.imagebuilder_status === 'building_image';
  });
  return body.request_hash;
}

async function expectServed(hash: string): Promise<void> {
  const { status, body } = await ended(stack.url, hash);
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.manifest).toHaveProperty('luci');
  expect(body.images.length).toBeGreaterThan(0);
  for (const image of body.images) {
    const { bytes, sha256 } = await download(stack.url, body.bin_dir, image.name);
    expect([sha256, bytes.length]).toEqual([image.sha256, image.size]);
  }
}

const listed = async (name: string) =>
  (JSON.parse(await asu('nodes', '--json')) as { name: string }[]).find((node) => node.name === name);

/** Opens a connection from here, which is the internet. */
const knock = (host: string, port: number): Promise<'open' | 'closed'> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    const answer = (what: 'open' | 'closed') => {
      socket.destroy();
      resolve(what);
    };
    socket.setTimeout(CONNECT_PATIENCE_MS, () => answer('closed'));
    socket.once('connect', () => answer('open'));
    socket.once('error', () => answer('closed'));
  });

/** What a node says of itself, asked from another namespace. */
const metricsSeenFrom = async (enter: readonly [string, ...string[]], host: string): Promise<string> => {
  const program = `process.stdout.write(await (await fetch('http://${host}:${METRICS_PORT}/metrics')).text())`;
  const [file, ...args] = [...enter, process.execPath, '--input-type=module', '-e', program] as const;
  return (await execa(file, args)).stdout;
};

test('behind a router that lets nothing in: joins by one command, leases, builds, uploads, reports', async ({
  skip,
}) => {
  if (typeof home === 'string') return skip(`no network namespaces here: ${home}`);
  const { internet } = home;
  const { child } = await join('at-home', home.enter, [], ['--metrics', `${home.inside}:${METRICS_PORT}`]);
  const hash = await begin(310);
  // It does listen, and its neighbour can tell, so that a closed door outside is the router's doing.
  expect(await metricsSeenFrom(home.enterRouter, home.inside)).toContain('\nasu_node_builds_running 1\n');
  expect(await Promise.all([knock(home.router, METRICS_PORT), knock(home.inside, METRICS_PORT)])).toEqual([
    'closed',
    'closed',
  ]);
  // Somebody who can reach nothing proves nothing.
  expect(await knock(home.internet, Number(new URL(edgeOutside.url).port))).toBe('open');
  await expectServed(hash);
  expect(await listed('at-home')).toMatchObject({ tier: 'trusted', operator: 'op-at-home', right: 1, lost: 0 });
  // Beside those of this machine itself, the edge's and the knock's, there is the router's address and no inner one.
  for (const { visitors } of [edgeOutside, mirrorOutside])
    expect([...visitors].filter((address) => address !== internet)).toEqual([home.router]);
  await child.stop();
});

test('a node that would die of listening builds all the same', async () => {
  const { child } = await join('deaf', [], ['--import', NEVER_LISTENS], []);
  await expectServed(await begin(311));
  expect(await listed('deaf')).toMatchObject({ right: 1, lost: 0 });
  await child.stop();
});

test('and it does die of it', async () => {
  await expect(
    join('listening', [], ['--import', NEVER_LISTENS], ['--metrics', `0.0.0.0:${await freePort()}`]),
  ).rejects.toThrow('nothing may listen here');
});
