/**
 * The end of a node's lease of a build, whatever came of it. The time of what nobody has asked for is counted here: of each vote, and of
 * each try that was lost or given back.
 */
import { isPrebuild } from '../../../shared/queue/turn.ts';
import type { ForemanState } from '../foreman-state.ts';

export function endLease(
  { leases, queue, statistics }: Pick<ForemanState, 'leases' | 'queue' | 'statistics'>,
  id: string,
  reason: string,
  now: number,
): void {
  const ended = leases.end(id, reason);
  // A check's is none of the build.
  const build = ended?.checkId === null ? queue.byHash(ended.requestHash) : undefined;
  if (ended && build && isPrebuild(build)) statistics.prebuildTime(now - ended.grantedAt, now);
}
