/** A result that does not fit its order, or that its node did not sign: as if the node had lost its lease. */
import type { RefusedResult } from '../../../shared/build/accept-result.ts';
import { BuildError, type BuildErrorKind } from '../../../shared/build/build-error.ts';
import { storeKey } from '../../../shared/build/build-record.ts';
import { logError } from '../../log.ts';
import type { ForemanState } from '../foreman-state.ts';
import { loseLease } from '../queue/end-build.ts';
import type { LeaseRow, NodeRow } from '../schema.ts';
import { quarantineLiar } from '../trust/quarantine-liar.ts';

export const fault = (kind: BuildErrorKind, cause: string): BuildError => new BuildError(kind, undefined, { cause });

export function refuseResult(state: ForemanState, lease: LeaseRow, reason: string, now: number): void {
  loseLease(state, lease, fault('internal', `result refused: ${reason}`), now);
}

/** The same, of what cannot be accepted; who lied about it is believed no more. */
export async function refuseClaim(
  state: ForemanState,
  { node, lease }: { readonly node: NodeRow; readonly lease: LeaseRow },
  { reason, isLie, missing }: RefusedResult,
  now: number,
): Promise<void> {
  refuseResult(state, lease, reason, now);
  if (!isLie || (missing !== undefined && (await mayBeThere(state, lease, missing)))) return;
  quarantineLiar(state, node.id, `what it said of lease ${lease.id} is not so: ${reason}`, now);
}

/** Tables that were restored know nothing of what was uploaded since they were saved. Who cannot be asked accuses nobody. */
async function mayBeThere({ store }: ForemanState, lease: LeaseRow, name: string): Promise<boolean> {
  try {
    return (await store.head(storeKey.object(lease.id, name))).exists;
  } catch (error) {
    logError('a store that cannot be asked clears a node', { lease: lease.id, error });
    return true;
  }
}
