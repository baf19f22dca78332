/**
 * May this node be given what nobody has asked for? Whoever asks next shall not wait for it: a node that can do several things at
 * once keeps room for one, and a farm spends so many minutes a day on it and no more.
 */
import type { ForemanState } from './foreman-state.ts';
import type { NodeRow } from './schema.ts';

export function mayPrebuild(state: ForemanState, node: NodeRow, now: number): boolean {
  if (state.queue.prebuildsWaiting() === 0 || !hasTimeToPrebuild(state, now)) return false;
  return state.leases.activeOf(node.id) < Math.max(1, node.slots - 1);
}

/** Today, of the day by UTC. */
export const hasTimeToPrebuild = ({ statistics, config }: ForemanState, now: number): boolean =>
  statistics.prebuildSeconds(now) < config.PREBUILD_MINUTES * 60;
