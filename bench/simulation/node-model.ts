/**
 * What comes out of a node, apart from how it talks to the edge (farm-node.ts): honest ones here, and whoever wants to see what
 * nodes that lie can do writes another.
 */
import type { Order } from '../../edge/foreman/leases/give-lease.ts';
import type { BuildErrorKind } from '../../shared/build/build-error.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import type { NodeStanding } from '../../shared/node/node-state.ts';
import { FARM } from './parameters.ts';
import type { Wish } from './wishes.ts';

export type Outcome =
  /** `image`: what its bytes are made from; equal texts are equal images. */
  { readonly says: 'image'; readonly image: string } | { readonly says: 'failure'; readonly kind: BuildErrorKind };

export interface NodeModel {
  readonly operator: string;
  readonly tier: 'trusted' | 'volunteer';
  readonly slots: number;
  /** From which it calls, where that matters. */
  readonly network?: string;
  /** By which it signs what it says; without one it signs nothing, as a trusted node may. */
  readonly key?: SigningKey;
  /** What it says in the end of this order. */
  outcome(order: Order): Outcome;
  /** How long it works at it once it has the ImageBuilder. */
  workMs(order: Order): number;
  /** What the edge says of it. */
  onStanding?(standing: NodeStanding): void;
}

/** What every node makes of it that does as it should. */
export const honestOutcome = ({ failure, intentHash }: Wish): Outcome =>
  failure ? { says: 'failure', kind: failure } : { says: 'image', image: sha256Hex(intentHash) };

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
    slots: FARM.slots,
    outcome: (order) => {
      if (random() < FARM.faulty) return { says: 'failure', kind: 'upload_failed' };
      return honestOutcome(wishOf(order));
    },
    workMs: (order) => wishOf(order).workMs * slowness,
  };
}
