/**
 * The rules of leases, purely. A lease is a promise with an end: it is renewed by reports, and time during which the
 * Foreman itself was away does not count against the node.
 */

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

/** A volunteer that had a build gets it again at the earliest after this time, or the two would go to and fro. */
export const AGAIN_MS = 60_000;

/** Somebody had this build, and did not deliver. */
export interface Try {
  /** A trusted node, or an operator of volunteers: else a build would go from one machine of a saboteur to the next. */
  readonly by: string;
  /** When it was given it. */
  readonly at: number;
}

/**
 * May this one take this build? Who had it before is the last choice: only when each one seen lately has had it as well, or
 * when it has waited for the others in vain for as long as they deserve (`isOverdue`): one that is there and never comes must not
 * keep it from being built. `present` is asked only where it matters, and no further than that.
 */
export function mayTake(
  who: string,
  tries: readonly Pick<Try, 'by'>[],
  present: () => Iterable<string>,
  isOverdue: () => boolean,
): boolean {
  const tried = new Set(tries.map(({ by }) => by));
  if (!tried.has(who) || isOverdue()) return true;
  for (const one of present()) if (!tried.has(one)) return false;
  return true;
}

/** Did it have it just now? */
export const hadJustNow = (who: string, tries: readonly Try[], now: number): boolean =>
  tries.some(({ by, at }) => by === who && now - at < AGAIN_MS);

/** After a lease that ended without an answer about the request. */
export const afterLostLease = (attempts: number, maxAttempts: number): 'requeue' | 'give up' =>
  attempts < maxAttempts ? 'requeue' : 'give up';
