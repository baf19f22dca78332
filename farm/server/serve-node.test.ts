/**
 * The node's server with real clients of all three protocols, a real agent, and real builds of the demo distribution. Only the
 * edge is a stand-in: it has no work to give, and hears what is reported and uploaded.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { type Client, Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { arbitraryMessage, damagedMessage } from '../../e2e/fuzz/arbitrary-message.ts';
import { FUZZ_SEED, fc } from '../../shared/chance.fixture.ts';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { type BuildOrder, BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { ForemanService, LeaseStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { NodeService, WatchBuildRequestSchema } from '../../shared/gen/asu/farm/v1/node_pb.js';
import { NODE_ID, openAgent } from '../agent/agent.fixture.ts';
import { demoOrder, type ServedMirror } from '../build/demo-order.fixture.ts';
import { testOrder } from '../build/test-order.fixture.ts';
import { testWorkshop } from '../build/test-workshop.fixture.ts';
import type { Workshop } from '../build/workshop.ts';
import { generateMirror } from '../demo/generate-mirror.ts';
import { serveMirror } from '../demo/mirror-server.ts';
import { freePort } from '../stack/free-port.ts';
import { nodeService } from './node-service.ts';
import { serveNode } from './serve-node.ts';

let root: string;
let workshop: Workshop;
let edgeKey: SigningKey;
let slow: ServedMirror;
let opened: Awaited<ReturnType<typeof openAgent>>;
let port: number;
let stop: AbortController;
let reported: Map<string, string>;
let running: Promise<void>;
let listener: Awaited<ReturnType<typeof serveNode>>;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'serve-node-'));
  workshop = await testWorkshop(path.join(root, 'state'));
  edgeKey = await signingKey(new Uint8Array(32).fill(7));
  const mirror = await generateMirror({ directory: path.join(root, 'slow'), delaySeconds: 600 });
  slow = { mirror, server: await serveMirror(mirror.directory) };
});
afterAll(async () => {
  await workshop.close();
  await slow.server.close();
  await rm(root, { recursive: true, maxRetries: 5 });
});

beforeEach(start);
afterEach(async () => {
  stop.abort();
  await running;
  await listener[Symbol.asyncDispose]();
  opened.close();
});

async function start(): Promise<void> {
  stop = new AbortController();
  reported = new Map();
  const edge = createRouterTransport(({ service }) =>
    service(ForemanService, {
      lease: async ({ stops }, { signal }) => {
        if (stops) return {};
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        return {};
      },
      report: ({ reports }) => ({
        acknowledgements: reports.map(({ leaseId, sequence, event }) => {
          if (event.case === 'handedBack') reported.set(leaseId, `handedBack: ${event.value.reason}`);
          else if (event.case !== 'progress') reported.set(leaseId, String(event.case));
          return { leaseId, sequence, standing: LeaseStanding.ACTIVE };
        }),
      }),
    }),
  );
  opened = await openAgent({ directory: root, workshop, edge, edgeKey });
  const { agent } = opened;
  port = await freePort();
  const facts = { nodeId: 'ab'.repeat(32), name: 'here', sandbox: 'Builds are fenced.' };
  listener = await serveNode({ host: '127.0.0.1', port }, nodeService(agent, facts));
  running = agent.run(stop.signal);
  stop.signal.addEventListener('abort', () => listener.stop(), { once: true });
}

const TRANSPORTS = {
  'gRPC, HTTP/2': (baseUrl: string) => createGrpcTransport({ baseUrl }),
  'gRPC-Web, HTTP/1.1': (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  'gRPC-Web, HTTP/2': (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '2' }),
  'Connect, HTTP/1.1': (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' }),
  'Connect, HTTP/2': (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' }),
} as const;

const client = (protocol: keyof typeof TRANSPORTS = 'gRPC, HTTP/2'): Client<typeof NodeService> =>
  createClient(NodeService, TRANSPORTS[protocol](`http://127.0.0.1:${port}`));

async function signed(order: BuildOrder, key = edgeKey) {
  const bytes = new Uint8Array(toBinary(BuildOrderSchema, order));
  return { order: { order: bytes, signature: await key.sign(bytes) } };
}

/** An order whose build takes ten minutes. */
const slowOrder = (leaseId: string): Promise<BuildOrder> => demoOrder(slow, 'opkg', {}, { leaseId });

const refusal = async (call: Promise<unknown>): Promise<string> => {
  const error = ConnectError.from(
    await call.then(
      () => 'no refusal',
      (reason) => reason,
    ),
  );
  return `${Code[error.code]}: ${error.rawMessage}`;
};

async function followed(leaseId: string, from = client()): Promise<string[]> {
  const cases: string[] = [];
  for await (const { event } of from.watchBuild({ leaseId })) cases.push(String(event.case));
  return cases;
}

describe.each(Object.keys(TRANSPORTS) as (keyof typeof TRANSPORTS)[])('by %s', (protocol) => {
  test('a build is started, watched by two, cancelled, and handed back to the edge', async () => {
    const node = client(protocol);
    const leaseId = `slow-${protocol.replace(/\W/g, '')}`;
    const order = await signed(await slowOrder(leaseId));
    expect((await node.startBuild(order)).leaseId).toBe(leaseId);
    // The same order again is the same build, and another one has no slot.
    expect((await node.startBuild(order)).leaseId).toBe(leaseId);
    expect(await refusal(node.startBuild(await signed(testOrder({}, { leaseId: 'another' }))))).toBe(
      'ResourceExhausted: no slot is free: 1 of 1 are taken',
    );
    expect(await node.getNode({})).toMatchObject({ name: 'here', slots: 1, running: 1, sandbox: 'Builds are fenced.' });
    const watched = Promise.all([followed(leaseId, node), followed(leaseId)]);
    // One that goes away at its first word costs nothing.
    for await (const { event } of node.watchBuild({ leaseId })) {
      expect(event.case).toBe('progress');
      break;
    }
    await node.cancelBuild({ leaseId });
    for (const cases of await watched) {
      expect(cases[0]).toBe('progress');
      expect(cases.at(-1)).toBe('handedBack');
    }
    await expect
      .poll(() => reported.get(leaseId), { timeout: 60_000 })
      .toBe("handedBack: cancelled by the node's operator");
    expect((await node.startBuild(order)).leaseId).toBe(leaseId);
    expect(await followed(leaseId, node)).toEqual(['handedBack']);
  });

  test('a lease that is not known is NotFound, for watching and for cancelling', async () => {
    expect(await refusal(followed('nobody', client(protocol)))).toBe('NotFound: this node has no such lease');
    expect(await refusal(client(protocol).cancelBuild({ leaseId: 'nobody' }))).toMatch(/^NotFound: /);
  });

  test('watchers are told that the node stops', async () => {
    const leaseId = `stopped-${protocol.replace(/\W/g, '')}`;
    await client(protocol).startBuild(await signed(await slowOrder(leaseId)));
    const told = Promise.withResolvers<void>();
    const watching = (async () => {
      for await (const _ of client(protocol).watchBuild({ leaseId })) told.resolve();
    })();
    const ended = refusal(watching);
    await told.promise;
    stop.abort();
    expect(await ended).toBe('Unavailable: the node stops');
  });
});

test('a build that fails is told to its watcher as to the edge', async () => {
  const order = testOrder({ imageBuilder: { url: `${slow.server.url}/none.tar.zst`, sha256: 'a'.repeat(64) } });
  const { leaseId } = await client().startBuild(await signed(order));
  expect((await followed(leaseId)).at(-1)).toBe('failed');
  await expect.poll(() => reported.get(leaseId), { timeout: 60_000 }).toBe('failed');
});

describe('StartBuild refuses', () => {
  test('an order that is not signed, or by somebody else, or was changed on the way', async () => {
    const good = await signed(testOrder());
    const by = await signed(testOrder(), await signingKey(new Uint8Array(32).fill(9)));
    const changed = { order: { ...good.order, order: Uint8Array.from([...good.order.order, 0x18, 2]) } };
    const unsigned = { order: { ...good.order, signature: new Uint8Array() } };
    for (const order of [unsigned, by, changed])
      expect(await refusal(client().startBuild(order))).toMatch(
        /^PermissionDenied: the order is not signed by the edge/,
      );
    expect(await refusal(client().startBuild({}))).toBe('InvalidArgument: order: expected a signed order, got none');
  });

  test('an order that is signed and for another node; one that is for this one is taken', async () => {
    const elsewhere = await signed(testOrder({}, { leaseId: 'for-another', nodeId: 'cd'.repeat(32) }));
    expect(await refusal(client().startBuild(elsewhere))).toMatch(/^PermissionDenied: .*or is for another node$/);
    const imageBuilder = { url: `${slow.server.url}/none.tar.zst`, sha256: 'a'.repeat(64) };
    const own = testOrder({ imageBuilder }, { leaseId: 'for-this-one', nodeId: NODE_ID });
    expect(await client().startBuild(await signed(own))).toMatchObject({ leaseId: 'for-this-one' });
    expect((await followed('for-this-one')).at(-1)).toBe('failed');
  });

  test.each([
    [testOrder({}, { leaseId: '../up' }), /lease_id/],
    [testOrder({}, { requestHash: 'x' }), /request_hash/],
    [testOrder({}, { deadlineMs: 1n }), /deadline_ms/],
    [testOrder({ profile: 'a b' }), /profile/],
    [testOrder({ addPackages: ['$(shell id)'] }), /packages/],
    [testOrder({ versionUrl: 'file:///etc' }), /version_url/],
  ])('a wrong value by its name (%#)', async (order, name) => {
    const told = await refusal(client().startBuild(await signed(order)));
    expect(told).toMatch(/^InvalidArgument: /);
    expect(told).toMatch(name);
  });

  test('signed bytes that are no order', async () => {
    const order = Uint8Array.from([0xff, 0xff]);
    const told = await refusal(client().startBuild({ order: { order, signature: await edgeKey.sign(order) } }));
    expect(told).toBe('InvalidArgument: order: expected a BuildOrder, got other bytes');
  });

  test('a message over 1 MiB', async () => {
    const order = { order: new Uint8Array(1024 * 1024 + 1), signature: new Uint8Array(64) };
    expect(await refusal(client().startBuild({ order }))).toMatch(/^ResourceExhausted: /);
  });
});

test('rightly signed orders and other messages that chance has made are refused in a sentence, and the node still answers', async () => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  const node = client('Connect, HTTP/1.1');
  const runs = { numRuns: 400, seed: FUZZ_SEED };
  const known = ['demo/generic', 'acme_ax3000-v1', '24.10.2', 'vim', 'sha256', NODE_ID];
  for (const order of fc.sample(damagedMessage(arbitraryMessage(BuildOrderSchema, known)), runs)) {
    const told = await refusal(node.startBuild({ order: { order, signature: await edgeKey.sign(order) } }));
    expect(told).toMatch(/^(?:InvalidArgument|PermissionDenied|ResourceExhausted): .{1,1000}$/);
  }
  for (const { name, input } of NodeService.methods)
    for (const body of fc.sample(damagedMessage(arbitraryMessage(input, known)), { ...runs, numRuns: 50 })) {
      const response = await fetch(`http://127.0.0.1:${port}/${NodeService.typeName}/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/proto' },
        body: Buffer.from(body),
      });
      const answer = `${name}: ${response.status} ${await response.text()}`;
      expect(answer).toMatch(/^\w+: (?:200|400|403|404|415|429) /);
      expect(answer).not.toMatch(/\n\s+at /);
    }
  expect((await node.getNode({})).name).toBe('here');
});

const RUBBISH = Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f);
const HEAD = Uint8Array.of(0, 0, 0, 0, RUBBISH.length);

describe('bytes that are no message are their sender’s fault', () => {
  test.each([
    ['StartBuild', 'application/proto', RUBBISH, '400 {"code":"invalid_argument","message":"expected a '],
    ['StartBuild', 'application/grpc-web+proto', [...HEAD, ...RUBBISH], /^200 .*grpc-status: 3\r\n/s],
    [
      'WatchBuild',
      'application/connect+proto',
      [...HEAD, ...RUBBISH],
      /^200 .*"code":"invalid_argument","message":"expected a /s,
    ],
  ] as const)('%s, %s', async (method, type, bytes, told) => {
    const response = await fetch(`http://127.0.0.1:${port}/${NodeService.typeName}/${method}`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: Uint8Array.from(bytes),
    });
    const answer = `${response.status} ${await response.text()}`;
    if (typeof told === 'string') expect(answer.slice(0, told.length)).toBe(told);
    else expect(answer).toMatch(told);
  });
});

describe('a caller that would wait for months', () => {
  test.each([
    ['application/connect+proto', { 'connect-timeout-ms': '9999999999' }],
    ['application/grpc-web+proto', { 'grpc-timeout': '99999999H' }],
  ])('watches a build until it ends (%s)', async (type, timeout) => {
    const imageBuilder = { url: `${slow.server.url}/none.tar.zst`, sha256: 'a'.repeat(64) };
    const leaseId = `patient-${Object.keys(timeout)[0]}`;
    await client().startBuild(await signed(testOrder({ imageBuilder }, { leaseId })));
    expect((await followed(leaseId)).at(-1)).toBe('failed');
    const message = toBinary(WatchBuildRequestSchema, create(WatchBuildRequestSchema, { leaseId }));
    const warned: string[] = [];
    const hear = ({ name }: Error) => warned.push(name);
    process.on('warning', hear);
    const response = await fetch(`http://127.0.0.1:${port}/${NodeService.typeName}/WatchBuild`, {
      method: 'POST',
      headers: { 'content-type': type, ...timeout },
      body: Uint8Array.from([0, 0, 0, 0, message.length, ...message]),
    });
    const answer = await response.text();
    process.off('warning', hear);
    expect(answer).not.toMatch(/deadline_exceeded|grpc-status: 4/);
    expect(answer).toMatch(/\{\}$|grpc-status: 0/);
    expect(warned).toEqual([]);
  });

  test('a timeout that is none is refused as before', async () => {
    const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: '1.1' });
    const headers = { 'connect-timeout-ms': '99999999999' };
    expect(await refusal(createClient(NodeService, transport).getNode({}, { headers }))).toMatch(/^InvalidArgument: /);
  });
});

test('a message that is promised to be huge is refused before it has come', async () => {
  const answer = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', answer.reject).on('data', (bytes) => answer.resolve(bytes.toString('latin1')));
  socket.write(
    `POST /${NodeService.typeName}/WatchBuild HTTP/1.1\r\nHost: x\r\ncontent-type: application/connect+proto\r\n` +
      'transfer-encoding: chunked\r\n\r\n5\r\n\0\xff\xff\xff\xff\r\n',
    'latin1',
  );
  expect(await answer.promise).toMatch(/"code":"resource_exhausted"/);
  socket.destroy();
});

test.each([{ origin: 'https://page.example' }, { 'x-forwarded-for': '127.0.0.1' }, { via: '1.1 proxy' }])(
  'who calls for somebody else (%j) cannot cancel, whatever the socket',
  async (headers) => {
    expect(await refusal(client().cancelBuild({ leaseId: 'nobody' }, { headers }))).toMatch(/^PermissionDenied: /);
  },
);

test.each([
  'GET / HTTP/1.1\r\nHost: [\r\n\r\n',
  'POST /asu.farm.v1.NodeService/GetNode HTTP/1.1\r\nHost: [\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  'POST /asu.farm.v1.NodeService/GetNode HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\nrubbish that is no frame at all',
  'PR',
  '\0\0\0\0\0\0',
])('after rubbish (%#) the node still answers', async (bytes) => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.end(bytes, () => resolve()));
  await new Promise((resolve) => socket.once('close', resolve).resume());
  expect((await client().getNode({})).name).toBe('here');
});
