/** The register of nodes: which key is which machine, on whose behalf, and whether it may still speak. */
import { and, count, eq, gt, sql, sum } from 'drizzle-orm';
import { median } from '../../../shared/metrics/median.ts';
import { type HandBacks, NO_HAND_BACKS } from '../../../shared/node/hand-backs.ts';
import type { FaultsInARow } from '../../../shared/node/node-faults.ts';
import type { JoinToken } from '../../../shared/node/node-identity.ts';
import { isHeard, type NodeStanding, type NodeState } from '../../../shared/node/node-state.ts';
import type { FeedOptIn } from '../../../shared/trust/foreign-feeds.ts';
import type { Database } from '../database.ts';
import type { Waiting } from '../leases/waiting-room.ts';
import { joinTokens, type NodeRow, nodes } from '../schema.ts';
import { isCalled } from './callable-nodes.ts';

export interface Newcomer {
  readonly id: string;
  /** 64 hex digits. */
  readonly publicKey: string;
  readonly name: string;
}

export type JoinAnswer =
  | { readonly ok: true; readonly node: NodeRow }
  | { readonly ok: false; readonly reason: string };

/** What a node says of itself when it asks for work. */
export type ToldOfNode = Pick<NodeRow, 'softwareVersion' | 'slots' | 'held'> & {
  /** From where it asks: not of its own saying. */
  readonly network?: string;
  readonly feeds?: FeedOptIn;
};

/** One that may call. */
export type PresentNode = NodeRow & { readonly state: NodeStanding };

/** What became of a node's builds. */
export type Tally = 'right' | 'images' | 'wrong' | 'lost';

export const REVOKED = 'this node was revoked';

const toldBefore = ({ softwareVersion, slots, held, network, feeds }: NodeRow): ToldOfNode => ({
  softwareVersion,
  slots,
  held,
  network,
  feeds,
});

/** For its median. */
const DURATIONS_KEPT = 15;

/** `lastSeenAt` is written at most so often: a row per call of every node would be the load. */
const SEEN_GRAIN_MS = 15_000;

/** Heard of within this time, a node is there; it asks every 25 s. */
export const PRESENT_MS = 60_000;

export class Nodes {
  readonly #db: Database;
  readonly #byId: ReturnType<typeof nodeById>;
  #stateChanges = 0;
  #changed: string[] = [];

  constructor(db: Database) {
    this.#db = db;
    this.#byId = nodeById(db);
  }

  /** How often a node got another state since this object woke: who waits must be told of it. */
  get stateChanges(): number {
    return this.#stateChanges;
  }

  /** Is there one that was not told of it yet? */
  get hasChanged(): boolean {
    return this.#changed.length > 0;
  }

  /** Whose state that was, since this was asked last. */
  takeChanged(): readonly string[] {
    const changed = this.#changed;
    this.#changed = [];
    return changed;
  }

  isEmpty(): boolean {
    return this.#db.select({ id: nodes.id }).from(nodes).limit(1).get() === undefined;
  }

  byId(id: string): NodeRow | undefined {
    return this.#byId.get({ id });
  }

  /** Uses the token up. The same node with the same token is welcome again: its answer may have been lost. */
  join(newcomer: Newcomer, token: JoinToken, now: number): JoinAnswer {
    return this.#db.transaction((tx) => {
      const used = tx.select().from(joinTokens).where(eq(joinTokens.id, token.id)).get();
      if (used && used.nodeId !== newcomer.id)
        return { ok: false, reason: 'the join token was used by another node; ask the operator for a new one' };
      const known = tx.select().from(nodes).where(eq(nodes.id, newcomer.id)).get();
      if (known?.state === 'revoked') return { ok: false, reason: REVOKED };
      tx.insert(joinTokens).values({ id: token.id, nodeId: newcomer.id, usedAt: now }).onConflictDoNothing().run();
      // One that is set aside stays so, whatever token it comes with.
      const fields = { name: newcomer.name, operator: token.operator, tier: token.tier, lastSeenAt: now };
      // One that it has used before says what it was then.
      const changes = used ? { lastSeenAt: now } : fields;
      const { id, publicKey } = newcomer;
      const node = tx
        .insert(nodes)
        .values({ id, publicKey, state: 'active', stateSince: now, joinedAt: now, ...fields })
        .onConflictDoUpdate({ target: nodes.id, set: changes })
        .returning()
        .get();
      return { ok: true, node };
    });
  }

  /** The node, or why it may not speak. */
  present(id: string, told: ToldOfNode | null, now: number): PresentNode | { readonly refused: string } {
    const node = this.byId(id);
    if (!node) return { refused: 'this edge does not know the node; let it join again' };
    const { state } = node;
    if (state === 'revoked') return { refused: REVOKED };
    const before = toldBefore(node);
    const isNews = told !== null && JSON.stringify({ ...before, ...told }) !== JSON.stringify(before);
    // Of a clock that was set back the distance counts as well.
    if (Math.abs(now - node.lastSeenAt) > SEEN_GRAIN_MS || isNews)
      this.#db
        .update(nodes)
        .set({ lastSeenAt: now, ...told })
        .where(eq(nodes.id, id))
        .run();
    return { ...node, state, ...told };
  }

  /** Those that were heard of by a clock that was ahead are not there until this one comes there. */
  seenAhead(now: number): void {
    this.#db.update(nodes).set({ lastSeenAt: now }).where(gt(nodes.lastSeenAt, now)).run();
  }

  /** Does it get builds now? It may have been set aside while something was waited for. */
  mayBuild(id: string): boolean {
    return this.byId(id)?.state === 'active';
  }

  /** Is what it reports believed now? */
  isHeard(id: string): boolean {
    const node = this.byId(id);
    return node !== undefined && isHeard(node.state);
  }

  /** What it did wrong is forgotten where it may build again. */
  put(
    id: string,
    state: NodeState,
    why: Pick<NodeRow, 'stateBy' | 'stateReason' | 'stateSince'> & Partial<Pick<NodeRow, 'drainBehind'>>,
  ): void {
    this.#stateChanges += 1;
    this.#changed.push(id);
    this.#db
      .update(nodes)
      .set({ state, ...why, ...(state === 'active' && { faults: [], handBacks: NO_HAND_BACKS }) })
      .where(eq(nodes.id, id))
      .run();
  }

  setFaults(id: string, faults: FaultsInARow): void {
    this.#db.update(nodes).set({ faults }).where(eq(nodes.id, id)).run();
  }

  setHandBacks(id: string, handBacks: HandBacks): void {
    this.#db.update(nodes).set({ handBacks }).where(eq(nodes.id, id)).run();
  }

  tally(id: string, what: Tally, by: 1 | -1 = 1): void {
    this.#db
      .update(nodes)
      .set({ [what]: sql`${nodes[what]} + ${by}` })
      .where(eq(nodes.id, id))
      .run();
  }

  /** Nodes heard of after `at` that were drained for faults of theirs; with `tier` trusted of the trusted ones alone. */
  setAsideSince(at: number, tier: NodeRow['tier']): number {
    const isSetAside = and(
      gt(nodes.lastSeenAt, at),
      // As text: there is an index of these alone.
      sql`${nodes.state} = 'draining' AND ${nodes.stateBy} = 'foreman'`,
      tier === 'trusted' ? eq(nodes.tier, 'trusted') : undefined,
    );
    return this.#db.select({ n: count() }).from(nodes).where(isSetAside).get()?.n ?? 0;
  }

  /** One of its builds took so long. */
  tookMs(id: string, durationMs: number): void {
    const durations = [...(this.byId(id)?.durations ?? []), durationMs].slice(-DURATIONS_KEPT);
    this.#db.update(nodes).set({ durations }).where(eq(nodes.id, id)).run();
  }

  /** Of active nodes that were heard of within `withinMs`: of all of them, and of the trusted ones alone. */
  slotsLately(now: number, withinMs: number): { readonly all: number; readonly trusted: number } {
    const row = this.#db
      .select({ all: sum(nodes.slots), trusted: sum(sql`iif(${nodes.tier} = 'trusted', ${nodes.slots}, 0)`) })
      .from(nodes)
      .where(and(gt(nodes.lastSeenAt, now - withinMs), eq(nodes.state, 'active')))
      .get();
    return { all: Number(row?.all ?? 0), trusted: Number(row?.trusted ?? 0) };
  }

  /** How many active nodes were heard of within `withinMs`. */
  seenLately(now: number, withinMs: number): number {
    return (
      this.#db
        .select({ n: count() })
        .from(nodes)
        .where(and(gt(nodes.lastSeenAt, now - withinMs), eq(nodes.state, 'active')))
        .get()?.n ?? 0
    );
  }

  /** Active nodes heard of after `at`. */
  seenSince(at: number): Pick<NodeRow, 'id' | 'operator' | 'tier'>[] {
    return this.#db
      .select({ id: nodes.id, operator: nodes.operator, tier: nodes.tier })
      .from(nodes)
      .where(and(gt(nodes.lastSeenAt, at), eq(nodes.state, 'active')))
      .all();
  }
}

/** Written once (see queue.ts): each call of a node asks several times. */
const nodeById = (db: Database) =>
  db
    .select()
    .from(nodes)
    .where(eq(nodes.id, sql.placeholder('id')))
    .prepare();

/** What the waiting room knows of it. */
export const waitingAs = (node: NodeRow, now: number): Waiting => ({
  nodeId: node.id,
  isTrusted: node.tier === 'trusted',
  fetchesForeign: (node.feeds ?? []).length > 0,
  held: new Set(node.held),
  typicalMs: median(node.durations) ?? null,
  isCalled: isCalled(node, now),
});
