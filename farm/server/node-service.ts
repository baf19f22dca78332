/** What the node answers to whoever calls it: the rpcs of NodeService, put on the agent that does the work. */
import { fromBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, type ContextKey, createContextKey, type ServiceImpl } from '@connectrpc/connect';
import { BuildOrderSchema } from '../../shared/gen/asu/farm/v1/build_pb.js';
import type { NodeService } from '../../shared/gen/asu/farm/v1/node_pb.js';
import { FARM_PROTOCOL } from '../../shared/node/farm-protocol.ts';
import { SERVER_VERSION } from '../../shared/server-version.ts';
import type { Agent } from '../agent/agent.ts';
import type { Offer } from '../agent/offer.ts';

/** Set for each call by who has its socket; see local-caller.ts. */
export const IS_LOCAL: ContextKey<boolean> = createContextKey(false, { description: 'the caller is on this machine' });

export interface NodeFacts {
  readonly nodeId: string;
  readonly name: string;
  readonly sandbox: string;
}

const CODES: Readonly<Record<Exclude<Offer['state'], 'taken'>, Code>> = {
  forged: Code.PermissionDenied,
  wrong: Code.InvalidArgument,
  busy: Code.ResourceExhausted,
  unable: Code.Unavailable,
};

export const nodeService = (agent: Agent, facts: NodeFacts): ServiceImpl<typeof NodeService> => ({
  startBuild: async ({ order }) => {
    if (!order) throw new ConnectError('order: expected a signed order, got none', Code.InvalidArgument);
    if (!isOrder(order.order))
      throw new ConnectError('order: expected a BuildOrder, got other bytes', Code.InvalidArgument);
    const offer = await agent.offer(order);
    if (offer.state !== 'taken') throw new ConnectError(offer.reason, CODES[offer.state]);
    return { leaseId: offer.leaseId };
  },

  async *watchBuild({ leaseId }, { signal }) {
    if (!agent.news.has(leaseId)) throw unknown();
    for await (const event of agent.news.watch(leaseId, signal)) yield { event };
  },

  cancelBuild: ({ leaseId }, { values }) => {
    if (!values.get(IS_LOCAL))
      throw new ConnectError(
        'builds are cancelled on the machine itself, of a node that listens on loopback only',
        Code.PermissionDenied,
      );
    if (!agent.news.has(leaseId)) throw unknown();
    agent.cancel(leaseId);
    return {};
  },

  getNode: async () => ({
    ...facts,
    softwareVersion: SERVER_VERSION,
    protocol: FARM_PROTOCOL,
    slots: agent.slots,
    running: agent.running,
    heldImageBuilders: await agent.heldImageBuilders(),
  }),
});

function isOrder(bytes: Uint8Array): boolean {
  try {
    fromBinary(BuildOrderSchema, bytes);
    return true;
  } catch {
    return false;
  }
}

const unknown = (): ConnectError => new ConnectError('this node has no such lease', Code.NotFound);
