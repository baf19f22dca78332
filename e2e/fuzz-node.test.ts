/**
 * What anybody might say to a node that listens: hundreds of calls of its own service, by messages and envelopes that chance has made, by
 * HTTP/1.1 and HTTP/2, and requests that are cut off or lie about their length. Each is answered or refused by a true error of the
 * protocol, nothing hangs, and afterwards the node is what it was and builds. FUZZ_NODE_CALLS (300 of each kind), others by
 * FUZZ_SEED.
 */
import { connect } from 'node:http2';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import type { Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testOrder } from '../farm/build/test-order.fixture.ts';
import { freePort } from '../farm/stack/free-port.ts';
import { loadServerKey } from '../farm/stack/secrets.ts';
import { FUZZ_SEED, fc } from '../shared/chance.fixture.ts';
import { serverKeys } from '../shared/crypto/server-keys.ts';
import { BuildOrderSchema } from '../shared/gen/asu/farm/v1/build_pb.js';
import { GetNodeResponseSchema, NodeService, StartBuildRequestSchema } from '../shared/gen/asu/farm/v1/node_pb.js';
import { beginPeak, peakBytes } from './evidence/process-usage.ts';
import { pidOf } from './evidence/processes.ts';
import { arbitraryCall, type Call } from './fuzz/arbitrary-call.ts';
import { arbitraryMessage, damagedMessage } from './fuzz/arbitrary-message.ts';
import { askCall, isCutBehindUnread, printed } from './fuzz/ask-call.ts';
import { type CallAnswer, outcomeOf } from './fuzz/call-answer.ts';
import { arbitraryEnvelopes } from './fuzz/envelopes.ts';
import { grpcCall } from './fuzz/grpc-call.ts';
import { KeepAliveConnection } from './fuzz/keep-alive-connection.ts';
import type { RawRequest } from './fuzz/raw-request.ts';
import { built, REQUEST } from './players/router.ts';
import { type NodeUnderTest, StackUnderTest, until } from './stack-under-test.ts';

const CALLS = Number(process.env.FUZZ_NODE_CALLS ?? 300);
const AT_ONCE = 8;
const PATIENCE_MS = 120_000;
/** Of the node's process, at its largest: eight calls at once of 1 MiB each are little beside what Node.js lets lie. */
const MAX_GROWTH_BYTES = 192e6;
const ENDED = 'ended-before-all';

let stack: StackUnderTest;
let node: NodeUnderTest;
let port: number;
let url: string;
let peakBefore: number;
let factsBefore: unknown;
let linesBefore: number;
let sign: (order: Uint8Array) => Promise<Uint8Array>;

beforeAll(async () => {
  console.log(`FUZZ_SEED=${FUZZ_SEED}`);
  stack = await StackUnderTest.start({ runtime: 'workerd' });
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
  node = await stack.startNode('called', { listen: `127.0.0.1:${port}` });
  // It is ready for its edge a moment before.
  await until('it listens', () =>
    client()
      .getNode({})
      .then(
        () => true,
        () => false,
      ),
  );
  const { signing } = await serverKeys(await loadServerKey(stack.directory));
  sign = async (order) => new Uint8Array(await signing.sign(new Uint8Array(order)));
  // One that it had, and remembers: it fails, since nobody has such an ImageBuilder.
  const imageBuilder = { url: `${stack.mirrorServer.url}/none.tar.zst`, sha256: 'a'.repeat(64) };
  const order = toBinary(BuildOrderSchema, testOrder({ imageBuilder }, { leaseId: ENDED }));
  await client().startBuild({ order: { order, signature: await sign(order) } });
  expect(await followed(client())).toBe('failed');
  factsBefore = await facts();
  linesBefore = node.lines.length;
  peakBefore = beginPeak(pidOf('--state', stack.nodeDirectory('called')));
});
afterAll(() => stack?.close());

const client = () => createClient(NodeService, createConnectTransport({ baseUrl: url, httpVersion: '1.1' }));

/** How the build ended that has ended. */
async function followed(by: ReturnType<typeof client>): Promise<string> {
  let last = '';
  for await (const { event } of by.watchBuild({ leaseId: ENDED })) last = String(event.case);
  return last;
}

async function facts(): Promise<unknown> {
  const answer = await askCall(
    new URL(pathOf('GetNode'), url),
    PROTO,
    new Uint8Array(),
    AbortSignal.timeout(PATIENCE_MS),
  );
  return fromBinary(GetNodeResponseSchema, answer.body);
}

const PROTO = { 'content-type': 'application/proto' } as const;
const pathOf = (method: string): string => `/${NodeService.typeName}/${method}`;
/** Not a lease that it has had: that would be the same build again. */
const ofOrders = ['called', 'demo/generic', '24.10.2', 'vim'];
const known = [ENDED, ...ofOrders];

/** How many ended how. @throws Error about the first that is not as it should be */
async function tallied<Asked>(
  asked: Arbitrary<Asked>,
  ask: (one: Asked) => Promise<CallAnswer | null>,
  told: (one: Asked) => string,
): Promise<ReadonlyMap<string, number>> {
  const left = fc.sample(asked, { numRuns: CALLS, seed: FUZZ_SEED });
  const tally = new Map<string, number>();
  const lane = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop())
      try {
        const answer = await ask(one);
        const outcome = answer === null ? ({ kind: 'cut' } as const) : outcomeOf(answer);
        const kind = outcome.kind === 'refused' ? outcome.code : outcome.kind;
        tally.set(kind, (tally.get(kind) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`${(cause as Error).message}, of ${told(one)}`, { cause });
      }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  console.log([...tally].map(([kind, n]) => `${kind}: ${n}`).join(', '));
  return tally;
}

const toldCall = ({ method, headers, body }: Call): string => `${method} ${printed(headers, body)}`;

async function byHttp1({ method, headers, body }: Call): Promise<CallAnswer | null> {
  try {
    return await askCall(new URL(pathOf(method), url), headers, body, AbortSignal.timeout(PATIENCE_MS));
  } catch (error) {
    if (isCutBehindUnread(body, error as Error)) return null;
    throw error;
  }
}

test('calls by HTTP/1.1, in envelopes and without, are answered or refused by a true error', async () => {
  const tally = await tallied(arbitraryCall(NodeService, known), byHttp1, toldCall);
  for (const kind of ['answered', 'invalid_argument', 'unimplemented', 'refused by its headers'])
    expect(tally.get(kind) ?? 0, kind).toBeGreaterThan(0);
});

test('orders that the edge has signed and that are none are refused', async () => {
  const orders = damagedMessage(arbitraryMessage(BuildOrderSchema, ofOrders));
  const ask = async (order: Uint8Array): Promise<CallAnswer | null> => {
    const request = create(StartBuildRequestSchema, { order: { order, signature: await sign(order) } });
    return byHttp1({ method: 'StartBuild', headers: PROTO, body: toBinary(StartBuildRequestSchema, request) });
  };
  const tally = await tallied(orders, ask, (order) => Buffer.from(order).toString('base64'));
  expect([...tally.keys()].filter((kind) => !['invalid_argument', 'permission_denied'].includes(kind))).toEqual([]);
});

test('calls of gRPC by HTTP/2 are answered or refused by a true error, and the connection stays', async () => {
  const session = connect(url);
  const methods = fc.constantFrom(...NodeService.methods);
  const calls: Arbitrary<Call> = methods.chain(({ name, input }) =>
    fc.record({
      method: fc.constant(name),
      body: arbitraryEnvelopes(damagedMessage(arbitraryMessage(input, known))),
      headers: fc.constantFrom<Readonly<Record<string, string>>>(
        ...['application/grpc', 'application/grpc+proto', 'application/grpc+json'].map((type) => ({
          'content-type': type,
        })),
        ...['gzip', 'identity', 'x'].map((encoding) => ({
          'content-type': 'application/grpc',
          'grpc-encoding': encoding,
        })),
        ...['99999999H', '0n', '-1S'].map((timeout) => ({
          'content-type': 'application/grpc',
          'grpc-timeout': timeout,
        })),
      ),
    }),
  );
  try {
    const ask = ({ method, headers, body }: Call) => grpcCall(session, pathOf(method), headers, body);
    const tally = await tallied(calls, ask, toldCall);
    for (const kind of ['answered', 'invalid_argument', 'unimplemented', 'resource_exhausted'])
      expect(tally.get(kind) ?? 0, kind).toBeGreaterThan(0);
    expect(session.closed).toBe(false);
  } finally {
    session.close();
  }
});

test('requests that are cut off or lie about their length are answered or ended', async () => {
  const text = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const bodies = fc.oneof(
    fc
      .tuple(text, fc.constantFrom(1, 100, 2_000_000, 2 ** 40))
      .map(([said, more]): RawRequest['body'] => ({ kind: 'cut off', text: said, announcedBytes: said.length + more })),
    fc
      .tuple(text)
      .map(([said]): RawRequest['body'] => ({ kind: 'surplus', text: said, announcedBytes: said.length >> 1 })),
    fc.array(text, { maxLength: 4 }).map((chunks): RawRequest['body'] => ({ kind: 'chunked', chunks })),
  );
  const types = ['application/proto', 'application/json', 'application/connect+proto', 'application/grpc-web+proto'];
  const extra = fc.constantFrom<RawRequest['headers']>(
    ...[[], [['Expect', '100-continue'] as const], [['Transfer-Encoding', 'gzip, chunked'] as const]],
    ...[
      [['Content-Length', '-1'] as const],
      [['X-Long', 'v'.repeat(7_000)] as const],
      [['X-Long', 'v'.repeat(9_000)] as const],
    ],
  );
  const requests: Arbitrary<RawRequest> = fc.record({
    method: fc.constantFrom('POST', 'POST', 'GET', 'PUT'),
    target: fc.constantFrom(...NodeService.methods.map(({ name }) => pathOf(name)), '/', '*'),
    headers: fc
      .tuple(fc.constantFrom(...types), extra)
      .map(([type, more]) => [['Content-Type', type] as const, ...more]),
    body: bodies,
  });
  const ask = async (request: RawRequest): Promise<CallAnswer | null> => {
    const connection = new KeepAliveConnection(port);
    const answer = await connection.exchange(request).finally(() => connection.close());
    if (answer.status === null) return null;
    // Said by Node.js before there is a request.
    if (answer.body.length === 0 && [400, 431].includes(answer.status)) return null;
    return { status: answer.status, contentType: answer.headers.get('content-type') ?? '', body: answer.body };
  };
  await tallied(requests, ask, (request) => JSON.stringify(request));
});

describe('afterwards', () => {
  const transports = {
    'Connect, HTTP/1.1': () => createConnectTransport({ baseUrl: url, httpVersion: '1.1' }),
    'Connect, HTTP/2': () => createConnectTransport({ baseUrl: url, httpVersion: '2' }),
    'gRPC-Web': () => createGrpcWebTransport({ baseUrl: url, httpVersion: '1.1' }),
    gRPC: () => createGrpcTransport({ baseUrl: url }),
  } as const;
  test.each(Object.entries(transports))('a right call by %s is answered as before', async (_, transport) => {
    expect(await followed(createClient(NodeService, transport()))).toBe('failed');
  });

  test('the node is what it was: it has begun nothing, said nothing, and has not grown', async () => {
    expect(await facts()).toEqual(factsBefore);
    expect(node.lines.slice(linesBefore)).toEqual([]);
    const grown = peakBytes(pidOf('--state', stack.nodeDirectory('called'))) - peakBefore;
    console.log(`memory of the node: ${(grown / 1e6).toFixed(1)} MB more on ${(peakBefore / 1e6).toFixed(1)} MB`);
    expect(grown, 'growth of the process').toBeLessThan(MAX_GROWTH_BYTES);
  });

  test('and it builds', async () => {
    const answer = await built(stack.url, REQUEST);
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  });
});
