/**
 * An image of 1 GiB, uploaded through the edge and straight into the store over lines that are cut at random, and downloaded in
 * pieces: the bytes are right, and neither the node nor the edge ever holds it. On `workerd serve` and S3, or with `ASU_E2E_ON=s3`
 * on wrangler and S3.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { processorMs } from '../bench/process-usage.ts';
import { seeded } from '../bench/random.ts';
import { FUZZ_SEED } from '../shared/chance.fixture.ts';
import { GIB, MIB } from '../shared/text/byte-size.ts';
import { beginPeak, peakBytes } from './evidence/process-usage.ts';
import { pidOf, pidOfChild } from './evidence/processes.ts';
import { type WatchedLine, watchedLine } from './lines/watched-line.ts';
import { type Answer, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const BUCKET = 'asu-large-image';
const ALLOWED_BYTES = 80 * MIB;
const CUTS = 4;
const RUNTIME = process.env.ASU_E2E_ON === 's3' ? 'wrangler' : 'workerd';
const LIMIT_MS = 20 * 60_000;

let stack: StackUnderTest;
let edgeLine: WatchedLine;
let storeLine: WatchedLine;
let node: NodeUnderTest | undefined;

beforeAll(async () => {
  stack = await StackUnderTest.start({
    runtime: RUNTIME,
    s3: inject('s3'),
    bucket: BUCKET,
    largeMib: GIB / MIB,
    variables: { DIRECT_UPLOADS: '1', LEASE_SECONDS: '120' },
  });
  edgeLine = await watchedLine(stack.url);
  storeLine = await watchedLine(inject('s3').endpoint);
});
afterEach(async () => {
  await node?.kill();
});
afterAll(async () => {
  await stack?.close();
  await edgeLine?.close();
  await storeLine?.close();
});

const chance = seeded(FUZZ_SEED);
const random = (below: number): number => Math.floor(chance() * below);
const processorMsOf = async (pid: number): Promise<number> => (await processorMs([String(pid)])) ?? 0;
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

/** The process of the edge that runs the Worker; wrangler has another for what comes in, and neither names the stack that it is of. */
const edgePid = (): number =>
  RUNTIME === 'workerd'
    ? pidOf('serve', path.join(stack.directory, 'serve/workerd.capnp'))
    : pidOfChild(pidOf('--no-warnings', path.join(stack.directory, 'edge')), '--socket-addr=entry=127.0.0.1:0');

describe.each([
  ['through the edge', false, 64 * MIB],
  ['straight into the store', true, 8 * MIB],
] as const)('%s', (way, isDirect, partBytes) => {
  let image: { readonly name: string; readonly sha256: string };
  let address: string;

  test('it arrives though lines are cut, and the node needs less than 80 MiB for it', {
    timeout: LIMIT_MS,
  }, async () => {
    const name = isDirect ? 'direct' : 'through';
    const line = isDirect ? storeLine : edgeLine;
    node = await stack.startNode(name, {
      edgeUrl: edgeLine.url,
      slots: 1,
      ...(isDirect && {
        environment: {
          ASU_NODE_S3_ENDPOINT: storeLine.url,
          ASU_NODE_S3_BUCKET: BUCKET,
          ASU_NODE_S3_ACCESS_KEY_ID: inject('s3').accessKeyId,
          ASU_NODE_S3_SECRET_ACCESS_KEY: inject('s3').secretAccessKey,
        },
      }),
    });
    const pid = pidOf('--state', stack.nodeDirectory(name));
    let before = { node: 0, edge: 0, sinceMs: 0, processorMs: Promise.resolve(0) };
    let cuts = 0;
    const asked = { parts: 0, bytes: 0 };
    line.setFate(({ method, path: at }) => {
      // Nor is a piece of the log one of the image.
      if (method !== 'PUT' || !/\/(?:objects|incoming)\//.test(at)) return 'through';
      if (before.node === 0)
        before = {
          node: beginPeak(pid),
          edge: beginPeak(edgePid()),
          sinceMs: performance.now(),
          processorMs: processorMsOf(edgePid()),
        };
      const part = Number(/part(?:Number)?=(\d+)/.exec(at)?.[1]);
      if (!(part > 0)) return 'through';
      asked.parts += 1;
      // The last one is small, and would be through before it is cut.
      if (part > GIB / partBytes || cuts >= CUTS || random(4) > 0) return 'through';
      cuts += 1;
      return { cutAfterBytes: random(partBytes) };
    });
    const from = line.seen.length;
    const buildMs = performance.now();
    const { body } = await post(stack.url, { ...REQUEST, rootfs_size_mb: isDirect ? 202 : 201 });
    const done = await until<Answer>(
      'it is built',
      async () => {
        const answer = await poll(stack.url, body.request_hash);
        return answer.status !== 202 && answer;
      },
      LIMIT_MS,
    );
    expect(done.status, JSON.stringify(done.body)).toBe(200);
    const grown = { node: peakBytes(pid) - before.node, edge: peakBytes(edgePid()) - before.edge };
    const sent = line.seen.slice(from).filter(({ method }) => method === 'PUT');
    const edgeMs = (await processorMsOf(edgePid())) - (await before.processorMs);
    console.log(
      `${way}: built and uploaded in ${seconds(buildMs)}, uploaded in ${seconds(before.sinceMs)} with ${cuts} cuts and ${asked.parts} parts; memory: node + ${mib(grown.node)} on ${mib(before.node)}, edge + ${mib(grown.edge)} on ${mib(before.edge)}, ${(edgeMs / 1000).toFixed(1)} s of processor`,
    );
    expect(asked.parts, 'no part but those that were cut is sent twice').toBe(GIB / partBytes + 1 + cuts);
    expect(sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(GIB);
    expect(grown.node).toBeLessThan(ALLOWED_BYTES);
    expect(grown.edge, 'the edge does not hold it').toBeLessThan(GIB / 2);
    image = done.body.images.find(({ type }: { type: string }) => type === 'factory');
    address = `${stack.url}/store/${done.body.bin_dir}/${image.name}`;
  });

  test('a download that breaks off again and again is resumed, and any range is right', {
    timeout: LIMIT_MS,
  }, async () => {
    const head = await fetch(address, { method: 'HEAD' });
    const sizeBytes = Number(head.headers.get('content-length'));
    expect(sizeBytes).toBeGreaterThan(GIB);
    const samples = Array.from({ length: 12 }, () => {
      const offset = random(sizeBytes);
      return { offset, bytes: Buffer.alloc(Math.min(1 + random(200_000), sizeBytes - offset)) };
    });
    const hash = createHash('sha256');
    const edge = beginPeak(edgePid());
    const sinceMs = performance.now();
    const breaks = Array.from({ length: 5 }, () => random(sizeBytes)).toSorted((a, b) => a - b);
    let at = 0;
    while (at < sizeBytes) {
      const leaving = new AbortController();
      const headers = at > 0 ? { range: `bytes=${at}-`, 'if-range': `"${image.sha256}"` } : {};
      const response = await fetch(address, { headers, signal: leaving.signal });
      expect(response.status).toBe(at > 0 ? 206 : 200);
      if (at > 0) expect(response.headers.get('content-range')).toBe(`bytes ${at}-${sizeBytes - 1}/${sizeBytes}`);
      const limit = breaks.shift() ?? sizeBytes;
      for await (const chunk of response.body ?? []) {
        hash.update(chunk);
        for (const { offset, bytes } of samples) {
          const [first, last] = [Math.max(offset, at), Math.min(offset + bytes.length, at + chunk.length)];
          if (first < last) bytes.set(chunk.subarray(first - at, last - at), first - offset);
        }
        at += chunk.length;
        if (at >= limit && at < sizeBytes) break;
      }
      leaving.abort();
    }
    expect(hash.digest('hex')).toBe(image.sha256);
    console.log(
      `${way}: downloaded in ${seconds(sinceMs)}; memory: edge + ${mib(peakBytes(edgePid()) - edge)} on ${mib(edge)}`,
    );
    for (const { offset, bytes } of samples) {
      const last = offset + bytes.length - 1;
      const response = await fetch(address, { headers: { range: `bytes=${offset}-${last}` } });
      expect(response.status).toBe(206);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes), `bytes ${offset} to ${last}`).toBe(true);
    }
    expect(new Set(samples.map(({ bytes }) => bytes.toString('hex'))).size, 'they are told apart').toBe(samples.length);
    const suffix = await fetch(address, { headers: { range: 'bytes=-1' } });
    expect([suffix.status, (await suffix.arrayBuffer()).byteLength]).toEqual([206, 1]);
    expect((await fetch(address, { headers: { range: `bytes=${sizeBytes}-` } })).status).toBe(416);
  });
});
