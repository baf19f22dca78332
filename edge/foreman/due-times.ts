/**
 * When there is something to do that nobody will ask for: all that waits for time, in one list for the one alarm. What is missing
 * here is forgotten as soon as the Foreman is evicted: a lease that never ends, a result that is never published.
 */
import type { ForemanState } from './foreman-state.ts';
import { nextRecall } from './recall.ts';
import { isShelfDue } from './shelf.ts';
import { isWithdrawalDue } from './withdraw.ts';

/** What is overdue was tried and failed: it is not tried again at once. */
export const RETRY_MS = 3_000;
const CHECKS_GRAIN_MS = 60_000;

/** Null for what does not wait. Milliseconds since 1970. */
export function dueTimes(state: ForemanState, now: number): readonly (number | null)[] {
  const expiry = state.queue.nextExpiry();
  const unpolled = state.queue.polls.earliest();
  const checksDueAt = state.checks.nextDueAt();
  const recall = nextRecall(state);
  const garbage = [
    state.images.nextDueAt(),
    state.images.nextToRemove(state.config.IMAGES_BUDGET),
    state.leases.nextFilesDueAt(),
  ].filter((at) => at !== null);
  return [
    state.leases.nextExpiry(),
    state.queue.nextPostponed(now),
    unpolled === null ? null : Math.max(unpolled + abandonedMs(state) + 1, now + RETRY_MS),
    expiry === null ? null : Math.max(expiry, now + RETRY_MS),
    state.queue.isPublishing() || state.log.isBehind() ? now + RETRY_MS : null,
    isWithdrawalDue(state) || isShelfDue(state, now) ? now + RETRY_MS : null,
    recall === null ? null : Math.max(recall, now + RETRY_MS),
    state.checks.settling() ? now + RETRY_MS : null,
    checksDueAt === null ? null : Math.max(checksDueAt, now + CHECKS_GRAIN_MS),
    garbage.length === 0 ? null : Math.max(Math.min(...garbage), now + RETRY_MS),
  ];
}

/** So long after the last client asked for it a build is nobody's. */
export const abandonedMs = ({ config }: Pick<ForemanState, 'config'>): number => config.ABANDONED_MINUTES * 60_000;
