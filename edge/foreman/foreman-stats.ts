/** How the Foreman is, for its operator: what stands in the tables, and what was counted since it woke. */
import type { ForemanStats } from './foreman-answers.ts';
import type { ForemanState } from './foreman-state.ts';
import { PRESENT_MS } from './nodes/nodes.ts';

/** `calls`: since the object woke, by name. */
export function foremanStats(state: ForemanState, calls: ForemanStats['calls'], now: number): ForemanStats {
  const { hold, queue, phases, leases, nodes, images, config } = state;
  return {
    calls: { ...calls },
    refusal: hold.refusal,
    waiting: queue.waiting(),
    live: queue.live(),
    prebuildsWaiting: queue.prebuildsWaiting(),
    longestWaitMs: queue.line.longestWaitMs(now),
    phases: phases.samples(),
    activeLeases: leases.active(),
    nodesPresent: nodes.seenLately(now, PRESENT_MS),
    images: {
      kept: images.amount('kept'),
      leaving: images.amount('leaving'),
      removed: images.amount('removed'),
      budgetBytes: config.IMAGES_BUDGET,
    },
  };
}
