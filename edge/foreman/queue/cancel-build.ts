/**
 * The end of a build that nobody wants any more, or that an operator stops. It is no failure of anything, so it is counted
 * nowhere and remembered for nobody: whoever asks again begins anew.
 */
import { BuildError } from '../../../shared/build/build-error.ts';
import { isPrebuild } from '../../../shared/queue/turn.ts';
import type { ForemanState } from '../foreman-state.ts';
import { endLease } from '../leases/end-lease.ts';
import { type BuildRow, isUndecided } from '../schema.ts';
import { endWithFailure } from './end-build.ts';

export const ABANDONED = 'Error: Nobody asked for this build any more, so it left the queue; please ask again';
export const CANCELLED = 'Error: An operator of this server stopped the build; please ask again';

/** False for one that is over already, or decided. */
export function cancelBuild(state: ForemanState, build: BuildRow, detail: string, now: number): boolean {
  if (!isUndecided(build)) return false;
  state.db.transaction(() => {
    // Its node is told by its next report.
    if (build.leaseId !== null) endLease(state, build.leaseId, 'cancelled', now);
    endWithFailure(state, build, new BuildError('cancelled', detail), now);
    if (isPrebuild(build)) state.statistics.prebuild('dropped', now);
  });
  return true;
}
