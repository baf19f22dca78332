/**
 * What comes out of a node, apart from how it talks to the edge (farm-node.ts): honest ones here, and whoever wants to see what
 * nodes that lie can do writes another.
 */
import type { Order } from '../../edge/foreman/give-lease.ts';
import type { BuildErrorKind } from '../../shared/build-error.ts';
import { sha256Hex } from '../../shared/digest.ts';
import { FARM } from './parameters.ts';
import type { Wish } from './wishes.ts';

export type Outcome =
  /** `image`: what its bytes are made from; equal texts are equal images. */
  { readonly says: 'image'; readonly image: string } | { readonly says: 'failure'; readonly kind: BuildErrorKind };

export interface NodeModel {
  readonly operator: string;
  readonly tier: 'trusted' | 'volunteer';
  /** What it says in the end of this order. */
  outcome(order: Order): Outcome;
  /** How long it works at it once it has the ImageBuilder. */
  workMs(order: Order): number;
}

/** `wishOf`: what an order is about. `slowness`: beside a node as fast as most. */
export function honestNode(
  operator: string,
  slowness: number,
  wishOf: (order: Order) => Wish,
  random: () => number,
): NodeModel {
  return {
    operator,
    tier: 'trusted',
    outcome: (order) => {
      if (random() < FARM.faulty) return { says: 'failure', kind: 'upload_failed' };
      const { failure } = wishOf(order);
      return failure ? { says: 'failure', kind: failure } : { says: 'image', image: sha256Hex(order.intentHash) };
    },
    workMs: (order) => wishOf(order).workMs * slowness,
  };
}
