/** Prebuilds that wait leave the queue when the farm has no time for guesses: while those who asked wait long, or the day's time is used up. */
import { ABANDONED, cancelBuild } from './cancel-build.ts';
import type { ForemanState } from './foreman-state.ts';
import { hasTimeToPrebuild } from './may-prebuild.ts';

/** So long may the first of those who asked have waited. */
const LONG_MS = 10 * 60_000;
const DROP_AT_ONCE = 200;

export function dropPrebuilds(state: ForemanState, now: number): void {
  if (state.queue.prebuildsWaiting() === 0) return;
  const isBusy = state.queue.longestWaitMs(now) > LONG_MS;
  if (!isBusy && hasTimeToPrebuild(state, now)) return;
  for (const build of state.queue.waitingPrebuilds(DROP_AT_ONCE)) cancelBuild(state, build, ABANDONED, now);
}
