/** `npm run serve`: the edge without Cloudflare, as systemd or a container starts, stops and kills it. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { generateMirror } from '../farm/demo/generate-mirror.ts';
import { type MirrorServer, serveMirror } from '../farm/demo/mirror-server.ts';
import type { Child } from '../farm/stack/child-process.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { startNode } from '../farm/stack/node-process.ts';
import { loadServerKey, mintJoinToken } from '../farm/stack/secrets.ts';
import { built, download, post, REQUEST } from './players/router.ts';
import { endAll, type ShellRun, shellRun, untilReady } from './players/shell-run.ts';

const MAIN = path.resolve(import.meta.dirname, '../farm/serve/main.ts');

let state: string;
let mirror: MirrorServer;
let environment: Record<string, string>;
let address: string;
const running: ShellRun[] = [];
let node: Child | undefined;

beforeEach(async () => {
  state = await mkdtemp(path.join(os.tmpdir(), 'asu-serve-'));
  const { publicKey } = await generateMirror({ directory: path.join(state, 'mirror') });
  await writeFile(path.join(state, 'upstream.pub'), publicKey);
  mirror = await serveMirror(path.join(state, 'mirror'));
  const s3 = inject('s3');
  address = `127.0.0.1:${await freePort()}`;
  environment = {
    UPSTREAM_URL: mirror.url,
    UPSTREAM_KEYS: JSON.stringify([publicKey.trim().split('\n').at(-1)]),
    S3_ENDPOINT: s3.endpoint,
    S3_REGION: s3.region,
    S3_BUCKET: `asu-${Math.random().toString(36).slice(2, 10)}`,
    S3_ACCESS_KEY_ID: s3.accessKeyId,
    S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
});
afterEach(async () => {
  await node?.kill();
  node = undefined;
  await endAll(running);
  await mirror.close();
  await rm(state, { recursive: true, force: true, maxRetries: 5 });
});

function serve(more: Readonly<Record<string, string>> = {}): ShellRun {
  const env = { PATH: process.env.PATH ?? '', ...environment, ...more };
  const one = shellRun([MAIN, '--state', state, '--listen', address], { env });
  running.push(one);
  return one;
}

async function startOneNode(edgeUrl: string): Promise<void> {
  node = startNode({
    edgeUrl,
    stateDirectory: path.join(state, 'node'),
    joinToken: await mintJoinToken(await loadServerKey(state)),
    name: 'one',
    slots: 1,
    upstreamKeyFile: path.join(state, 'upstream.pub'),
    onLine: () => undefined,
  });
}

async function childOf({ process: { pid } }: ShellRun, name: string): Promise<number> {
  for (const child of (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' '))
    if ((await readFile(`/proc/${child}/comm`, 'utf8')).trim() === name) return Number(child);
  throw new Error(`process ${pid} has no child ${name}`);
}

describe('npm run serve', () => {
  test('builds, and remembers every image over a restart', async () => {
    const url = `http://${address}`;
    const first = serve();
    await untilReady(first);
    await startOneNode(url);
    const image = await built(url, REQUEST);
    expect(image.status, JSON.stringify(image.body)).toBe(200);
    await node?.kill();
    first.process.kill('SIGTERM');
    expect(await first.ended, first.output()).toBe(0);
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();

    const second = serve();
    await untilReady(second);
    const again = await post(url, REQUEST);
    expect([again.status, again.body.request_hash]).toEqual([200, image.body.request_hash]);
    const [file] = image.body.images;
    expect((await download(url, image.body.bin_dir, file.name)).sha256).toBe(file.sha256);
  });

  test('shows the API with a viewer of its own, as on Cloudflare', async () => {
    await untilReady(serve());
    const script = await fetch(`http://${address}/docs/swagger-ui-bundle.js`);
    expect([script.status, script.headers.get('content-type')]).toEqual([200, 'text/javascript; charset=utf-8']);
    expect((await script.text()).length).toBeGreaterThan(100_000);
  });

  test('a second one on the same state is refused, and the first goes on', async () => {
    await untilReady(serve());
    const second = serve();
    expect(await second.ended).toBe(1);
    expect(second.output()).toMatch(/expected a state directory that nobody else uses/);
    expect((await fetch(`http://${address}/healthz`)).status).toBe(200);
  });

  test('no secret lies in a file that it writes, but for the keys that it made', async () => {
    await untilReady(serve({ SERVER_KEY: '5e'.repeat(32) }));
    const secrets = [environment.S3_SECRET_ACCESS_KEY ?? '', '5e'.repeat(32)];
    for (const file of await readdir(path.join(state, 'serve'), { recursive: true, withFileTypes: true }))
      if (file.isFile()) {
        const text = await readFile(path.join(file.parentPath, file.name), 'latin1');
        for (const secret of secrets) expect(text.includes(secret), file.name).toBe(false);
      }
  });

  test('ends with 1 and a sentence when workerd ends by itself, so that whoever keeps it starts it again', async () => {
    const one = serve();
    await untilReady(one);
    process.kill(await childOf(one, 'workerd'), 'SIGKILL');
    expect(await one.ended).toBe(1);
    expect(one.output()).toMatch(/workerd ended by itself \(SIGKILL\)/);
  });

  test('killed without workerd, it does not start beside what is left, and says which process that is', async () => {
    const one = serve();
    await untilReady(one);
    const left = await childOf(one, 'workerd');
    one.process.kill('SIGKILL');
    await one.ended;
    try {
      for (const where of [address, `127.0.0.1:${await freePort()}`]) {
        address = where;
        const next = serve();
        expect(await next.ended, next.output()).toBe(1);
        expect(next.output()).toContain(`process ${left} runs with it: stop that one`);
      }
    } finally {
      process.kill(left, 'SIGKILL');
    }
  });

  test('where something else listens it does not start, and says so', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(Number(address.split(':')[1]), '127.0.0.1', resolve));
    const one = serve();
    expect(await one.ended, one.output()).toBe(1);
    expect(one.output()).toContain(`--listen ${address}: it cannot be listened on there (EADDRINUSE)`);
    await new Promise((resolve) => other.close(resolve));
  });

  test('--print-config makes no keys', async () => {
    const one = shellRun([MAIN, '--state', state, '--print-config']);
    expect(await one.ended, one.output()).toBe(0);
    expect((await readdir(state)).filter((name) => name.endsWith('-key'))).toEqual([]);
  });

  test.each([
    ['S3_ENDPOINT', '', 2, /^S3_ENDPOINT is not set\. Without Cloudflare, images are kept in an S3 store/m],
    ['S3_SECRET_ACCESS_KEY', 'wrong', 1, /cannot be used \((?:AccessDenied|SignatureDoesNotMatch)\)/],
    ['MAX_QUEUE', 'many', 2, /^MAX_QUEUE: expected a whole number/m],
  ])('with %s=%j it does not start, and says why', async (name, value, status, sentence) => {
    const one = serve({ [name]: value });
    expect(await one.ended, one.output()).toBe(status);
    expect(one.output()).toMatch(sentence);
  });
});
