/**
 * The rules of leases, purely. A lease is a promise with an end: it is renewed by reports, and time during which the
 * Foreman itself was away does not count against the node.
 */
export interface Attempt {
  readonly nodeId: string;
}

/**
 * When the lease ends if nothing more is heard. Milliseconds since 1970. Reports renew it up to `latestAt` only: a node that
 * talks for ever and never ends must not hold a build for ever.
 */
export const leaseExpiry = (now: number, leaseMs: number, latestAt: number): number =>
  Math.min(now + leaseMs, latestAt);

/** A report renews only once a third of the lease has passed, so that the alarm does not follow every report. */
export const needsRenewal = (expiresAt: number, now: number, leaseMs: number): boolean =>
  expiresAt - now < (leaseMs * 2) / 3;

/**
 * Was the Foreman away? Its alarm was due at `alarmDueAt` and it wakes at `now`; a platform's alarm is late by moments. An
 * absence that ended before the alarm was due cannot be told from none: the worst of it is a build done twice.
 */
export const wasAway = (alarmDueAt: number | null, now: number, toleranceMs = 1000): boolean =>
  alarmDueAt !== null && now - alarmDueAt > toleranceMs;

/**
 * May this node take this build? One that failed it before is the last choice: only when each node seen lately has failed
 * it as well. `presentNodeIds` is asked only where it matters.
 */
export function mayTake(nodeId: string, earlier: readonly Attempt[], presentNodeIds: () => readonly string[]): boolean {
  const tried = new Set(earlier.map((attempt) => attempt.nodeId));
  return !tried.has(nodeId) || presentNodeIds().every((id) => tried.has(id));
}

/** After a lease that ended without an answer about the request. */
export const afterLostLease = (attempts: number, maxAttempts: number): 'requeue' | 'give up' =>
  attempts < maxAttempts ? 'requeue' : 'give up';
