/**
 * A volunteer contradicts what other volunteers have published: either it lies, or they do, or the target differs with every build.
 * Until a trusted node has built the same nothing follows from it, or one liar could close each target to volunteers by a word; so
 * that is asked for at once, and settle-by-trusted.ts hears what came of it.
 */
import type { ForemanState } from '../foreman-state.ts';

/** Once: of who contradicts a second time nothing more is learnt. */
export function haveRebuilt(state: ForemanState, requestHash: string, now: number): void {
  const known = state.knownImages.of(requestHash);
  if (known && !state.checks.isRebuilt(requestHash)) state.checks.add('rebuild', known, now);
}
