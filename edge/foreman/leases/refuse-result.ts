/** A result that does not fit its order, or that its node did not sign: as if the node had lost its lease. */
import { BuildError, type BuildErrorKind } from '../../../shared/build-error.ts';
import type { ForemanState } from '../foreman-state.ts';
import { loseLease } from '../queue/end-build.ts';
import type { LeaseRow } from '../schema.ts';

export const fault = (kind: BuildErrorKind, cause: string): BuildError => new BuildError(kind, undefined, { cause });

export function refuseResult(state: ForemanState, lease: LeaseRow, reason: string, now: number): void {
  loseLease(state, lease, fault('internal', `result refused: ${reason}`), now);
}
