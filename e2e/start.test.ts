/** `npm start` and `npm run demo` as somebody at a shell meets them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { freePort } from '../farm/stack/free-port.ts';
import { EDGE_SETTINGS } from '../shared/edge-settings.ts';
import { built, download, healthOf, post, REQUEST } from './players/router.ts';
import { endAll, type ShellRun, shellRun, untilReady } from './players/shell-run.ts';

const MAIN = path.resolve(import.meta.dirname, '../farm/stack/main.ts');

const running: ShellRun[] = [];
let state: string;

beforeEach(async () => {
  state = await mkdtemp(path.join(os.tmpdir(), 'asu-start-'));
});
afterEach(async () => {
  await endAll(running);
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
});

function run(...args: string[]): ShellRun {
  const one = shellRun([MAIN, ...args]);
  running.push(one);
  return one;
}

describe('npm run demo', () => {
  test('shows a build from request to checked image, then a hit, and leaves nothing running', async () => {
    const demo = run('demo');
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
