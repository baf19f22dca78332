/** Prebuilds that wait leave the queue when the farm has no time for guesses. What they were for is looked at again when it has. */

import type { ForemanState } from '../foreman-state.ts';
import { ABANDONED, cancelBuild } from '../queue/cancel-build.ts';
import { mayQueuePrebuilds } from './may-prebuild.ts';

const DROP_AT_ONCE = 200;

export function dropPrebuilds(state: ForemanState, now: number): void {
  if (state.queue.prebuildsWaiting() === 0 || mayQueuePrebuilds(state, now)) return;
  state.db.transaction(() => {
    for (const build of state.queue.line.prebuilds(DROP_AT_ONCE))
      if (cancelBuild(state, build, ABANDONED, now)) state.prebuilds.dropped(build.request);
  });
}
