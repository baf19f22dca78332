/** `asu build`, `asu check`, `asu verify` and `asu keygen` as processes, with the running stack: edge, node and mirror are real. */
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AsuProcess, asu, type Ended, startAsu } from '../farm/cli/asu-process.fixture.ts';
import { download } from './players/router.ts';
import { StackUnderTest, until } from './stack-under-test.ts';

let stack: StackUnderTest;
/** The server's public key, as somebody has it by another way than the server: from its secret. */
let keyFile: string;
let serial = 0;
let output: string;

beforeAll(async () => {
  stack = await StackUnderTest.start({ delaySeconds: 3, variables: { ALLOW_DEFAULTS: '1' } });
  await stack.startNode('one');
  keyFile = path.join(stack.directory, 'usign.pub');
  const { stdout } = await asu(['keygen', '--public-from', path.join(stack.directory, 'server-key')]);
  await writeFile(keyFile, stdout);
});
afterAll(() => stack?.close());
beforeEach(() => {
  serial += 1;
  output = path.join(stack.directory, `images-${serial}`);
});

/** A new build for each test: sizes are part of what is asked. */
const what = () => [
  '--target',
  'demo/generic',
  '--profile',
  'acme,ax3000-v1',
  '--rootfs-size-mb',
  String(300 + serial),
];
const where = () => ({ environment: { ASU_SERVER: stack.url } });
const words = (...more: readonly string[]) => ['build', '--version', '24.10.2', ...what(), '--output', output, ...more];
const build = (...more: readonly string[]): Promise<Ended> => asu(words(...more), where());

/** The one file of a run, checked against the store by other means than its own. */
async function expectFetched({ status, stdout, stderr }: Ended): Promise<void> {
  expect([status, stderr], stderr).toEqual([0, expect.any(String)]);
  const file = stdout.trim();
  expect(await readdir(output)).toEqual([path.basename(file)]);
  const hash = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  const { request_hash } = JSON.parse((await build('--json')).stdout) as { request_hash: string };
  expect((await download(stack.url, request_hash, path.basename(file))).sha256).toBe(hash);
}

/** A build, and the paths of what was fetched. */
async function built(): Promise<{ readonly request_hash: string; readonly files: readonly string[] }> {
  const { status, stdout, stderr } = await build();
  expect([status, stderr], stderr).toEqual([0, expect.any(String)]);
  const { request_hash } = JSON.parse((await build('--json')).stdout) as { request_hash: string };
  return { request_hash, files: stdout.trim().split('\n') };
}

const untilBuilding = (one: AsuProcess) =>
  until('it is being built', () => one.stderr().includes('building image') || one.process.exitCode !== null);

test('the key that keygen makes of the secret is the one that the server gives out', async () => {
  expect(await readFile(keyFile, 'utf8')).toBe(await (await fetch(`${stack.url}/keys/usign.pub`)).text());
});

test('an image is asked for, listened to, fetched, and its signature checked', async () => {
  const ended = await build('--package', 'luci', '--package', '-ppp-mod-pppoe', '--key', keyFile, '--log');
  expect(ended.stderr).toMatch(/^Building images\.\.\.$/m);
  expect(ended.stderr).toMatch(/^digests are signed by key [0-9a-f]{16}$/m);
  expect(ended.stderr).not.toContain('does not tell the log');
  expect(path.basename(ended.stdout.trim())).toMatch(/-squashfs-sysupgrade\.bin$/);
  const { manifest, signed_by } = JSON.parse(
    (await build('--package', 'luci', '--package', '-ppp-mod-pppoe', '--key', keyFile, '--json')).stdout,
  );
  expect(ended.stderr).toContain(`signed by key ${signed_by}`);
  expect(manifest).toHaveProperty('luci');
  expect(manifest).not.toHaveProperty('ppp-mod-pppoe');
});

test('an image is checked by what its node and the server signed, with the server and without it', async () => {
  const { request_hash, files } = await built();
  const [image = ''] = files;
  const provenanceUrl = `${stack.url}/api/v1/build/${request_hash}/provenance`;
  await until('it is in the log', async () => !(await (await fetch(provenanceUrl)).text()).endsWith('"log":null}'));
  const key = path.join(stack.directory, 'edge.pub');
  await writeFile(key, await (await fetch(`${stack.url}/keys/edge.pub`)).text());
  const asked = await asu(['verify', image, '--edge', stack.url, '--build', request_hash, '--key', key]);
  expect(asked).toEqual({ status: 0, stdout: expect.stringMatching(/^log +ok +unbroken/m), stderr: '' });

  const provenance = path.join(stack.directory, 'provenance.json');
  await writeFile(provenance, await (await fetch(provenanceUrl)).text());
  const words = ['--provenance', provenance, '--key', key];
  const alone = await asu(['verify', image, ...words, '--recipe']);
  expect([alone.status, alone.stderr]).toEqual([0, '']);
  expect(alone.stdout).toMatch(/^statements +ok +signed by trusted node [0-9a-f]{12}$/m);
  expect(alone.stdout).toContain('make image PROFILE=acme_ax3000-v1');

  const bytes = await readFile(image);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  await writeFile(image, bytes);
  expect(await asu(['verify', image, ...words])).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^image +FAILED +nobody vouches/),
  });
});

test('the key of another server is noticed, and nothing is kept', async () => {
  const other = path.join(stack.directory, 'other.pub');
  await writeFile(other, (await asu(['keygen', '--out', path.join(stack.directory, 'other-key')])).stdout);
  const ended = await build('--key', other);
  expect(ended).toMatchObject({ status: 5, stdout: '' });
  expect(await readdir(output).catch(() => [])).toEqual([]);
});

test('one that is only asked for goes on by its hash', async () => {
  const { status, stdout } = await build('--no-wait');
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)]);
  await expectFetched(await asu(['build', '--resume', stdout.trim(), '--output', output], where()));
});

test('one that is stopped by Ctrl-C goes on by the words that are shown', async () => {
  const one = startAsu(words(), where());
  await untilBuilding(one);
  one.process.kill('SIGINT');
  const { status, stderr } = await one.ended;
  expect(status).toBe(130);
  const command = /To go on: asu (.*)\n$/.exec(stderr)?.[1] ?? '';
  await expectFetched(await asu(command.split(' ')));
});

test('an edge that is killed and started again is waited for', async () => {
  const one = startAsu(words(), where());
  await untilBuilding(one);
  await stack.killEdge();
  await until('it is waited for', () => one.stderr().includes('trying again in'));
  await stack.startEdge();
  await expectFetched(await one.ended);
});

test('a first-boot script is built in and shown nowhere', async () => {
  const script = path.join(stack.directory, 'defaults');
  await writeFile(script, 'echo hunter2-of-the-first-boot\n');
  const ended = await build('--defaults', script, '--log', '--json');
  expect(ended.status, ended.stderr).toBe(0);
  expect(ended.stdout + ended.stderr).not.toContain('hunter2');
});

test('what the server does not have is its sentence', async () => {
  const ended = await build('--profile', 'nosuch');
  expect(ended).toMatchObject({ status: 3, stdout: '' });
  expect(ended.stderr).toMatch(/^Unsupported profile: nosuch\. /);
  const missing = await build('--package', 'nosuch');
  expect(missing).toMatchObject({ status: 3, stdout: '' });
  expect(missing.stderr).toMatch(/missing \(nosuch\)/);
});

test('a router is told what is newer than what it runs, and that nothing is', async () => {
  const { manifest } = JSON.parse((await build('--package', 'luci', '--image', 'none', '--json')).stdout);
  const installed = path.join(stack.directory, 'installed');
  const lines = Object.entries(manifest).map(([name, version]) => `${name} - ${version}\n`);
  await writeFile(installed, lines.join(''));
  const system = ['check', '--target', 'demo/generic', '--installed', installed];
  const ended = await asu([...system, '--version', '24.10.2', '--profile', 'acme,ax3000-v1'], where());
  expect([ended.status, ended.stderr]).toEqual([0, '']);
  expect(ended.stdout).toMatch(/^25\.12\.1 is there, newer than 24\.10\.2\n\nPACKAGE +INSTALLED +OFFERED\n/);
  expect(ended.stdout).toMatch(/^busybox +\S+ +\S+$/m);
  const data = JSON.parse((await asu([...system, '--version', '24.10.2', '--json'], where())).stdout);
  expect(data).toMatchObject({ newer: true, version: '25.12.1', packages: expect.arrayContaining(['luci']) });
  const newest = await asu(['check', '--target', 'demo/generic', '--version', '25.12.1'], where());
  expect(newest).toEqual({ status: 10, stdout: 'nothing is newer than 25.12.1 for demo/generic\n', stderr: '' });
  const unknown = await asu(['check', '--target', 'demo/nosuch', '--version', '25.12.1'], where());
  expect(unknown).toMatchObject({ status: 3, stderr: 'unknown target demo/nosuch\n' });
});
