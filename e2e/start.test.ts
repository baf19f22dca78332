/** `npm start` and `npm run demo` as somebody at a shell meets them. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { holderOf, lockState } from '../farm/disk/state-lock.ts';
import { mustHaveEnded } from '../farm/serve/must-be-alone.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { EDGE_SETTINGS } from '../shared/edge-settings.ts';
import { allPids, commandOf } from './evidence/processes.ts';
import { built, download, healthOf, post, REQUEST } from './players/router.ts';
import { endAll, type ShellRun, shellRun, untilReady } from './players/shell-run.ts';
import { until } from './stack-under-test.ts';

const MAIN = path.resolve(import.meta.dirname, '../farm/stack/main.ts');

const running: ShellRun[] = [];
let state: string;

beforeEach(async () => {
  state = await mkdtemp(path.join(os.tmpdir(), 'asu-start-'));
});
afterEach(async () => {
  await endAll(running);
  killAllOf(state);
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
});

/** What a start that was killed leaves behind: the edge and the node lead groups of their own. */
function killAllOf(directory: string): void {
  const parts = ['edge', 'node'].map((part) => path.join(directory, part));
  for (const pid of allPids().filter((pid) => commandOf(pid).some((word) => parts.includes(word))))
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It leads none, or has ended.
    }
}

function run(...args: string[]): ShellRun {
  const one = shellRun([MAIN, ...args]);
  running.push(one);
  return one;
}

describe('npm run demo', () => {
  test('shows a build from request to checked image, then a hit, and leaves nothing running', async () => {
    // Where somebody else has been before.
    await writeFile(path.join(state, 'asu-demo-images'), '');
    const demo = shellRun([MAIN, 'demo'], { env: { ...process.env, TMPDIR: state } });
    running.push(demo);
    expect(await demo.ended, demo.output()).toBe(0);
    const output = demo.output();
    expect(output).toMatch(/^queued, position 0/m);
    expect(output).toMatch(/^building_image/m);
    expect(output).toMatch(/^built after [\d.]+ s: \d+ packages/m);
    expect(output).toMatch(/sha256 [0-9a-f]{64} is what the answer promised/);
    expect(output).toMatch(/^asked again: [\d.]+ ms instead of [\d.]+ s/m);
    expect(output).toMatch(/^the image: \/\S+\.bin$/m);
    const url = /^ready: (http:\S+)$/m.exec(output)?.[1] ?? '';
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});

describe('npm start', () => {
  test('remembers every image over a restart', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const args = ['start', '--demo', '--state', state, '--port', String(port)];
    const first = run(...args);
    await untilReady(first);
    const image = await built(url, REQUEST);
    expect(image.status, JSON.stringify(image.body)).toBe(200);
    first.process.kill('SIGINT');
    expect(await first.ended, first.output()).toBe(0);

    const second = run(...args);
    await untilReady(second);
    const again = await post(url, REQUEST);
    expect([again.status, again.body.request_hash]).toEqual([200, image.body.request_hash]);
    const [file] = image.body.images;
    expect((await download(url, image.body.bin_dir, file.name)).sha256).toBe(file.sha256);
    expect(second.output()).not.toMatch(/node: building/);
  });

  test('with --s3 makes the bucket and says in /healthz what is up', async () => {
    const port = await freePort();
    const { endpoint, accessKeyId, secretAccessKey } = inject('s3');
    const keys = ['--set', `S3_ACCESS_KEY_ID=${accessKeyId}`, '--set', `S3_SECRET_ACCESS_KEY=${secretAccessKey}`];
    const bucket = ['--set', 'S3_BUCKET=asu-start'];
    const one = run('start', '--demo', '--state', state, '--port', String(port), '--s3', endpoint, ...keys, ...bucket);
    await untilReady(one);
    expect(await healthOf(`http://127.0.0.1:${port}`)).toMatchObject({
      status: 200,
      detail: 'up',
      parts: {
        kv: { up: true },
        object_store: { up: true, kind: 's3' },
        foreman: { up: true },
        upstream: { up: true, signatures: 'required' },
        nodes: { up: true, present: 1 },
      },
    });
  });

  test('an S3 store that does not answer is named, with what to do', async () => {
    const one = run(
      'start',
      '--demo',
      '--state',
      state,
      '--port',
      String(await freePort()),
      '--s3',
      `http://127.0.0.1:${await freePort()}`,
    );
    expect(await one.ended).toBe(1);
    expect(one.output()).toMatch(/S3 store at http:\S+ cannot be used .*docker compose up -d minio/);
  });

  test('a setting arrives at the edge to the letter, whatever signs are in it', async () => {
    const port = await freePort();
    const contact = `Anna's $HOME, \${SERVER_KEY} & \`so on\``;
    const one = run('start', '--demo', '--state', state, '--port', String(port), '--set', `CONTACT=${contact}`);
    await untilReady(one);
    const { server } = (await (await fetch(`http://127.0.0.1:${port}/api/v1/overview`)).json()) as {
      server: { contact: string };
    };
    expect(server.contact).toBe(contact);
  });

  test('a second one in the same directory is refused by name, at another port too, and the first goes on', async () => {
    const port = await freePort();
    const first = run('start', '--demo', '--state', state, '--port', String(port));
    await untilReady(first);
    for (const at of [port, await freePort()]) {
      const second = run('start', '--demo', '--state', state, '--port', String(at));
      expect(await second.ended).toBe(1);
      expect(second.output()).toMatch(
        new RegExp(`^expected a state directory that nobody else uses, .* process ${first.process.pid} is using.*\n$`),
      );
    }
    expect((await post(`http://127.0.0.1:${port}`, REQUEST)).status).toBe(202);
  });

  test('what is left of one that was killed is named by its process, and nothing is started beside it', async () => {
    const args = ['start', '--demo', '--state', state, '--port', String(await freePort())];
    const first = run(...args);
    await untilReady(first);
    first.process.kill('SIGKILL');
    await first.ended;
    const second = run(...args);
    expect(await second.ended).toBe(1);
    const [, pid] =
      /^expected nobody to use .*\/edge, but process (\d+) .*: stop that one.*\n$/.exec(second.output()) ?? [];
    expect(pid, second.output()).toBeDefined();
    process.kill(Number(pid), 'SIGTERM');
    const hasEnded = () => mustHaveEnded(path.join(state, 'edge'));
    await until('all of the edge has ended', () =>
      hasEnded().then(
        () => true,
        () => false,
      ),
    );
    // Its node may have ended by itself: nobody reads what it says any more.
    const left = holderOf(path.join(state, 'node'));
    if (left !== null && left !== 'unknown') process.kill(left.pid, 'SIGKILL');
    await until('the node has ended', () => holderOf(path.join(state, 'node')) === null);
    await untilReady(run(...args));
  });

  test('a node that works in its directory is named, and nothing is started beside it', async () => {
    await mkdir(path.join(state, 'node'));
    using _ = lockState(path.join(state, 'node'));
    const one = run('start', '--demo', '--state', state, '--port', String(await freePort()));
    expect(await one.ended).toBe(1);
    expect(one.output()).toMatch(
      new RegExp(`^expected .*/node, which process ${process.pid} is using: stop that .*\\n$`),
    );
  });

  test('told to stop while it waits for a store that does not answer, it stops, and with 0', async () => {
    const silent = createServer();
    const port = await new Promise<number>((resolve) =>
      silent.listen(0, '127.0.0.1', () => resolve((silent.address() as { port: number }).port)),
    );
    const asked = new Promise((resolve) => silent.once('connection', resolve));
    const more = ['--port', String(await freePort()), '--s3', `http://127.0.0.1:${port}`];
    const one = run('start', '--demo', '--state', state, ...more);
    await asked;
    one.process.kill('SIGINT');
    expect([await one.ended, one.output()]).toEqual([0, '']);
    silent.close();
  });

  test('a directory that cannot be used is named, without a word of a mistake of ours', async () => {
    const file = path.join(state, 'file');
    await writeFile(file, '');
    const one = run('start', '--demo', '--state', path.join(file, 'below'), '--port', String(await freePort()));
    expect(await one.ended).toBe(1);
    expect(one.output()).toMatch(
      /^expected a state directory .*, got \S+file\/below\/edge \(ENOTDIR\): a file is in its way; choose .*\n$/,
    );
    await mkdir(path.join(state, 'odd'));
    await writeFile(path.join(state, 'odd/server-key'), 'hunter2');
    const other = run('start', '--demo', '--state', path.join(state, 'odd'), '--port', String(await freePort()));
    expect(await other.ended).toBe(1);
    expect(other.output()).toMatch(/^\S+\/odd\/server-key: expected 64 hex digits; remove the file to .*\n$/);
  });

  test('a port that is taken is named, with what to do', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    );
    const one = run('start', '--demo', '--state', state, '--port', String(port));
    expect(await one.ended).toBe(1);
    expect(one.output()).toBe(`Port ${port} is in use. Stop what listens there, or choose another with --port N\n`);
    server.close();
  });

  test.each([
    [['--port', '0'], /--port: expected a whole number from 1 to 65535, got "0"/],
    [['--port', 'http'], /--port: expected a whole number/],
    [['--slots', '-1'], /--slots/],
    [['--upstream', 'ftp://x'], /--upstream: expected an http or https URL, got "ftp:\/\/x"/],
    [['--upstream', 'http://x', '--demo'], /exclude each other/],
    [['--set', 'ALLOW_DEFAULTS'], /--set: expected NAME=VALUE, got "ALLOW_DEFAULTS"/],
    [['--set', 'ALOW_DEFAULTS=1'], /--set: there is no variable ALOW_DEFAULTS; --print-config lists them/],
    [['--set', 'ALLOW_DEFAULTS=yes'], /ALLOW_DEFAULTS: expected 1 or 0, got "yes"/],
    [['--set', 'BRANCHES={"24.10":{"enabld":true}}'], /BRANCHES: 24\.10/],
    [['--set', 'SERVER_KEY=hunter2'], /SERVER_KEY: expected 64 hex digits/],
    [['--set', 'CONTACT=mail\\'], /--set: CONTACT: expected a value without .* a backslash at its end/],
    [['--set', 'UPSTREAM_KEYS=["RWnokey"]'], /UPSTREAM_KEYS: expected a usign public key/],
    [['--frobnicate'], /--frobnicate.*--help lists what there is/],
    [['somewhere'], /somewhere/],
  ])('%j stops the start with a sentence', async (args, sentence) => {
    const one = run('start', ...args);
    expect(await one.ended).toBe(2);
    expect(one.output()).toMatch(sentence);
    expect(one.output()).not.toMatch(/hunter2|^\s+at /m);
  });

  test('--print-config lists every variable with its source, and no secret', async () => {
    const one = run('start', '--print-config', '--set', 'CONTACT=me', '--set', 'S3_SECRET_ACCESS_KEY=hunter2');
    expect(await one.ended).toBe(0);
    for (const name of Object.keys(EDGE_SETTINGS)) expect(one.output()).toMatch(new RegExp(`^${name} = `, 'm'));
    expect(one.output()).toMatch(/^CONTACT = "me" {2}\(--set\)$/m);
    expect(one.output()).toMatch(/^UPSTREAM_URL = "https:\/\/downloads\.openwrt\.org" {2}\(this command\)$/m);
    expect(one.output()).not.toContain('hunter2');
  });
});
