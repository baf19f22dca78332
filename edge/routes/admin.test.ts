import { createExecutionContext } from 'cloudflare:test';
import { beforeAll, describe, expect, it, test, vi } from 'vitest';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { MAX_TOKEN_LIFE_MS, verifyJoinToken } from '../../shared/node/node-identity.ts';
import { app } from '../app.ts';
import { configOf } from '../config.ts';
import { env, GOOD_REQUEST, jsonOf, openUpstream, post } from '../edge.fixture.ts';
import type { Env } from '../env.ts';
import { call, edgeKeys, type FarmNode, good, joinNode, lease, orderFor, report } from '../nodes/farm-node.fixture.ts';
import { emptyQueue } from './build-steps.fixture.ts';

const KEY = configOf(env).ADMIN_KEY;
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** An isolate that nobody has asked yet. */
function openEdge(variables: Record<string, unknown> = {}) {
  const own = { ...env, ...variables } as Env;
  return async (path: string, { method = 'GET', headers = bearer(KEY), body }: Asked = {}): Promise<Response> => {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const request = new Request(`https://asu.example/api/v1${path}`, { method, headers, body: text });
    return app.fetch(request, own, createExecutionContext());
  };
}

const askAdmin = openEdge();
const act = (id: string, action: string, body?: unknown) =>
  askAdmin(`/admin/nodes/${id}/${action}`, { method: 'POST', body });
const listed = async (id: string) => {
  const { nodes } = (await jsonOf(await askAdmin('/admin/nodes'))) as { nodes: { id: string }[] };
  return nodes.find((node) => node.id === id);
};

let node: FarmNode;
let seeds = 40;

beforeAll(async () => {
  await openUpstream();
  node = await joinNode(1);
});

describe('without a key', () => {
  it.each([
    ['GET', '/admin/nodes'],
    ['POST', '/admin/tokens'],
    ['POST', `/admin/nodes/${'f'.repeat(64)}/revoke`],
    ['GET', '/admin/nosuch'],
  ])('%s %s is answered as a page that is not there', async (method, path) => {
    const ask = openEdge({ ADMIN_KEY: '' });
    const [answer, other] = [await ask(path, { method }), await ask('/nosuch', { method })];
    expect([answer.status, await answer.text()]).toEqual([404, await other.text()]);
    expect([...answer.headers]).toEqual([...other.headers]);
  });

  it('nobody is an operator by sending none', async () => {
    const ask = openEdge({ ADMIN_KEY: '' });
    expect(await ask('/admin/nodes', { headers: { authorization: 'Bearer ' } })).toMatchObject({ status: 404 });
  });
});

describe('whoever asks', () => {
  it.each<[string, Record<string, string>]>([
    ['with no key', {}],
    ['with another key', bearer('ad'.repeat(31).concat('ae'))],
    ['with a part of the key', bearer(KEY.slice(1))],
    ['with more than the key', bearer(`${KEY}0`)],
    ['with the key in capitals', bearer(KEY.toUpperCase())],
    ['with the key in another scheme', { authorization: `Basic ${KEY}` }],
    ['with two keys', { authorization: `Bearer ${'0'.repeat(64)}, Bearer ${KEY}` }],
    ['with the server’s key', bearer(configOf(env).SERVER_KEY)],
  ])('%s is refused, and told which header is expected', async (_, headers) => {
    const answer = await askAdmin('/admin/nodes', { headers });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await jsonOf(answer)).toMatchObject({ detail: expect.stringContaining('Authorization: Bearer') });
  });

  it('with a query that holds the key is refused: a query stands in logs', async () => {
    expect(await askAdmin(`/admin/nodes?key=${KEY}&access_token=${KEY}`, { headers: {} })).toMatchObject({
      status: 401,
    });
  });

  it('with the scheme in lower case is heard', async () => {
    expect(await askAdmin('/admin/nodes', { headers: { authorization: `bearer ${KEY}` } })).toMatchObject({
      status: 200,
    });
  });

  it('with wrong keys is told to wait after some of them; the right key is heard all the same', async () => {
    const ask = openEdge();
    const from = { 'cf-connecting-ip': '192.0.2.1' };
    const statuses: number[] = [];
    for (let at = 0; at < 12; at += 1)
      statuses.push((await ask('/admin/nodes', { headers: { ...from, ...bearer('0'.repeat(64)) } })).status);
    expect(statuses.slice(0, 10).every((status) => status === 401)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
    expect(await ask('/admin/nodes', { headers: { ...from, ...bearer(KEY) } })).toMatchObject({ status: 200 });
    const other = { 'cf-connecting-ip': '198.51.100.7' };
    expect(await ask('/admin/nodes', { headers: other })).toMatchObject({ status: 401 });
  });
});

describe('a token', () => {
  const wanted = { operator: 'alice', tier: 'volunteer', expires_seconds: 3600 };
  const create = (body: unknown) => askAdmin('/admin/tokens', { method: 'POST', body });

  it('is signed by this edge for this operator, tier and time, and each is another one', async () => {
    const before = Date.now();
    const [one, two] = [await jsonOf(await create(wanted)), await jsonOf(await create(wanted))];
    expect(one.token).not.toBe(two.token);
    const verified = await verifyJoinToken(edgeKeys.signing.publicKey, String(one.token), Date.now());
    expect(verified).toMatchObject({ ok: true, claim: { operator: 'alice', tier: 'volunteer' } });
    const expiresAt = Date.parse(String(one.expires_at));
    expect(expiresAt).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 3_600_000);
  });

  it.each<[string, unknown, string]>([
    ['without an operator', { ...wanted, operator: undefined }, 'operator'],
    ['for an operator of markup', { ...wanted, operator: '<b>' }, 'operator'],
    ['for an operator with a line break', { ...wanted, operator: 'alice\n' }, 'operator'],
    ['of a tier that there is not', { ...wanted, tier: 'admin' }, 'tier'],
    ['for a moment', { ...wanted, expires_seconds: 59 }, 'expires_seconds'],
    ['for longer than a month', { ...wanted, expires_seconds: MAX_TOKEN_LIFE_MS / 1000 + 1 }, 'expires_seconds'],
    ['for a time in words', { ...wanted, expires_seconds: '7d' }, 'expires_seconds'],
    ['with a field too many', { ...wanted, id: '0'.repeat(32) }, ''],
    ['in no JSON', 'operator=alice', ''],
    ['in a list', [], ''],
    ['in nothing', undefined, ''],
  ])('%s is refused by the name of the field', async (_, body, path) => {
    const answer = await create(body);
    expect(answer.status).toBe(422);
    const errors = (await jsonOf(answer)).errors as { path: string }[];
    if (body !== undefined) expect(errors[0]?.path).toBe(path);
  });
});

describe('a node', () => {
  it('is listed with what it does, and without its key', async () => {
    const id = node.id;
    await good(node, 'lease', {
      idempotencyKey: 'list-me-1',
      protocol: FARM_PROTOCOL,
      slots: 4,
      heldImageBuilders: ['a'.repeat(64)],
    });
    expect(await listed(id)).toEqual({
      ...{ id, name: 'node-1', operator: 'op', tier: 'trusted', state: 'active', reason: '', by: 'operator' },
      ...{ since: expect.any(String), joined_at: expect.any(String), last_seen_at: expect.any(String) },
      ...{ software_version: '', slots: 4, running: 0, image_builders: 1, faults_in_a_row: 0 },
      ...{ right: 0, images: 0, wrong: 0, lost: 0, address: '', call_fault: '' },
    });
  });

  it('that is drained is told why over the wire, and comes back', async () => {
    const reason = 'ein neuer Kühler';
    expect(await jsonOf(await act(node.id, 'drain', { reason }))).toMatchObject({ state: 'draining', reason });
    await post({ ...GOOD_REQUEST, packages: ['drained'] });
    const asked = { idempotencyKey: 'drained-1', protocol: FARM_PROTOCOL, knownStanding: 1 };
    expect(await good(node, 'lease', asked)).toMatchObject({ standing: 2, standingReason: reason });
    expect(await lease(node)).toBeNull();
    expect(await jsonOf(await act(node.id, 'undrain'))).toMatchObject({ state: 'active', reason: '' });
    expect(await lease(node)).not.toBeNull();
  });

  it('that is revoked is refused from then on', async () => {
    const gone = await joinNode(++seeds);
    expect(await jsonOf(await act(gone.id, 'revoke'))).toMatchObject({ state: 'revoked' });
    expect(await call(gone, 'renew', {})).toMatchObject({ status: 403, error: 'this node was revoked' });
    expect(await act(gone.id, 'release')).toMatchObject({ status: 409 });
  });

  it.each<[string, unknown, string]>([
    ['over several lines', { reason: 'one\ntwo' }, 'reason'],
    ['that would write into a terminal', { reason: '\u001b[2J' }, 'reason'],
    ['that is too long', { reason: 'x'.repeat(201) }, 'reason'],
    ['that is a number', { reason: 7 }, 'reason'],
    ['beside another field', { reason: '', state: 'active' }, ''],
  ])('is not set aside for a reason %s', async (_, body, path) => {
    const answer = await act(node.id, 'drain', body);
    expect([answer.status, ((await jsonOf(answer)).errors as { path: string }[])[0]?.path]).toEqual([422, path]);
    expect(await listed(node.id)).toMatchObject({ state: 'active' });
  });

  it.each([
    ['that there is not', 'f'.repeat(64), 'drain'],
    ['by the beginning of its id', 'abcdef0123', 'drain'],
    ['by a word', 'constructor', 'drain'],
    ['to which something is done that cannot be', 'f'.repeat(64), 'delete'],
    ['to which an inherited word is done', 'f'.repeat(64), 'toString'],
  ])('%s: 404', async (_, id, action) => {
    expect(await act(id, action)).toMatchObject({ status: 404 });
  });
});

describe('a build', () => {
  const cancel = (hash: string, headers?: Record<string, string>) =>
    askAdmin(`/admin/builds/${hash}/cancel`, { method: 'POST', ...(headers && { headers }) });
  const poll = async (hash: string) => jsonOf(await openEdge()(`/build/${hash}`, { headers: {} }));

  it('that waits is stopped by an operator and by nobody else, and who polls is told so', async () => {
    const { request_hash: hash } = await jsonOf(await post({ ...GOOD_REQUEST, packages: ['stopped'] }));
    expect(await cancel(String(hash), {})).toMatchObject({ status: 401 });
    expect(await poll(String(hash))).toMatchObject({ status: 202 });
    const answer = await cancel(String(hash));
    expect([answer.status, await jsonOf(answer)]).toEqual([200, { request_hash: hash, state: 'cancelled' }]);
    expect(await poll(String(hash))).toMatchObject({ detail: expect.stringContaining('stopped the build') });
    expect(await cancel(String(hash))).toMatchObject({ status: 404 });
  });

  it('under way is stopped, and its node is told with its next report', async () => {
    const builder = await joinNode(++seeds);
    await emptyQueue(builder);
    const { request_hash: hash } = await jsonOf(await post({ ...GOOD_REQUEST, packages: ['half-done'] }));
    const { leaseId } = await orderFor(builder);
    expect(await cancel(String(hash))).toMatchObject({ status: 200 });
    const { acknowledgements } = await report(builder, leaseId, 1, { case: 'progress', value: { step: 1 } });
    expect(acknowledgements).toMatchObject([{ leaseId, standing: 2 }]);
  });

  it.each(['f'.repeat(64), 'abcdef0123', '..%2fnodes', 'constructor'])('%s: 404, for there is none', async (hash) => {
    expect(await cancel(hash)).toMatchObject({ status: 404 });
  });
});

test('everybody is told names and numbers, kept for a minute', async () => {
  const ask = openEdge();
  const answer = await ask('/nodes', { headers: {} });
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'public, max-age=60']);
  const text = await answer.text();
  expect((JSON.parse(text) as { nodes: object[] }).nodes).toContainEqual({
    ...{ name: 'node-1', tier: 'trusted', state: 'active', present: true },
    ...{ slots: expect.any(Number), running: 1, images: 0 },
  });
  for (const secret of [node.id, 'operator', '"op"', 'reason', 'seen']) expect(text).not.toContain(secret);
  const foreman = vi.spyOn(env.FOREMAN, 'get');
  expect(await (await ask('/nodes', { headers: {} })).text()).toBe(text);
  expect(foreman).not.toHaveBeenCalled();
  foreman.mockRestore();
});
