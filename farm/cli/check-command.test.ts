/** `asu check` with a server over a real socket; the true one answers it in e2e/cli.test.ts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { asu, inProcess } from './asu-process.fixture.ts';
import { BuildServer, html, json } from './build-server.fixture.ts';
import { checkCommand } from './check-command.ts';

let server: BuildServer;
let directory: string;

beforeEach(async () => {
  server = await BuildServer.start();
  directory = await mkdtemp(path.join(tmpdir(), 'asu-check-'));
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

const RUNS = ['--version', '24.10.1', '--target', 'x86/64'];
const check = (...more: readonly string[]) => inProcess(checkCommand, ['--server', server.url, ...RUNS, ...more]);
const answers = (body: unknown): void => server.instead('check', (response) => json(response, 200, body));
const NEWER = {
  version: '24.10.2',
  packages: ['luci', 'vim'],
  upgrades: { luci: ['25.2', '25.1'], constructor: ['2', '1'] },
  dropped: ['px5g'],
};

describe('a check', () => {
  test('of a version says what is newer, as a process', async () => {
    answers({ version: '24.10.2' });
    const ended = await asu(['check', ...RUNS], { environment: { ASU_SERVER: `${server.url}/` } });
    expect(ended).toEqual({ status: 0, stdout: '24.10.2 is there, newer than 24.10.1\n', stderr: '' });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({
      distro: 'openwrt',
      version: '24.10.1',
      target: 'x86/64',
    });
  });

  test('that finds nothing ends with 10', async () => {
    expect(await check()).toEqual({ status: 10, stdout: 'nothing is newer than 24.10.1 for x86/64\n', stderr: '' });
    expect(await check('--json')).toMatchObject({ status: 10, stdout: '{\n  "newer": false\n}\n' });
  });

  test('of packages is a table, with what is dropped and how to have it', async () => {
    answers(NEWER);
    const file = path.join(directory, 'installed');
    await writeFile(file, 'luci - 25.1\nvim - 8\nconstructor - 1\npx5g - 1\n');
    const ended = await check('--installed', file, '--revision', 'r1-abc', '--profile', 'a,b');
    expect(ended).toEqual({
      status: 0,
      stdout: `24.10.2 is there, newer than 24.10.1

PACKAGE      INSTALLED  OFFERED
luci         25.1       25.2
constructor  1          2

dropped, for 24.10.2 has them no more: px5g

to have it, with your own packages behind it: asu build --server ${server.url} --version 24.10.2 --target x86/64 --profile a,b
`,
      stderr: '',
    });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({
      revision: 'r1-abc',
      installed: { luci: '25.1', vim: '8', constructor: '1', px5g: '1' },
    });
  });

  test('of the newest version with newer packages says so', async () => {
    answers({ packages: ['luci'], upgrades: { luci: ['25.2', '25.1'] } });
    const { stdout } = await check();
    expect(stdout).toMatch(/^24\.10\.1 is the newest version, and 1 package is newer in it\n/);
  });

  test('is data with --json', async () => {
    answers({ ...NEWER, more: 1 });
    const { status, stdout } = await check('--json');
    expect([status, JSON.parse(stdout)]).toEqual([0, { newer: true, ...NEWER }]);
  });

  test('has colours on a terminal alone', async () => {
    answers(NEWER);
    const args = ['--server', server.url, ...RUNS];
    const onTerminal = await inProcess(checkCommand, args, { isTTY: true });
    expect(onTerminal.stdout).toMatch(/^\x1b\[32m24\.10\.2\x1b\[0m is there/);
    const plain = await inProcess(checkCommand, args, { isTTY: true, environment: { NO_COLOR: '1' } });
    expect(plain.stdout).not.toContain('\x1b');
  });
});

test.each<[string, number, (response: ServerResponse) => void, RegExp]>([
  ['answers with a page', 5, html, /^expected JSON with status 200, got an HTML page/],
  ['answers with a list', 5, (response) => json(response, 200, []), /^the server's answer about upgrades is none/],
  [
    'names what is no package',
    5,
    (response) => json(response, 200, { packages: ['../x'] }),
    /packages\.0: expected the name/,
  ],
  [
    'does not know the version',
    3,
    (response) => json(response, 412, { error: 'unknown version 1' }),
    /^unknown version 1$/m,
  ],
  [
    'does not know a package',
    3,
    (response) => json(response, 422, { error: 'could not find packages: a' }),
    /^could not find packages: a$/m,
  ],
  ['cannot now', 4, (response) => json(response, 503, { detail: 'no versions' }), /^gave up: no versions$/m],
  ['breaks off', 4, (response) => void response.destroy(), /^gave up: the connection failed/m],
])('a server that %s ends it with %i', async (_, status, answer, sentence) => {
  server.instead('check', answer);
  const ended = await check('--patience', '0');
  expect([ended.status, ended.stdout]).toEqual([status, '']);
  expect(ended.stderr).toMatch(sentence);
});

test('words of a server do nothing to a terminal', async () => {
  answers({ version: '1\x1b[2J', upgrades: { luci: ['\x07', '\u202e'] } });
  const { status, stdout } = await check();
  expect([status, /[\x00-\x09\x0b-\x1f\x7f\u202e]/.test(stdout)]).toEqual([0, false]);
});

test('a server that is away for a moment is waited for, and that is said', async () => {
  server.instead('check', (response, _, nth) => (nth === 1 ? response.destroy() : json(response, 200, NEWER)));
  const ended = await check();
  expect(ended.status).toBe(0);
  expect(ended.stderr).toMatch(/^the connection failed \(.*\); trying again in 1 s\n$/);
});

test('a file of another kind is refused by its line', async () => {
  const file = path.join(directory, 'not-installed');
  await writeFile(file, 'vim - 9.1\n<html>\n');
  const ended = await inProcess(checkCommand, ['--server', server.url, ...RUNS, '--installed', file]);
  expect([ended.status, server.asked]).toEqual([2, []]);
  expect(ended.stderr).toContain(
    `--installed ${file}, line 2: expected NAME - VERSION as opkg list-installed prints it`,
  );
});

test.each<[string[], RegExp]>([
  [['--target', 'x86/64'], /^--version: expected what the router runs, got nothing/],
  [['--version', '1'], /^--target: expected what the router runs, got nothing/],
  [['--version', '1', '--target', 'x86'], /^--target: expected target\/subtarget/],
  [['--version', '../1', '--target', 'x86/64'], /^--version: expected letters/],
  [[...RUNS, '--revision', 'a b'], /^--revision: expected a revision such as/],
  [[...RUNS, '--profile', 'a b'], /^--profile: expected letters/],
  [[...RUNS, '--installed', '/no/such'], /^--installed: \/no\/such cannot be read \(ENOENT\)/],
  [[...RUNS, '--patience', 'x'], /^--patience: expected a whole number/],
])('wrong words %j end with 2', async (words, sentence) => {
  const ended = await inProcess(checkCommand, ['--server', server.url, ...words]);
  expect([ended.status, server.asked]).toEqual([2, []]);
  expect(ended.stderr).toMatch(sentence);
});
