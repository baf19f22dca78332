/**
 * The rules of leases, purely. A lease is a promise with an end: it is renewed by reports, and time during which the
 * Foreman itself was away does not count against the node.
 */
export interface Attempt {
  readonly nodeId: string;
}

/** When the lease ends if nothing more is heard. Milliseconds since 1970. */
export const leaseExpiry = (now: number, leaseMs: number): number => now + leaseMs;

/** A report renews only once a third of the lease has passed: a row written for every report of every node would be the load. */
export const needsRenewal = (expiresAt: number, now: number, leaseMs: number): boolean =>
  expiresAt - now < (leaseMs * 2) / 3;

/**
 * How long the Foreman was away: its alarm was due at `alarmDueAt` and it is `now`. A platform's alarm is late by
 * moments; only more than that is absence.
 */
export function absence(alarmDueAt: number | null, now: number, toleranceMs = 3000): number {
  if (alarmDueAt === null) return 0;
  const late = now - alarmDueAt;
  return late > toleranceMs ? late : 0;
}

/**
 * May this node take this build? A node that failed it before is the last choice: only where no other node was seen lately.
 */
export const mayTake = (nodeId: string, earlier: readonly Attempt[], otherNodesPresent: boolean): boolean =>
  !otherNodesPresent || earlier.every((attempt) => attempt.nodeId !== nodeId);

/** After a lease that ended without an answer about the request. */
export const afterLostLease = (attempts: number, maxAttempts: number): 'requeue' | 'give up' =>
  attempts < maxAttempts ? 'requeue' : 'give up';
