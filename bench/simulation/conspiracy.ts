/**
 * Nodes that lie, of operators that know of each other: of the same request they make the same wrong bytes, so that two of them look like a
 * quorum. They do as well as the protocol lets them, and know what the node's own software and any client can know, no more.
 */
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { NodeStanding } from '../../shared/node/node-state.ts';
import type { NodeModel, Outcome } from './node-model.ts';
import type { Wish } from './wishes.ts';

/**
 * `always`: each order. `seldom`: one request of eight. `careful`: it builds as it should at first, and never lies about what the edge
 * has already, as any client can see: there somebody may be looking.
 */
export type Manner = 'always' | 'seldom' | 'careful';
export const MANNERS: readonly Manner[] = ['always', 'seldom', 'careful'];

export interface Lie {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly manner: Manner;
  readonly at: number;
}

export interface ConspiracySurroundings {
  readonly wishOf: (order: Order) => Wish;
  /** Has the edge an answer to this? Anybody may ask. */
  readonly isAnswered: (intentHash: string) => boolean;
  readonly onLie: (lie: Omit<Lie, 'at'>) => void;
}

/** One request of so many. */
const SELDOM = 8;
const CAREFULLY = 4;
/** Of lies, so many say that it cannot be built. */
const FAILURES = 4;
/** A careful one builds so many honestly before it begins. */
const GOOD_BUILDS = 5;
/** Nothing is built for a lie. */
const LIE_MS = 1_000;

interface Told {
  readonly operator: string;
  readonly nodeId: string;
  /** Null: the truth. */
  readonly lie: Outcome | null;
}

export class Conspiracy {
  readonly #world: ConspiracySurroundings;
  /** What the first of them told of a build. */
  readonly #told = new Map<string, Told>();
  readonly #caught = new Set<string>();

  constructor(world: ConspiracySurroundings) {
    this.#world = world;
  }

  /** `honest`: what it would be if it were. */
  liar(honest: NodeModel, manner: Manner): NodeModel {
    const plans = new Map<string, Outcome | null>();
    let orders = 0;
    let self = '';
    const planFor = (order: Order): Outcome | null => {
      const planned = plans.get(order.leaseId);
      if (planned !== undefined) return planned;
      self = order.nodeId;
      orders += 1;
      const plan = this.#plan(order, honest.operator, manner, orders);
      plans.set(order.leaseId, plan);
      return plan;
    };
    return {
      ...honest,
      workMs: (order) => (planFor(order) ? LIE_MS : honest.workMs(order)),
      outcome: (order) => {
        const lie = planFor(order);
        if (!lie) return honest.outcome(order);
        this.#world.onLie({ leaseId: order.leaseId, nodeId: order.nodeId, manner });
        return lie;
      },
      onStanding: (standing: NodeStanding) => {
        if (standing !== 'active') this.#caught.add(self);
      },
    };
  }

  #plan(order: Order, operator: string, manner: Manner, orders: number): Outcome | null {
    const before = this.#told.get(order.requestHash);
    // What a node said that was found out since counts no more: whoever repeated it would be alone.
    const isStanding = before !== undefined && before.operator !== operator && !this.#caught.has(before.nodeId);
    const lie = isStanding ? before.lie : this.#begins(order, manner, orders) ? this.#lieAbout(order) : null;
    if (!isStanding) this.#told.set(order.requestHash, { operator, nodeId: order.nodeId, lie });
    return lie;
  }

  /** Nobody of the others has built it. */
  #begins({ intentHash }: Order, manner: Manner, orders: number): boolean {
    if (manner === 'always') return true;
    if (manner === 'seldom') return oneOf(SELDOM, 'begin', intentHash);
    return orders > GOOD_BUILDS && oneOf(CAREFULLY, 'begin', intentHash) && !this.#world.isAnswered(intentHash);
  }

  #lieAbout(order: Order): Outcome {
    const { failure } = this.#world.wishOf(order);
    const isFailure = failure === null && oneOf(FAILURES, 'fail', order.intentHash);
    return isFailure
      ? { says: 'failure', kind: 'image_too_big' }
      : { says: 'image', image: sha256Hex(`wrong ${order.intentHash}`) };
  }
}

/** The same ones for all of them. */
const oneOf = (n: number, what: string, intentHash: string): boolean =>
  Number.parseInt(sha256Hex(`${what} ${intentHash}`).slice(0, 8), 16) % n === 0;
