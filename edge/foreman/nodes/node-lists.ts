/**
 * Who is in the farm: everything for its operators, and for everybody else what a node chose to be called and what it does.
 * Both are bounded, since whoever has a token can make as many nodes as the token's tier has machines.
 */
import { and, asc, count, desc, eq, gt, ne, sql } from 'drizzle-orm';
import type { NodeStanding } from '../../../shared/node/node-state.ts';
import type { Database } from '../database.ts';
import { leases, type NodeRow, nodes } from '../schema.ts';
import { PRESENT_MS } from './nodes.ts';

export const MAX_LISTED = 1_000;
/** Nodes that were away for longer are no part of the farm that anybody is shown. */
const LATELY_MS = 24 * 3_600_000;

type NotListed =
  | 'publicKey'
  | 'held'
  | 'durations'
  | 'faults'
  | 'handBacks'
  | 'network'
  | 'feeds'
  | 'drainBehind'
  | 'disownedUpTo'
  | 'callFailures'
  | 'notCalledBefore';

/** Without what a list of a thousand has no room for. */
export interface ListedNode extends Omit<NodeRow, NotListed> {
  readonly held: number;
  readonly faultsInARow: number;
  readonly running: number;
}

export interface PublicNode extends Pick<ListedNode, 'name' | 'tier' | 'slots' | 'running' | 'images'> {
  readonly state: NodeStanding;
  readonly isPresent: boolean;
}

const COLUMNS = {
  id: nodes.id,
  name: nodes.name,
  operator: nodes.operator,
  tier: nodes.tier,
  state: nodes.state,
  stateReason: nodes.stateReason,
  stateSince: nodes.stateSince,
  stateBy: nodes.stateBy,
  softwareVersion: nodes.softwareVersion,
  slots: nodes.slots,
  held: sql<number>`json_array_length(${nodes.held})`,
  faultsInARow: sql<number>`json_array_length(${nodes.faults})`,
  right: nodes.right,
  images: nodes.images,
  wrong: nodes.wrong,
  lost: nodes.lost,
  address: nodes.address,
  callFault: nodes.callFault,
  joinedAt: nodes.joinedAt,
  lastSeenAt: nodes.lastSeenAt,
};

export class NodeLists {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws Error where there is no such node; none is ever removed */
  one(id: string): ListedNode {
    const node = this.#db.select(COLUMNS).from(nodes).where(eq(nodes.id, id)).get();
    if (!node) throw new Error(`expected a node ${id}`);
    return { ...node, running: this.#running(id).get(id) ?? 0 };
  }

  /** A page, in the order of ids. `next`: behind which the next one begins; null at the end. */
  page(behind: string): { readonly nodes: ListedNode[]; readonly next: string | null } {
    const rows = this.#db
      .select(COLUMNS)
      .from(nodes)
      .where(gt(nodes.id, behind))
      .orderBy(asc(nodes.id))
      .limit(MAX_LISTED)
      .all();
    const running = this.#running();
    const next = rows.length === MAX_LISTED ? (rows.at(-1)?.id ?? null) : null;
    return { nodes: rows.map((node) => ({ ...node, running: running.get(node.id) ?? 0 })), next };
  }

  /** Nodes heard of lately, by name. */
  public(now: number): PublicNode[] {
    const { id, name, tier, state, slots, images, lastSeenAt } = nodes;
    const rows = this.#db
      .select({ id, name, tier, state, slots, images, lastSeenAt })
      .from(nodes)
      .where(and(gt(lastSeenAt, now - LATELY_MS), ne(state, 'revoked')))
      .orderBy(desc(lastSeenAt))
      .limit(MAX_LISTED)
      .all();
    const running = this.#running();
    return rows
      .map((node) => ({
        name: node.name,
        tier: node.tier,
        state: node.state as NodeStanding,
        isPresent: node.lastSeenAt > now - PRESENT_MS,
        slots: node.slots,
        running: running.get(node.id) ?? 0,
        images: node.images,
      }))
      .sort((one, other) => (one.name < other.name ? -1 : Number(one.name > other.name)));
  }

  /** Builds under way, by node; of one alone, or of all. */
  #running(nodeId?: string): ReadonlyMap<string, number> {
    const rows = this.#db
      .select({ id: leases.nodeId, n: count() })
      .from(leases)
      .where(and(sql`${leases.state} = 'active'`, nodeId === undefined ? undefined : eq(leases.nodeId, nodeId)))
      .groupBy(leases.nodeId)
      .all();
    return new Map(rows.map(({ id, n }) => [id, n]));
  }
}
