/**
 * When there is something to do that nobody will ask for: all that waits for time, in one list for the one alarm. What is missing
 * here is forgotten as soon as the Foreman is evicted: a lease that never ends, a result that is never published.
 */
import { REFUSED_MS } from './bucket-hold.ts';
import type { ForemanState } from './foreman-state.ts';
import { areOrphaned } from './nodes/orphaned.ts';
import { nextRecall } from './publishing/recall.ts';
import { isShelfDue } from './trust/shelf.ts';
import { isWithdrawalDue } from './trust/withdraw.ts';

/** What is overdue was tried and failed: it is not tried again at once. */
export const RETRY_MS = 3_000;
const CHECKS_GRAIN_MS = 60_000;

/** Null for what does not wait. Milliseconds since 1970. */
export function dueTimes(state: ForemanState, now: number): readonly (number | null)[] {
  // Where the bucket is another's, nothing of this can be done before that is known to be otherwise.
  const soon = now + (state.hold.refusal === null ? RETRY_MS : REFUSED_MS);
  const leaseEndsAt = state.leases.nextExpiry();
  const expiry = state.queue.ended.nextExpiry();
  const unpolled = state.queue.polls.earliest();
  const checksDueAt = state.checks.nextDueAt();
  const keptDueAt = state.kept.nextDueAt();
  const recall = nextRecall(state);
  const lookAt = state.prebuilds.nextLookAt(now);
  const garbage = [
    state.images.nextDueAt(),
    state.images.nextToRemove(state.config.IMAGES_BUDGET),
    state.leases.nextFilesDueAt(),
  ].filter((at) => at !== null);
  return [
    leaseEndsAt === null || leaseEndsAt > now ? leaseEndsAt : soon,
    state.queue.nextPostponed(now),
    unpolled === null ? null : Math.max(unpolled + abandonedMs(state) + 1, soon),
    expiry === null ? null : Math.max(expiry, soon),
    state.queue.isPublishing() || state.log.isBehind() ? soon : null,
    isWithdrawalDue(state) || isShelfDue(state, now) ? soon : null,
    areOrphaned(state) ? soon : null,
    recall === null ? null : Math.max(recall, soon),
    state.checks.settling() ? soon : null,
    keptDueAt === null ? null : Math.max(keptDueAt, soon),
    state.kept.hasEnded() ? soon : null,
    checksDueAt === null ? null : Math.max(checksDueAt, now + CHECKS_GRAIN_MS),
    lookAt === null ? null : Math.max(lookAt, soon),
    garbage.length === 0 ? null : Math.max(Math.min(...garbage), soon),
  ];
}

/** So long after the last client asked for it a build is nobody's. */
export const abandonedMs = ({ config }: Pick<ForemanState, 'config'>): number => config.ABANDONED_MINUTES * 60_000;
