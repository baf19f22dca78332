/** What may listen at an address that an operator typed, and what it can do to the edge: cost it five seconds. */
import { Code } from '@connectrpc/connect';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { foremanStub, jsonOf, openUpstream, rowsOf } from '../edge.fixture.ts';
import { hashOf, wish } from '../routes/build-steps.fixture.ts';
import {
  addNode,
  asAdmin,
  type CallableNode,
  type Host,
  isBusy,
  nodeHost,
  openCallableNode,
  openHosts,
  putHost,
  refuses,
} from './callable-host.fixture.ts';
import { type FarmNode, finish, joinNode, orderFor } from './farm-node.fixture.ts';

const ADDRESS = 'https://hostile.example';
const NEVER = new Promise<never>(() => {});
const PROTO = { 'content-type': 'application/proto' };
const page =
  (status: number): Host =>
  () =>
    new Response('<html>Welcome!</html>', { status, headers: { 'content-type': 'text/html' } });

let piecesSent = 0;
let seeds = 60;
/** Whoever asks for what could not be brought. */
let other: FarmNode;
const open: CallableNode[] = [];

beforeAll(async () => {
  await openUpstream();
  openHosts();
  other = await joinNode(++seeds, { operator: 'other' });
  putHost('https://elsewhere.example', () => {
    throw new Error('expected the redirect not to be followed');
  });
});
afterEach(async () => {
  for (const callable of open.splice(0)) await callable.leave();
});

/** A gigabyte, as fast as it is read. */
const gigabyte: Host = () =>
  new Response(
    new ReadableStream({
      pull(controller) {
        piecesSent += 1;
        controller.enqueue(new Uint8Array(64 * 1024));
        if (piecesSent === 16_384) controller.close();
      },
    }),
    { headers: PROTO },
  );

const HOSTILE: readonly [situation: string, Host, fault: RegExp, isSlow?: 'slow'][] = [
  ['a page', page(200), /^Unknown: /],
  ['a page with an error', page(500), /^\w+: /],
  ['a page that says that it is overloaded', page(429), /^\w+: /],
  ['another protocol', () => Response.json({ nodeId: 'f'.repeat(64) }), /^\w+: /],
  ['bytes that are no message', () => new Response(new Uint8Array([0xff, 0xff]), { headers: PROTO }), /^\w+: /],
  [
    'nothing, as a message',
    () => new Response('', { headers: PROTO }),
    /^what answers there (names no node|speaks of another lease)$/,
  ],
  ['a gigabyte', gigabyte, /^ResourceExhausted: /],
  ['a way to another host', () => Response.redirect('https://elsewhere.example/', 307), /points to another one/],
  ['a refused connection', () => Promise.reject(new TypeError('connection refused')), /^Unknown: connection refused$/],
  ['words for a terminal', nodeHost({ getNode: refuses(Code.Internal, '\u001b[2J') }), /^\w+: [^\u0000-\u001f]*$/],
  ['no answer', () => NEVER, /^no answer within 5 s$/, 'slow'],
  [
    'the beginning of an answer',
    () => new Response(new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(9)) }), { headers: PROTO }),
    /^no answer within 5 s$/,
    'slow',
  ],
];

describe('an address where there is', () => {
  it.each(HOSTILE)('%s is not added, and why is told', async (_, host, fault) => {
    putHost(ADDRESS, host);
    const answer = await asAdmin('nodes/callable', { url: ADDRESS });
    expect(answer.status).toBe(409);
    const { detail } = await jsonOf(answer);
    expect(String(detail).replace(`${ADDRESS} cannot be added: `, '')).toMatch(fault);
    expect(String(detail)).not.toContain('\u001b');
    expect((await rowsOf(foremanStub(), 'nodes')).filter((row) => row.address !== '')).toEqual([]);
  });

  it('a gigabyte: it is read as far as an answer may be long', () => {
    expect(piecesSent).toBeGreaterThan(0);
    expect(piecesSent).toBeLessThan(8);
  });
});

describe('a node that was added, and where there is now', () => {
  const quick = HOSTILE.filter(([, , , isSlow]) => isSlow === undefined);
  it.each([
    ...quick.filter(([situation]) => situation !== 'words for a terminal'),
    [
      'a node that has no slot',
      nodeHost({ startBuild: () => isBusy({} as never) as never }),
      /^ResourceExhausted: no slot/,
    ],
    ['a node that speaks of another lease', nodeHost({ startBuild: () => ({ leaseId: 'other' }) }), /another lease$/],
    ['a node of another edge', nodeHost({ startBuild: refuses(Code.PermissionDenied) }), /^PermissionDenied: not now$/],
  ] as typeof HOSTILE)('%s: the build goes on at once, and the operator reads why', async (_, host, fault) => {
    const node = await joinNode(++seeds, { operator: `operator-${seeds}` });
    const callable = await openCallableNode(node);
    open.push(callable);
    putHost(callable.address, host);
    const hash = await hashOf(wish());
    const row = async () => (await rowsOf(foremanStub(), 'nodes')).find(({ id }) => id === node.id);
    await vi.waitFor(async () => expect(await row()).toMatchObject({ call_failures: 1 }), { timeout: 30_000 });
    const { nodes } = (await jsonOf(await asAdmin('nodes'))) as { nodes: { id: string; call_fault: string }[] };
    expect(nodes.find(({ id }) => id === node.id)?.call_fault).toMatch(fault);
    const order = await orderFor(other);
    expect([order.requestHash, order.attempt]).toEqual([hash, 1]);
    await finish(other, order);
  });
});

describe('who answers', () => {
  it.each<[string, string, number, RegExp]>([
    ['has not joined', 'f'.repeat(64), 404, /has not joined this farm/],
    ['has a name that is none', 'constructor', 409, /names no node/],
  ])('%s: it is not added', async (_, nodeId, status, detail) => {
    putHost(ADDRESS, nodeHost({ getNode: () => ({ nodeId }) }));
    const answer = await asAdmin('nodes/callable', { url: ADDRESS });
    expect([answer.status, (await jsonOf(answer)).detail]).toEqual([status, expect.stringMatching(detail)]);
  });

  it('was revoked: it is not added, and one that is revoked later is called no more', async () => {
    const node = await joinNode(++seeds);
    const { address, brought } = await openCallableNode(node, { isWaiting: false });
    await asAdmin(`nodes/${node.id}/revoke`, {});
    const answer = await asAdmin('nodes/callable', { url: address });
    expect([answer.status, (await jsonOf(answer)).detail]).toEqual([409, 'this node was revoked']);
    expect(await foremanStub().orderToBring(node.id)).toBeNull();
    expect(brought).toEqual([]);
  });

  it('is told to operators and to nobody else; one address is one node’s', async () => {
    const [one, two] = [await joinNode(++seeds), await joinNode(++seeds)];
    const address = 'https://shared.example';
    await openCallableNode(one, { address, isWaiting: false });
    await openCallableNode(two, { address, isWaiting: false });
    const addressOf = async (node: FarmNode) => {
      const { nodes } = (await jsonOf(await asAdmin('nodes'))) as { nodes: { id: string; address: string }[] };
      return nodes.find(({ id }) => id === node.id)?.address;
    };
    expect([await addressOf(one), await addressOf(two)]).toEqual(['', address]);
    // Again: an answer may have been lost.
    await addNode(address);
    expect(await addressOf(two)).toBe(address);
    const removed = await asAdmin(`nodes/${two.id}/remove-address`, {});
    expect([removed.status, (await jsonOf(removed)).address]).toEqual([200, '']);
    expect(await foremanStub().orderToBring(two.id)).toBeNull();
  });

  it.each(['', 'http://node.example', 'https://u:p@node.example', 'https://node.example/x', 'javascript:alert(1)', 7])(
    'at %j is not asked',
    async (url) => {
      const answer = await asAdmin('nodes/callable', { url } as object);
      expect([answer.status, ((await jsonOf(answer)).errors as { path: string }[])[0]?.path]).toEqual([422, 'url']);
    },
  );
});
