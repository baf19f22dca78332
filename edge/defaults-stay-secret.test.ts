import { listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fromBase64Url } from '../shared/crypto/base64url.ts';
import { app } from './app.ts';
import { ask, env, foremanStub, GOOD_REQUEST, jsonOf, openUpstream, post, rowsOf } from './edge.fixture.ts';
import { type FarmNode, finish, IMAGE_NAME, joinNode, lease, report } from './nodes/farm-node.fixture.ts';

const SECRET = 'hunter2-ünd-€';
const seen: string[] = [];
const logged: string[] = [];
let node: FarmNode;

beforeAll(async () => {
  for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, level).mockImplementation((...words) => void logged.push(words.map(String).join(' ')));
  await openUpstream();
  node = await joinNode(1);
});
afterEach(() => {
  vi.useRealTimers();
});

/** An answer with its headers, kept for the search. */
async function noted(response: Response): Promise<Record<string, unknown>> {
  seen.push(JSON.stringify([...response.headers]), await response.clone().text());
  return jsonOf(response);
}

const postSecret = (fields: object = {}) => post({ ...GOOD_REQUEST, defaults: SECRET, ...fields });

/** Everything that is kept anywhere, as text. */
async function everythingKept(): Promise<string[]> {
  const kept: string[] = [];
  for (const { name } of (await env.CACHE.list()).keys) kept.push(name, (await env.CACHE.get(name)) ?? '');
  const bucket = env.IMAGES as R2Bucket;
  for (const { key, customMetadata } of (await bucket.list({ include: ['customMetadata'] })).objects)
    kept.push(key, JSON.stringify(customMetadata), (await (await bucket.get(key))?.text()) ?? '');
  for (const namespace of [env.FOREMAN, env.CATALOGUE] as DurableObjectNamespace[])
    for (const id of await listDurableObjectIds(namespace))
      kept.push(
        await runInDurableObject(namespace.get(id), async (_, state) => {
          const tables = state.storage.sql.exec<{ name: string }>(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
          );
          const rows = tables.toArray().map(({ name }) => state.storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
          return JSON.stringify(rows);
        }),
      );
  return kept;
}

async function expectNoTrace(): Promise<void> {
  const everything = [...(await everythingKept()), ...seen, ...logged];
  // That the search reaches KV, the Foreman's tables and answers.
  for (const known of ['catalogue/', '"sealed_defaults":', 'access-control-allow-origin'])
    expect(everything.some((text) => text.includes(known))).toBe(true);
  const spellings = [SECRET, 'hunter2', btoa('hunter2').slice(0, 8), encodeURIComponent(SECRET)];
  for (const spelling of spellings) expect(everything.filter((text) => text.includes(spelling))).toEqual([]);
}

describe('a first-boot script', () => {
  it('leaves no trace while its image waits, is built, is answered, and afterwards; its image ends', async () => {
    const { request_hash } = await noted(await postSecret());
    await noted(await ask(`/api/v1/build/${request_hash}`));
    const [row] = await rowsOf(foremanStub(), 'builds');
    expect(fromBase64Url(String(row?.sealed_defaults))?.length).toBeGreaterThan(28);
    await expectNoTrace();

    const order = await lease(node);
    // The node is told, in an order that only it gets: it has to write the script.
    expect(order?.inputs?.defaults).toBe(SECRET);
    if (!order) return;
    await report(node, order.leaseId, 1, { case: 'progress', value: { step: 8 } });
    await noted(await ask(`/api/v1/build/${request_hash}`));
    await noted(await postSecret());
    await expectNoTrace();

    await finish(node, order, { sequence: 2 });
    await vi.waitFor(async () => expect((await ask(`/api/v1/build/${request_hash}`)).status).toBe(200), {
      timeout: 30_000,
    });
    const done = await ask(`/api/v1/build/${request_hash}`);
    expect(done.headers.get('cache-control')).toBe('no-store');
    expect(await noted(done)).toMatchObject({ request: { defaults: null } });
    const again = await postSecret({ client: 'second/1' });
    expect(again.status).toBe(200);
    expect(await noted(again)).toMatchObject({ request: { defaults: null, client: 'second/1' } });
    const image = await ask(`/store/${request_hash}/${IMAGE_NAME}`);
    expect([image.status, image.headers.get('cache-control')]).toEqual([200, 'no-store']);
    await image.body?.cancel();
    await expectNoTrace();
    expect((await rowsOf(foremanStub(), 'builds'))[0]).toMatchObject({ sealed_defaults: null });
    expect((await env.CACHE.list({ prefix: 'result/' })).keys).toEqual([]);

    // A day later it is gone, for pollers and downloads; who asks again gets the next generation.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 24 * 3_600_000 });
    expect((await ask(`/api/v1/build/${request_hash}`)).status).toBe(404);
    expect((await ask(`/store/${request_hash}/${IMAGE_NAME}`)).status).toBe(404);
    const next = await postSecret();
    expect(next.status).toBe(202);
    const nextHash = (await noted(next)).request_hash;
    expect(nextHash).not.toBe(request_hash);
    await expectNoTrace();

    const renewed = await joinNode(1);
    const second = await lease(renewed);
    expect(second).toMatchObject({ requestHash: nextHash, inputs: { defaults: SECRET } });
    const value = { kind: 'build_failed', detail: 'Error: it failed', stderr: 'log' };
    await report(renewed, second?.leaseId ?? '', 1, { case: 'failed', value });
    await vi.waitFor(async () => expect((await ask(`/api/v1/build/${nextHash}`)).status).toBe(500), {
      timeout: 30_000,
    });
    expect(await noted(await ask(`/api/v1/build/${nextHash}`))).toMatchObject({
      status: 500,
      request: { defaults: null },
    });
    await expectNoTrace();
    expect((await env.CACHE.list({ prefix: 'result/' })).keys).toEqual([]);
  });

  it('that is refused is not repeated', async () => {
    await noted(await postSecret({ profile: 7 }));
    await noted(await postSecret({ version: '24.10.99' }));
    await noted(await postSecret({ defaults: SECRET.repeat(5000) }));
    await noted(await postSecret({ version_code: 'r1-a' }));
    await expectNoTrace();
  });

  it('leaves no trace where it is asked for in the old API, nor where that refuses it', async () => {
    const asked = { distro: 'openwrt', version: '24.10.2', target: 'x86/64', board: 'generic', packages: ['curl'] };
    for (const path of ['/api/upgrade-request', '/api/build-request']) {
      const postSeed = async (fields: object = {}) =>
        noted(await ask(path, { method: 'POST', body: JSON.stringify({ ...asked, defaults: SECRET, ...fields }) }));
      const { request_hash } = await postSeed();
      expect(request_hash).toMatch(/^[0-9a-f]{12}$/);
      await noted(await ask(`${path}/${request_hash}`));
      await postSeed({ target: 'x86', subtarget: '64', board: 'nosuch', model: SECRET.length });
      await postSeed({ defaults: SECRET.repeat(5000) });
      await postSeed({ version: '24.10.99' });
      await postSeed({ defaults: [SECRET] });
    }
    await expectNoTrace();
  });

  it('is another image than without it, and another than with another script', async () => {
    const hashes = [];
    for (const defaults of ['', 'echo 1', 'echo 2'])
      hashes.push((await jsonOf(await post({ ...GOOD_REQUEST, packages: ['curl'], defaults }))).request_hash);
    expect(new Set(hashes).size).toBe(3);
  });
});

describe('where scripts are not allowed', () => {
  const closed = { ...env, ALLOW_DEFAULTS: '0' };
  const ctx = {
    waitUntil: () => undefined,
    passThroughOnException: () => undefined,
    props: {},
  } as unknown as ExecutionContext;
  const postTo = (defaults: unknown) => {
    const body = JSON.stringify({ ...GOOD_REQUEST, packages: ['luci-base'], defaults });
    return app.fetch(new Request('https://asu.example/api/v1/build', { method: 'POST', body }), closed, ctx);
  };

  it('one is refused in the words that people search for', async () => {
    const response = await postTo(SECRET);
    expect(response.status).toBe(400);
    expect(await noted(response)).toMatchObject({ detail: 'Handling `defaults` not enabled on server' });
    await expectNoTrace();
  });

  it.each(['', null])('%j counts as none', async (defaults) => {
    expect((await postTo(defaults)).status).toBe(202);
  });
});
