/**
 * Is there time for what nobody has asked for, and may this node be given it? Whoever asks next shall not wait for it: a node that can do
 * several things at once keeps room for one, and a farm spends so many minutes a day on it and no more.
 */
import type { ForemanState } from '../foreman-state.ts';
import { isOfUse, wantedOf } from '../leases/is-of-use.ts';
import { type NodeRow, WHOM } from '../schema.ts';

/** So long may the first of those who asked have waited. */
const LONG_MS = 10 * 60_000;
/** Builds for the same nodes among which the first is looked for. */
const PAGE = 32;

export function mayPrebuild(state: ForemanState, node: NodeRow, now: number): boolean {
  if (state.queue.prebuildsWaiting() === 0 || !hasTimeToPrebuild(state, now)) return false;
  return state.leases.activeOf(node.id) < Math.max(1, node.slots - 1);
}

/** Today, of the day by UTC. */
const hasTimeToPrebuild = ({ statistics, config }: ForemanState, now: number): boolean =>
  statistics.prebuildSeconds(now) < config.PREBUILD_MINUTES * 60;

/** Where somebody waits long for what he asked for, nothing is added to that. */
export const mayQueuePrebuilds = (state: ForemanState, now: number): boolean =>
  hasTimeToPrebuild(state, now) && !isBusy(state, now);

/** By what a node that is here may take: what waits for another says nothing of their time. */
function isBusy(state: ForemanState, now: number): boolean {
  const here = state.operators.here(now);
  const isForThem = (requestHash: string): boolean => {
    const build = state.queue.byHash(requestHash);
    const wanted = build && wantedOf(state, build, now);
    return wanted !== undefined && here.some((voice) => isOfUse(voice, wanted));
  };
  return Object.values(WHOM).some((whom) => {
    const first = state.queue.line.candidates(now, [whom], PAGE).find(({ requestHash }) => isForThem(requestHash));
    return first !== undefined && now - first.enqueuedAt > LONG_MS;
  });
}
