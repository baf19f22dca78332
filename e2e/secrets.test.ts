/** A first-boot script may hold passwords: it reaches the image and nothing else, during the build and after it. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, built, download, ended, poll, post, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const SECRET = 'hunter2-of-the-first-boot';
const request = { ...REQUEST, defaults: `uci set wireless.default_radio0.key='${SECRET}'\n` };

/** Every page that tells of more than one build. */
const PAGES = [
  '/healthz',
  '/metrics',
  '/api/v1/stats',
  '/api/v1/stats/summary',
  '/api/v1/builds-per-day',
  '/api/v1/builds-by-version',
  '/api/v1/top-packages?n=100',
  '/api/v1/build-errors',
  '/api/v1/reproducibility',
  '/json/v1/overview.json',
] as const;

let stack: StackUnderTest;
let node: NodeUnderTest;

beforeAll(async () => {
  stack = await StackUnderTest.start({ delaySeconds: 2, variables: { ALLOW_DEFAULTS: '1' } });
  node = await stack.startNode('one');
});
afterAll(() => stack?.close());

/** Files below the state of edge and node that hold the text, relative to it. */
async function filesWith(text: string): Promise<string[]> {
  const entries = await readdir(stack.directory, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    // A file of the build may vanish while it is looked at.
    const bytes = await readFile(file).catch(() => Buffer.alloc(0));
    if (bytes.includes(text)) found.push(path.relative(stack.directory, file));
  }
  return found;
}

test('it is in the image, in no answer, no log, no database and no file of the service, and only in the workspace meanwhile', async () => {
  const answers: Answer[] = [await post(stack.url, request)];
  const hash = answers[0]?.body.request_hash;
  expect(answers[0]?.status).toBe(202);
  await until('the image is being built', async () => {
    const answer = await poll(stack.url, hash);
    answers.push(answer);
    return answer.body.imagebuilder_status === 'building_image';
  });
  const meanwhile = await filesWith(SECRET);
  expect(meanwhile.length).toBeGreaterThan(0);
  for (const file of meanwhile) expect(file).toMatch(/^node-one\/work\//);

  const done = await ended(stack.url, hash, answers);
  expect(done.status, JSON.stringify(done.body)).toBe(200);
  answers.push(await post(stack.url, request));
  expect(answers.at(-1)).toMatchObject({ status: 200, body: { request_hash: hash, request: { defaults: null } } });

  const sysupgrade = done.body.images.find((image: { type: string }) => image.type === 'sysupgrade');
  const { bytes } = await download(stack.url, done.body.bin_dir, sysupgrade.name);
  expect(bytesOfRoot(bytes).includes(SECRET), 'the script is in the image').toBe(true);

  await until(
    'the workspace is gone',
    async () => (await readdir(path.join(stack.directory, 'node-one/work'))).length === 0,
  );
  const images = bytes.includes(SECRET) ? /\/r2\// : /^$/;
  expect((await filesWith(SECRET)).filter((file) => !images.test(file))).toEqual([]);
  expect(JSON.stringify(answers.map(({ body, headers }) => [body, [...headers]]))).not.toContain(SECRET);
  expect([...node.lines, ...stack.edgeLines].join('\n')).not.toContain(SECRET);
});

test('the service tells nobody that there was such a request: no list, no number, no page names it', async () => {
  // One that is built and one that fails, each with a package that nobody else asks for.
  const failing = { ...request, packages: ['demo-badpostinst'] };
  const [done, failed] = [await built(stack.url, request), await built(stack.url, failing)];
  expect([done.status, failed.status], JSON.stringify(failed.body)).toEqual([200, 500]);
  const open = await built(stack.url, { ...REQUEST, packages: ['demo-badpostinst'] });
  expect(open.status).toBe(500);
  const pages: Record<string, string> = {};
  for (const path of PAGES) {
    const response = await fetch(stack.url + path);
    pages[path] = `${JSON.stringify([...response.headers])} ${await response.text()}`;
  }
  const told = Object.values(pages).join('\n');
  for (const secret of [SECRET, done.body.request_hash, failed.body.request_hash]) expect(told).not.toContain(secret);
  // The public one is told of, so the page would tell of the other.
  expect(pages['/api/v1/build-errors']).toMatch(/1 of 1 failed builds/);
  const events = await fetch(`${stack.url}/api/v1/build/${failed.body.request_hash}/events`);
  expect(await events.text()).not.toContain(SECRET);
  await until('only the image holds it', async () => (await filesWith(SECRET)).every((file) => /\/r2\//.test(file)));
});

test('its image is told apart, unguessable, and kept by no cache on the way', async () => {
  const [withSecret, without, other] = await Promise.all([
    post(stack.url, request),
    post(stack.url, REQUEST),
    post(stack.url, { ...request, defaults: `${request.defaults}#` }),
  ]);
  expect(new Set([withSecret, without, other].map(({ body }) => body.request_hash)).size).toBe(3);
  const [image] = withSecret.body.images;
  const head = await fetch(`${stack.url}/store/${withSecret.body.bin_dir}/${image.name}`, { method: 'HEAD' });
  expect(head.headers.get('cache-control')).toBe('no-store');
});

/** The root file system in a demo sysupgrade image: a gzip member somewhere in a tar. */
function bytesOfRoot(image: Buffer): Buffer {
  for (
    let at = image.indexOf(Buffer.of(0x1f, 0x8b, 8));
    at >= 0;
    at = image.indexOf(Buffer.of(0x1f, 0x8b, 8), at + 1)
  ) {
    const name = image.subarray(at - 512, at - 412).toString('latin1');
    if (!name.includes('/root')) continue;
    const size = Number.parseInt(image.subarray(at - 388, at - 376).toString('latin1'), 8);
    return gunzipSync(image.subarray(at, at + size));
  }
  throw new Error('expected a member named root in the sysupgrade tar');
}
