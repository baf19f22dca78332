/**
 * How many builds the farm runs at once, for estimates. Each poll wants to know, and asking a thousand rows for it each time
 * would be most of what a poll costs; so it is asked anew every few seconds only.
 */
import type { Leases } from './leases.ts';
import { type Nodes, PRESENT_MS } from './nodes.ts';

const KEPT_MS = 5_000;

export class FarmSize {
  readonly #nodes: Nodes;
  readonly #leases: Leases;
  #kept = { at: Number.NEGATIVE_INFINITY, slots: 0 };

  constructor(nodes: Nodes, leases: Leases) {
    this.#nodes = nodes;
    this.#leases = leases;
  }

  /** Slots of the nodes heard of lately; as many as run builds, where some were not heard of. */
  slots(now: number): number {
    if (Math.abs(now - this.#kept.at) >= KEPT_MS)
      this.#kept = { at: now, slots: Math.max(this.#leases.active(), this.#nodes.slotsLately(now, PRESENT_MS)) };
    return this.#kept.slots;
  }
}
