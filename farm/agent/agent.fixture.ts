/** A whole agent of one slot, with a real outbox and a real workshop, whose edge is whatever a test puts there. */
import path from 'node:path';
import { createClient, type Transport } from '@connectrpc/connect';
import { bytesToHex } from '../../shared/crypto/digest.ts';
import { type SigningKey, signingKey } from '../../shared/crypto/ed25519.ts';
import { ForemanService } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { nodeIdOf } from '../../shared/node/node-identity.ts';
import type { FeedOptIn } from '../../shared/trust/foreign-feeds.ts';
import type { Workshop } from '../build/workshop.ts';
import { openDatabase } from '../db/open-database.ts';
import { DiskWatch } from '../disk/disk-watch.ts';
import { EdgeClock } from '../membership/edge-clock.ts';
import { NodeMetrics } from '../metrics/node-metrics.ts';
import { Agent } from './agent.ts';
import { Outbox } from './outbox.ts';

const NODE_KEY = await signingKey(new Uint8Array(32).fill(8));
/** Whom orders must be for, or for nobody by name. */
export const NODE_ID = nodeIdOf(NODE_KEY.publicKey);

const EDGE_URL = 'https://edge.example';

export interface AgentUnderTest {
  /** Its database lies here. */
  readonly directory: string;
  readonly workshop: Workshop;
  readonly edge: Transport;
  /** Signs the orders that it believes. */
  readonly edgeKey: SigningKey;
  readonly reportMs?: number;
  /** Where its files go. */
  readonly edgeUrl?: string;
  readonly foreignFeeds?: FeedOptIn;
  /** Absent: a volunteer's. */
  readonly certificate?: string;
  readonly log?: (line: string) => void;
}

/** To be closed when it has run. */
export async function openAgent(options: AgentUnderTest) {
  const { directory, workshop, edge, edgeKey, reportMs = 50, edgeUrl = EDGE_URL } = options;
  const { foreignFeeds = null, certificate = '' } = options;
  const database = openDatabase(path.join(directory, 'node.sqlite'));
  const slots = 1;
  const outbox = new Outbox(database.db, edgeUrl);
  const agent = new Agent({
    edgeUrl,
    client: createClient(ForemanService, edge),
    key: NODE_KEY,
    membership: () => ({ certificate, edgePublicKey: bytesToHex(edgeKey.publicKey) }),
    clock: new EdgeClock(),
    outbox,
    store: null,
    workshop,
    disk: new DiskWatch(workshop.budget),
    metrics: new NodeMetrics({
      slots,
      disk: () => workshop.budget.space(),
      packages: () => workshop.packages.counters,
      unheard: () => outbox.unacknowledged().length,
    }),
    slots,
    foreignFeeds,
    reportMs,
    log: options.log ?? (() => {}),
  });
  return { agent, outbox, close: () => database.close() };
}
