/**
 * What time alone brings about: leases end, builds that nobody asks for leave the queue, what is old is forgotten. One that cannot be
 * dealt with holds up none of the others, nor the alarm; it is due still, and tried again.
 */
import type { FailureRecord } from '../../shared/build/build-record.ts';
import { HISTORY_MS } from '../lifetimes.ts';
import { logError, stackOf } from '../log.ts';
import { abandonedMs } from './due-times.ts';
import type { ForemanState } from './foreman-state.ts';
import { endExpired } from './leases/bring-orders.ts';
import { ABANDONED, cancelBuild } from './queue/cancel-build.ts';
import { decideShelved } from './trust/decide-shelved.ts';

const FORGET_AT_ONCE = 200;
const FORGET_NAMES_AT_ONCE = 1_000;
const CANCEL_AT_ONCE = 200;

/** `onFree`: this node has room for more. Returned are failures that are to be told near the routers. */
export function endWhatIsOver(state: ForemanState, onFree: (nodeId: string) => void, now: number): FailureRecord[] {
  const { leases, queue } = state;
  const failures: FailureRecord[] = [];
  unlessItFails('ending leases', () => {
    for (const lease of leases.expired(now))
      unlessItFails('ending a lease', () => {
        endExpired(state, lease, now);
        onFree(lease.nodeId);
      });
  });
  unlessItFails('cancelling builds that nobody asks for', () => {
    for (const build of queue.polls.noneSince(now - abandonedMs(state), CANCEL_AT_ONCE))
      unlessItFails('cancelling a build', () => cancelBuild(state, build, ABANDONED, now));
  });
  unlessItFails('deciding what is shelved', () => failures.push(...decideShelved(state, now)));
  return failures;
}

export function forgetWhatIsOld({ queue, names, statistics }: ForemanState, now: number): void {
  unlessItFails('forgetting builds', () => queue.ended.forget(now - HISTORY_MS, FORGET_AT_ONCE));
  unlessItFails('forgetting names', () => names.forget(now - HISTORY_MS, FORGET_NAMES_AT_ONCE));
  unlessItFails('forgetting counts', () => statistics.forget(now));
  unlessItFails('forgetting turns', () => queue.turns.forgetPassed(FORGET_AT_ONCE));
}

function unlessItFails(what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    logError(`${what} failed and is tried again`, { error: stackOf(error) });
  }
}
