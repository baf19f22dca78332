/** Files of builds while much is asked of us, or the store and KV do not do what they should. */
import { beforeEach, describe, expect, it, test, vi } from 'vitest';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { ask, env, GOOD_REQUEST, jsonOf, post } from '../edge.fixture.ts';
import { type FarmNode, IMAGE_NAME } from '../nodes/farm-node.fixture.ts';
import { openSeedIsolate, seedJson } from '../seed/request.fixture.ts';
import { R2ObjectStore } from '../storage/r2.ts';
import { endBuild, IMAGE, LISTED, LOG, listed, textOf, withSeedFiles } from './seed-files.fixture.ts';

const bucket = env.IMAGES as R2Bucket;
let node: FarmNode;
let path = '';

withSeedFiles((built) => {
  ({ node, path } = built);
});

test('a flood of paths of nothing is refused in JSON, and the store hears no more of it', async () => {
  const { ask: flood } = openSeedIsolate({ MISSES_LIMIT: undefined, MISSES_PER_MINUTE: '3' });
  const list = vi.spyOn(bucket, 'list');
  const headers = { 'cf-connecting-ip': '192.0.2.1' };
  const answers: Response[] = [];
  for (let n = 0; n < 10; n++) answers.push(await flood(`/json/${sha256Hex(`flood ${n}`).slice(0, 32)}/`, { headers }));
  const [first, last] = [answers[0] as Response, answers[9] as Response];
  expect([first.status, last.status, last.headers.has('retry-after')]).toEqual([404, 503, true]);
  expect(await seedJson(last)).toMatchObject({ error_kind: 'too_many_requests' });
  expect(list).toHaveBeenCalledTimes(answers.filter(({ status }) => status === 404).length);
  // Who pays for it is the flooder alone, and what is known costs nothing.
  const other = await flood(`/json/${path}/sha256sums`, { headers: { 'cf-connecting-ip': '198.51.100.7' } });
  expect(other.status).toBe(200);
  expect((await flood(`/json/${path}/sha256sums`, { headers })).status).toBe(200);
});

describe('in bad weather', () => {
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined));

  it.each([
    ['', 'b'],
    [IMAGE_NAME, 'c'],
    ['build.log', 'd'],
  ])('a store that fails is told as our fault, in JSON, for "%s"', async (name, digit) => {
    vi.spyOn(R2ObjectStore.prototype, 'list').mockRejectedValue(new Error('secret insides'));
    const response = await ask(`/json/${digit.repeat(32)}/${name}`);
    const body = await seedJson(response);
    expect([500, 503]).toContain(Number(body.status));
    expect(JSON.stringify(body)).not.toContain('insides');
    vi.restoreAllMocks();
    expect((await ask(`/json/${digit.repeat(32)}/${name}`)).status).toBe(404);
  });

  it('images are listed although the store does not say whether there is a log', async () => {
    const other = await endBuild(node, { log: LOG });
    await listed(`/json/${other.slice(0, 32)}/`).then((files) => expect(files).toHaveLength(LISTED.length + 1));
    const third = await endBuild(node, { log: LOG });
    await textOf(`/json/${third.slice(0, 32)}/sha256sums`);
    vi.spyOn(R2ObjectStore.prototype, 'get').mockRejectedValue(new Error('down'));
    expect((await listed(`/json/${third.slice(0, 32)}/`)).map(({ name }) => name)).toEqual(LISTED);
    vi.restoreAllMocks();
    expect(await listed(`/json/${third.slice(0, 32)}/`)).toHaveLength(LISTED.length + 1);
  });

  it('without KV everything is there', async () => {
    vi.spyOn(env.CACHE, 'get').mockRejectedValue(new Error('KV GET failed: 500'));
    vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429'));
    const other = await endBuild(node);
    expect(await listed(`/json/${other.slice(0, 32)}/`)).toHaveLength(LISTED.length);
  });

  it('a build whose bytes the store has lost is forgotten: no path promises it any more', async () => {
    const request = { packages: ['will-be-lost'] };
    const lost = await endBuild(node, { request });
    const at = (name = '') => `/json/${lost.slice(0, 32)}/${name}`;
    const { objects } = await bucket.list({ prefix: 'objects/', include: ['customMetadata'] });
    expect(await textOf(at(IMAGE_NAME))).toBe(IMAGE);
    const record = (await (await bucket.get(`builds/${lost}.json`))?.json()) as { leaseId: string };
    for (const { key } of objects) if (key.includes(record.leaseId)) await bucket.delete(key);
    expect(await seedJson(await ask(at(IMAGE_NAME)))).toMatchObject({
      status: 404,
      error: 'the file was removed from the store; ask for the image again',
    });
    for (const name of ['', IMAGE_NAME, 'sha256sums', 'build.log']) expect((await ask(at(name))).status).toBe(404);
    const next = await post({ ...GOOD_REQUEST, ...request });
    expect(next.status).toBe(202);
    expect((await jsonOf(next)).request_hash).not.toBe(lost);
  });
});
