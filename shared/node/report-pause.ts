/**
 * How long a node waits before it says again what its builds are at. In a small farm whoever looks on sees each step within seconds; a
 * thousand nodes that told it as often would be a fifth of what the one Foreman can answer, for steps of which a client asks for few.
 */

/** Of a lease: so that it is renewed in time though a report or two be lost. Those renew once a third of it has passed. */
const OF_A_LEASE = 1 / 4;

/** `reporting`: nodes that are at something. Milliseconds. */
export const reportPauseMs = (reporting: number, reportsPerMinute: number, leaseMs: number): number =>
  Math.floor(Math.min((reporting * 60_000) / reportsPerMinute, leaseMs * OF_A_LEASE));
