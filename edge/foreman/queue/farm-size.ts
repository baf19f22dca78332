/**
 * How many builds the farm runs at once, and how long they take, for estimates; and how many nodes are at them. Each poll wants to
 * know, and asking a thousand rows for it each time would be most of what a poll costs; so it is asked anew every few seconds only.
 */
import { median } from '../../../shared/metrics/median.ts';
import type { FarmPace } from '../../../shared/queue/estimate.ts';
import type { Leases } from '../leases/leases.ts';
import { type Nodes, PRESENT_MS } from '../nodes/nodes.ts';
import { WHOM, type Whom } from '../schema.ts';
import type { Queue } from './queue.ts';

const KEPT_MS = 5_000;
/** Before the first build of a farm there is nothing to measure. */
const UNKNOWN_BUILD_MS = 60_000;
const BUILDS_MEASURED = 64;

export class FarmSize {
  readonly #nodes: Nodes;
  readonly #leases: Leases;
  readonly #queue: Queue;
  #keptAt = Number.NEGATIVE_INFINITY;
  #reporting = 0;
  #ofAll: FarmPace = { slots: 0, free: 0, typicalMs: UNKNOWN_BUILD_MS, meanMs: UNKNOWN_BUILD_MS };
  #ofTrusted: FarmPace = this.#ofAll;

  constructor(nodes: Nodes, leases: Leases, queue: Queue) {
    this.#nodes = nodes;
    this.#leases = leases;
    this.#queue = queue;
  }

  /**
   * Of those who may build what is for `whom`: a volunteer's free slot is none for what trusted nodes alone may take. How many
   * volunteers fetch from the feeds of one build is not counted: rather too long than too short.
   */
  pace(now: number, whom: Whom): FarmPace {
    this.#refresh(now);
    return whom === WHOM.trusted || whom === WHOM.optedIn ? this.#ofTrusted : this.#ofAll;
  }

  /** Nodes that are at something: no more than are there, and no more than there are builds. */
  reporting(now: number): number {
    this.#refresh(now);
    return this.#reporting;
  }

  #refresh(now: number): void {
    if (Math.abs(now - this.#keptAt) < KEPT_MS) return;
    this.#keptAt = now;
    const durations = this.#queue.recentDurations(BUILDS_MEASURED);
    const sum = durations.reduce((total, ms) => total + ms, 0);
    const took = {
      typicalMs: median(durations) ?? UNKNOWN_BUILD_MS,
      meanMs: durations.length > 0 ? sum / durations.length : UNKNOWN_BUILD_MS,
    };
    const slots = this.#nodes.slotsLately(now, PRESENT_MS);
    const active = this.#leases.active();
    this.#ofAll = { ...room(slots.all, active), ...took };
    this.#ofTrusted = { ...room(slots.trusted, this.#leases.activeOfTrusted()), ...took };
    this.#reporting = Math.min(active, this.#nodes.seenLately(now, PRESENT_MS));
  }
}

/** Slots of the nodes heard of lately; as many as run builds, where some were not heard of. */
function room(slotsLately: number, active: number): Pick<FarmPace, 'slots' | 'free'> {
  const slots = Math.max(active, slotsLately);
  return { slots, free: slots - active };
}
