/**
 * Nodes as their operators' voices: who is there, how many there are, and whose word has been confirmed for long. A quorum counts
 * operators and networks, and a person with a thousand machines is one.
 */
import { and, countDistinct, eq, gt, inArray, min, sql, sum } from 'drizzle-orm';
import type { Database } from './database.ts';
import { type NodeRow, nodes } from './schema.ts';

/** An operator whose machines are off at night is there all the same. */
const ACTIVE_MS = 24 * 3_600_000;
/** Each poll of a build that waits for others wants to know who is there. */
const KEPT_MS = 5_000;
/** A node heard of within this time may come for a build; it asks every 25 s. */
export const COMES_MS = 45_000;

export type Voice = Pick<NodeRow, 'id' | 'operator' | 'network' | 'tier'>;

export class Operators {
  readonly #db: Database;
  #kept = { at: Number.NEGATIVE_INFINITY, voices: [] as readonly Voice[], active: 0 };

  constructor(db: Database) {
    this.#db = db;
  }

  /** Of volunteers, with a node that was there within a day. */
  active(now: number): number {
    const isActive = and(gt(nodes.lastSeenAt, now - ACTIVE_MS), eq(nodes.state, 'active'), eq(nodes.tier, 'volunteer'));
    return (
      this.#db
        .select({ n: countDistinct(nodes.operator) })
        .from(nodes)
        .where(isActive)
        .get()?.n ?? 0
    );
  }

  /** What its volunteers have shown; nothing as long as one of its nodes is suspected. */
  record(operator: string): { readonly confirmedImages: number; readonly since: number } {
    const { state } = nodes;
    const row = this.#db
      .select({
        confirmedImages: sum(sql`iif(${state} IN ('active', 'draining'), ${nodes.images}, 0)`),
        since: min(nodes.joinedAt),
        suspected: sum(sql`${state} = 'quarantined'`),
      })
      .from(nodes)
      .where(and(eq(nodes.operator, operator), eq(nodes.tier, 'volunteer'), inArray(state, HEARD_OR_SUSPECTED)))
      .get();
    const isSuspected = Number(row?.suspected ?? 0) > 0;
    return {
      confirmedImages: isSuspected ? 0 : Number(row?.confirmedImages ?? 0),
      since: row?.since ?? Number.POSITIVE_INFINITY,
    };
  }

  /** Active nodes that may come for a build. */
  here(now: number): Voice[] {
    const { id, operator, network, tier } = nodes;
    return this.#db
      .select({ id, operator, network, tier })
      .from(nodes)
      .where(and(gt(nodes.lastSeenAt, now - COMES_MS), eq(nodes.state, 'active')))
      .all();
  }

  /** Who is there and how many there are, as of some seconds ago: for what is only told. */
  lately(now: number): { readonly voices: readonly Voice[]; readonly active: number } {
    if (Math.abs(now - this.#kept.at) >= KEPT_MS)
      this.#kept = { at: now, voices: this.here(now), active: this.active(now) };
    return this.#kept;
  }
}

const HEARD_OR_SUSPECTED = ['active', 'draining', 'quarantined'] as const;
