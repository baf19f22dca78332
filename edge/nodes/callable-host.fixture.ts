/**
 * Hosts behind addresses, for tests: what a Worker fetches there is answered in this very process, by a node's service in its
 * Connect protocol or by whatever else may listen at a name on the internet.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createConnectRouter, type ServiceImpl } from '@connectrpc/connect';
import { createFetchHandler } from '@connectrpc/connect/protocol';
import { vi } from 'vitest';
import { verifyEd25519 } from '../../shared/crypto/ed25519.ts';
import { type BuildOrder, BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import { NodeStanding } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { NodeService } from '../../shared/gen/asu/farm/v1/node_pb.js';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { configOf } from '../config.ts';
import { ask, env, foremanStats, foremanStub } from '../edge.fixture.ts';
import { edgeKeys, type FarmNode, good } from './farm-node.fixture.ts';

export type Host = (request: Request) => Promise<Response> | Response;

const hosts = new Map<string, Host>();

/** Call behind openUpstream: what is no host of a test goes on to the mirror. */
export function openHosts(): void {
  const { fetch: onward } = globalThis;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input instanceof Request ? input : String(input), init);
    const host = hosts.get(new URL(request.url).origin);
    if (!host) return onward(input, init);
    // As a connection that is cut: what is told by the host afterwards, nobody hears.
    const { promise: cut, reject } = Promise.withResolvers<never>();
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason), { once: true });
    const response = await Promise.race([host(request), cut]);
    const location = response.headers.get('location');
    // As any fetch does that is not told otherwise.
    return location !== null && init?.redirect !== 'manual' ? fetch(location, init) : response;
  };
}

export function putHost(address: string, host: Host): void {
  hosts.set(address, host);
}

/** What such a host answers to an order, once it is known to be the edge's. */
export type Answering = (order: BuildOrder) => Promise<void> | void;

export const refuses =
  (code: Code, reason = 'not now') =>
  (): never => {
    throw new ConnectError(reason, code);
  };
export const isBusy: Answering = refuses(Code.ResourceExhausted, 'no slot is free: 1 of 1 are taken');

/** Takes the order, and its answer never arrives. */
export const losesItsAnswer: Answering = () => new Promise(() => {});

export interface CallableNode {
  readonly address: string;
  /** Orders that were brought and are signed by the edge. */
  readonly brought: BuildOrder[];
  answering: Answering;
  /** Ends its waiting question. */
  leave(): Promise<void>;
}

/** A node that is called, as an operator adds one: it listens, has joined, and waits with a question of its own. */
export async function openCallableNode(
  node: FarmNode,
  { address = `https://${node.id.slice(0, 12)}.example`, slots = 1, isWaiting = true } = {},
): Promise<CallableNode> {
  const brought: BuildOrder[] = [];
  const callable = { address, brought, answering: () => undefined, leave: async () => undefined } as CallableNode;
  const service: Partial<ServiceImpl<typeof NodeService>> = {
    getNode: () => ({ nodeId: node.id, name: 'here', slots }),
    startBuild: async ({ order: signed }) => {
      const order = new Uint8Array(signed?.order ?? []);
      if (!(await verifyEd25519(edgeKeys.signing.publicKey, order, new Uint8Array(signed?.signature ?? []))))
        throw new ConnectError('the order is not signed by the edge', Code.PermissionDenied);
      const message = fromBinary(BuildOrderSchema, order);
      brought.push(message);
      await callable.answering(message);
      return { leaseId: message.leaseId };
    },
  };
  putHost(address, nodeHost(service));
  await addNode(address);
  if (isWaiting) callable.leave = await takeSeat(node, slots);
  return callable;
}

/** A host that speaks NodeService and nothing else. */
export function nodeHost(service: Partial<ServiceImpl<typeof NodeService>>): Host {
  const router = createConnectRouter({ grpc: false, grpcWeb: false }).service(NodeService, service);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, createFetchHandler(handler)]));
  return async (request) =>
    (await handlers.get(new URL(request.url).pathname)?.(request)) ?? new Response('', { status: 404 });
}

export const asAdmin = (path: string, body?: object): Promise<Response> =>
  ask(`/api/v1/admin/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${configOf(env).ADMIN_KEY}` },
    ...(body && { body: JSON.stringify(body) }),
  });

export async function addNode(address: string): Promise<void> {
  const answer = await asAdmin('nodes/callable', { url: address });
  if (answer.status !== 200) throw new Error(`expected ${address} to be added: ${await answer.text()}`);
}

/** Its question, with which it waits; resolves when it does. Returns what ends it. */
async function takeSeat(node: FarmNode, slots: number): Promise<() => Promise<void>> {
  const before = (await foremanStats()).calls.lease ?? 0;
  const idempotencyKey = crypto.randomUUID();
  const protocol = FARM_PROTOCOL;
  const asked = { idempotencyKey, waitSeconds: 25, protocol, slots, knownStanding: NodeStanding.ACTIVE };
  const waiting = good(node, 'lease', asked);
  await vi.waitFor(
    async () => {
      if (((await foremanStats()).calls.lease ?? 0) <= before) throw new Error('the question has not arrived');
    },
    { timeout: 30_000 },
  );
  await foremanStats();
  return async () => {
    // Who gets another standing is told so at once.
    await foremanStub().actOnNode(node.id, 'drain', 'the test is over');
    await waiting;
  };
}
