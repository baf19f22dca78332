/**
 * When the object store is down, slow, full, refuses the key or breaks off: what was published is answered still or honestly not,
 * whoever asks for something new is told the truth, a node keeps what it has built until it can be stored, and nothing is built twice.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { writtenBuilds } from './evidence/foreman-tables.ts';
import { storedNames } from './evidence/stored-names.ts';
import { type Exchange, type Hold, type PausingProxy, pausingProxy } from './lines/pausing-proxy.ts';
import { type Answer, built, ended, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

/** Some tries of a node and of the alarm. */
const STORM_MS = 3_000;
const bucket = 'weather';

let way: PausingProxy;
let stack: StackUnderTest;
let node: NodeUnderTest;
/** Published before any weather. */
let known: { readonly request: unknown; readonly answer: Answer };
let serial = 0;
const fresh = () => {
  serial += 1;
  return { ...REQUEST, rootfs_size_mb: 400 + serial };
};

beforeAll(async () => {
  way = await pausingProxy(inject('s3').endpoint);
  stack = await StackUnderTest.start({
    runtime: 'workerd',
    s3: inject('s3'),
    s3Url: way.url,
    bucket,
    variables: { LEASE_SECONDS: '60' },
  });
  node = await stack.startNode('one');
  const request = fresh();
  known = { request, answer: await built(stack.url, request) };
  expect(known.answer.status, JSON.stringify(known.answer.body)).toBe(200);
});
afterEach(() => way.setHold(() => undefined));
afterAll(async () => {
  await stack?.close();
  await way?.close();
});

const refusal = (status: number, code: string): Hold => ({
  status,
  contentType: 'application/xml',
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as a test wants it</Message></Error>`,
});
const PAGE: Hold = { status: 200, contentType: 'text/html', body: '<html><body>Please log in</body></html>' };
const cut: Hold = { cutAfterBytes: 20 };

const isPut = ({ method }: Exchange): boolean => method === 'PUT';

/** Right, or a 503 that says whose fault it is, or a body that visibly breaks; never anything that looks whole and is not. */
async function expectHonestDownload(): Promise<void> {
  const { bin_dir, images } = known.answer.body;
  const [image] = images;
  const response = await fetch(`${stack.url}/store/${bin_dir}/${image.name}`);
  if (response.status === 503)
    return expectHonest503({ ...response, status: 503, headers: response.headers, body: await response.json() });
  expect(response.status).toBe(200);
  const bytes = await response.arrayBuffer().catch(() => undefined);
  if (bytes) expect(createHash('sha256').update(Buffer.from(bytes)).digest('hex')).toBe(image.sha256);
}

function expectHonest503({ status, headers, body }: Answer): void {
  expect([status, body.status, body.error_kind], JSON.stringify(body)).toEqual([503, 503, 'internal']);
  expect(body.detail).toMatch(/store of the images does not answer.*not a fault of your request/);
  expect(headers.get('retry-after')).not.toBeNull();
}

async function expectWhole(answer: Answer): Promise<void> {
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  for (const image of answer.body.images) {
    const response = await fetch(`${stack.url}/store/${answer.body.bin_dir}/${image.name}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex'), image.name).toBe(image.sha256);
  }
}

/** What is published is answered without the store. */
async function expectHits(): Promise<void> {
  const { request, answer } = known;
  const [again, polled] = [await post(stack.url, request), await poll(stack.url, answer.body.request_hash)];
  expect([again.status, again.body.request_hash]).toEqual([200, answer.body.request_hash]);
  expect([polled.status, polled.body.images]).toEqual([200, answer.body.images]);
}

/** A build that was accepted in good weather and comes to its first upload in bad; its hash. */
async function caughtInTheMiddle(weather: (exchange: Exchange) => Hold, begin?: () => Promise<void>): Promise<string> {
  const caught = Promise.withResolvers<void>();
  let isBad = false;
  way.setHold((exchange) => {
    if (!isBad && isPut(exchange) && exchange.path.includes('/objects/')) {
      isBad = true;
      caught.resolve(begin?.());
    }
    return isBad ? weather(exchange) : undefined;
  });
  const accepted = await post(stack.url, fresh());
  expect(accepted.status).toBe(202);
  await caught.promise;
  return accepted.body.request_hash;
}

const times = (word: string, hash: string): number =>
  node.lines.filter((line) => line.startsWith(`${word} ${hash.slice(0, 12)}`)).length;

describe.each<[string, (exchange: Exchange) => Hold]>([
  ['refuses the key', () => refusal(403, 'InvalidAccessKeyId')],
  ['answers HTML with 200', () => PAGE],
  ['breaks off every answer', () => cut],
  ['is full', (exchange) => (isPut(exchange) ? refusal(507, 'InsufficientStorage') : undefined)],
  ['has no quota left', (exchange) => (isPut(exchange) ? refusal(403, 'QuotaExceeded') : undefined)],
  ['is down', () => undefined],
])('a store that %s', (what, weather) => {
  const isDown = what === 'is down';

  test('holds up no hit, is told of honestly, loses no build and has none built twice', async () => {
    const hash = await caughtInTheMiddle(weather, isDown ? way.goDown : undefined);
    const over = sleep(STORM_MS);
    await expectHits();
    await expectHonestDownload();
    const request = fresh();
    const answer = await post(stack.url, request);
    if (answer.status !== 202) expectHonest503(answer);
    await over;
    expect((await poll(stack.url, hash)).status, 'still on its way').toBe(202);
    expect(await storedNames(inject('s3'), bucket, `builds/${hash}`), 'no record without its files').toEqual([]);
    if (isDown) await way.comeBack();
    else way.setHold(() => undefined);
    await expectWhole(await ended(stack.url, hash));
    expect([times('building', hash), times('failed', hash)]).toEqual([1, 0]);
    await expectWhole(await built(stack.url, request));
  });
});

test('a store that takes images and no records has them published when it takes these as well', async () => {
  const isRecord = ({ method, path }: Exchange) =>
    method === 'PUT' && /\/(?:builds|intents|manifests|statements|log)\//.test(path);
  way.setHold((exchange) => (isRecord(exchange) ? refusal(507, 'InsufficientStorage') : undefined));
  const accepted = await post(stack.url, fresh());
  const hash = accepted.body.request_hash;
  await until('the node has done its part', () => times('built', hash) > 0);
  await sleep(STORM_MS);
  const { status, body } = await poll(stack.url, hash);
  expect([status, body.imagebuilder_status], 'decided, and not to be fetched yet').toEqual([202, 'signing_images']);
  way.setHold(() => undefined);
  await expectWhole(await ended(stack.url, hash));
  expect(times('building', hash)).toBe(1);
});

test('a store that never answers is given up within a minute, and what it holds up goes on afterwards', async () => {
  const hash = await caughtInTheMiddle(() => 'request');
  const begun = Date.now();
  const [answer] = await Promise.all([post(stack.url, fresh()), expectHonestDownload(), expectHits()]);
  expectHonest503(answer);
  expect(Date.now() - begun).toBeLessThan(60_000);
  expect((await poll(stack.url, hash)).status).toBe(202);
  way.setHold(() => undefined);
  await expectWhole(await ended(stack.url, hash));
  expect(times('building', hash)).toBe(1);
});

test('after all weather each build has taken one attempt, and each published image is in the log', async () => {
  const records = await storedNames(inject('s3'), bucket, 'builds/');
  await until('the log is written', async () => {
    const logged = (await storedNames(inject('s3'), bucket, 'log/')).filter((name) => /\/\d+\.json$/.test(name));
    return logged.length === records.length;
  });
  await stack.killEdge();
  const builds = await writtenBuilds(stack.directory);
  expect(builds.length).toBeGreaterThanOrEqual(records.length);
  for (const { requestHash, state, attempts, leases } of builds)
    expect([state, attempts, leases.length], requestHash).toEqual(['done', 1, 1]);
});
