/** An operator and somebody who lends a machine, each with the one command that is theirs, on a farm of real processes. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Child } from '../farm/stack/child-process.ts';
import { built, download, ended, poll, post, REQUEST } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

const ASU = path.resolve(import.meta.dirname, '../farm/cli/main.ts');
const ADMIN_KEY = 'ad'.repeat(32);

interface Machine {
  readonly id: string;
  readonly lines: string[];
  readonly child: Child;
}

let stack: StackUnderTest;
const machines: Machine[] = [];
const children: Child[] = [];
let sizes = 300;
const wish = () => ({ ...REQUEST, rootfs_size_mb: ++sizes });

beforeAll(async () => {
  stack = await StackUnderTest.start({ delaySeconds: 3, variables: { ADMIN_KEY } });
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await stack?.close();
});
afterEach(async () => {
  // What a test left set aside is another one's no more.
  for (const { id, child } of machines) if (!child.hasEnded) await asu('nodes', 'undrain', id).catch(() => undefined);
});

/** As an operator types it; rejects with what is written to standard error. */
function asu(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [ASU, ...args, '--edge', stack.url], {
    env: { ...process.env, ASU_ADMIN_KEY: ADMIN_KEY },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve, reject) =>
    child.once('close', (status) => (status === 0 ? resolve(out) : reject(new Error(`status ${status}: ${err}`)))),
  );
}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly [member: string]: unknown;
}
const list = async (): Promise<Listed[]> => JSON.parse(await asu('nodes', '--json'));
const listed = async (name: string): Promise<Listed | undefined> => (await list()).find((node) => node.name === name);

/** As whoever lends a machine types it: one command, with what the operator sent. */
function startMachine(name: string, token: string): { lines: string[]; child: Child } {
  const lines: string[] = [];
  const words = [
    '--slots',
    '2',
    '--report-ms',
    '300',
    '--upstream-keys',
    path.join(stack.directory, 'upstream-key.pub'),
  ];
  const state = ['--name', name, '--state', path.join(stack.directory, `machine-${name}`)];
  const child = new Child({
    command: [process.execPath, ASU, 'node', '--join', token, '--edge', stack.url, ...state, ...words],
    cwd: stack.directory,
    env: process.env,
    onLine: (line) => lines.push(line),
  });
  children.push(child);
  return { lines, child };
}

async function lend(name: string, tier: 'trusted' | 'volunteer'): Promise<Machine> {
  const token = (await asu('token', 'create', '--operator', `op-${name}`, '--tier', tier, '--expires', '1h')).trim();
  const { lines, child } = startMachine(name, token);
  await until(`${name} is ready`, () => {
    if (child.hasEnded) throw new Error(lines.join('\n'));
    return lines.some((line) => line.startsWith('ready'));
  });
  const { id = '' } = await until(`${name} is listed`, () => listed(name));
  const machine = { id, lines, child };
  machines.push(machine);
  return machine;
}

const builds = ({ lines }: Machine, hash: string): number =>
  lines.filter((line) => line.startsWith(`building ${hash.slice(0, 12)}`)).length;
const says = ({ lines }: Machine, words: RegExp) =>
  until(`it says ${words}`, () => lines.some((line) => words.test(line)));

async function begin(): Promise<string> {
  const answer = await post(stack.url, wish());
  expect(answer.status).toBe(202);
  const hash: string = answer.body.request_hash;
  await until(
    'it is being built',
    async () => (await poll(stack.url, hash)).body.imagebuilder_status === 'building_image',
  );
  return hash;
}

async function expectPublished(hash: string): Promise<void> {
  const done = await ended(stack.url, hash);
  expect(done.status, JSON.stringify(done.body)).toBe(200);
  for (const image of done.body.images)
    expect((await download(stack.url, done.body.bin_dir, image.name)).sha256).toBe(image.sha256);
}

let one: Machine;
let two: Machine;

test('a machine joins by one command with the token it was given, once, and builds', async () => {
  const token = (await asu('token', 'create', '--operator', 'alice', '--tier', 'volunteer', '--expires', '1h')).trim();
  const volunteer = startMachine('volunteer', token);
  await until('it is listed', () => listed('volunteer'));
  expect(await listed('volunteer')).toMatchObject({ tier: 'volunteer', operator: 'alice', state: 'active' });
  const thief = startMachine('thief', token);
  expect(await thief.child.ended).toBe('exit code 3');
  expect(thief.lines.join('\n')).toContain('the join token was used by another node');
  await volunteer.child.stop();
  one = await lend('one', 'trusted');
  expect((await built(stack.url, wish())).status).toBe(200);
  expect(await listed('one')).toMatchObject({ tier: 'trusted', operator: 'op-one', right: 1, images: 1, lost: 0 });
  const table = await asu('nodes');
  expect(table).toMatch(/^ID +NAME +TIER/);
  expect(table).toContain(one.id.slice(0, 12));
});

test('drained in the middle of a build it finishes that, gets no more, is told why, and comes back', async () => {
  const hash = await begin();
  expect(await asu('nodes', 'drain', one.id.slice(0, 8), '--reason', 'a new disk')).toContain(
    'one is draining (a new disk)',
  );
  await says(one, /no new builds.*a new disk/);
  two = await lend('two', 'trusted');
  const other = (await post(stack.url, wish())).body.request_hash;
  await expectPublished(other);
  await expectPublished(hash);
  expect([builds(one, hash), builds(two, hash), builds(one, other), builds(two, other)]).toEqual([1, 0, 0, 1]);
  await asu('nodes', 'undrain', one.id);
  await says(one, /gives this node builds again/);
  expect(await listed('one')).toMatchObject({ state: 'active', reason: '', image_builders: 1, right: 2 });
});

test('quarantined in the middle of a build: another one makes it, and the first one stops', async () => {
  await asu('nodes', 'drain', two.id);
  const hash = await begin();
  expect(builds(one, hash)).toBe(1);
  await asu('nodes', 'undrain', two.id);
  await asu('nodes', 'quarantine', one.id, '--reason', 'wrong images');
  await expectPublished(hash);
  expect(builds(two, hash)).toBe(1);
  await says(one, /quarantined.*wrong images/);
  const [first, second] = [await listed('one'), await listed('two')];
  expect(first).toMatchObject({ state: 'quarantined', reason: 'wrong images', running: 0 });
  expect(second?.right).toBeGreaterThanOrEqual(2);
  await asu('nodes', 'release', one.id);
  await says(one, /gives this node builds again/);
});

test('revoked in the middle of a build: another one makes it, and it does not come back', async () => {
  await asu('nodes', 'drain', two.id);
  const hash = await begin();
  expect(builds(one, hash)).toBe(1);
  await asu('nodes', 'undrain', two.id);
  await asu('nodes', 'revoke', one.id);
  await expectPublished(hash);
  expect(builds(two, hash)).toBe(1);
  await says(one, /this node was revoked/);
  await expect(asu('nodes', 'release', one.id)).rejects.toThrow(
    /^status 3: the node was revoked, and that is for good/,
  );
  const nodes = (await (await fetch(`${stack.url}/api/v1/nodes`)).json()) as { nodes: { name: string }[] };
  expect(nodes.nodes.map(({ name }) => name)).not.toContain('one');
});
