import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'minio';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { EVENTUALLY } from '../shared/eventually.fixture.ts';
import type { S3Server } from './provided-context.ts';
import { type Swift, startSwift } from './swift.ts';

let directory: string;
const started: Swift[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'asu-swift-test-'));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((swift) => swift.stop()));
  await rm(directory, { recursive: true, maxRetries: 5 });
});

async function start(): Promise<Swift> {
  const swift = await startSwift({ directory });
  started.push(swift);
  return swift;
}

/** As the launcher and a node with credentials of its own see it. */
function minio({ endpoint, accessKeyId, secretAccessKey, region }: S3Server): Client {
  const { hostname, port, protocol } = new URL(endpoint);
  return new Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: protocol === 'https:',
    accessKey: accessKeyId,
    secretKey: secretAccessKey,
    region,
    pathStyle: true,
  });
}

test('the server that the test run shares is there, and takes a bucket from the MinIO client', async () => {
  const client = minio(inject('s3'));
  await client.makeBucket('swift-test');
  expect(await client.bucketExists('swift-test')).toBe(true);
  await client.putObject('swift-test', 'objects/1/a+b~c.bin', Buffer.from('firmware'));
  expect(await client.statObject('swift-test', 'objects/1/a+b~c.bin')).toMatchObject({ size: 8 });
});

test('two servers run side by side and share nothing', async () => {
  const [one, other] = await Promise.all([start(), start()]);
  expect(one.endpoint).not.toBe(other.endpoint);
  await minio(one).makeBucket('only-here');
  expect(await minio(other).bucketExists('only-here')).toBe(false);
});

test('a forged signature is refused', async () => {
  const swift = await start();
  await minio(swift).makeBucket('images');
  const forger = minio({ ...swift, secretAccessKey: 'guessed' });
  await expect(forger.putObject('images', 'a', Buffer.from('x'))).rejects.toMatchObject({
    code: 'SignatureDoesNotMatch',
  });
});

test('stopping leaves neither a listener nor a file, and may be repeated', async () => {
  const swift = await start();
  await minio(swift).makeBucket('images');
  expect(await readdir(directory)).toHaveLength(1);
  await swift.stop();
  await swift.stop();
  expect(await readdir(directory)).toEqual([]);
  await expect(fetch(swift.endpoint)).rejects.toThrow('fetch failed');
});

test('a test run that is killed takes its server with it', async () => {
  const program = `
    import { startSwift } from ${JSON.stringify(new URL('swift.ts', import.meta.url).href)};
    console.log((await startSwift({ directory: ${JSON.stringify(directory)} })).endpoint);`;
  const run: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(run.stdout as NodeJS.ReadableStream, 'data');
  const endpoint = String(line).trim();
  expect((await fetch(`${endpoint}/healthcheck`)).status).toBe(200);
  run.kill('SIGKILL');
  await expect.poll(() => readdir(directory), EVENTUALLY).toEqual([]);
  await expect(fetch(endpoint)).rejects.toThrow('fetch failed');
});

test('a directory that cannot keep objects is said to be the reason', async () => {
  const impossible = '/proc/self';
  expect(existsSync(impossible)).toBe(true);
  await expect(startSwift({ directory: impossible })).rejects.toThrow(/extended attributes.*\/proc\/self/);
});
