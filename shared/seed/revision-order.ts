/**
 * Revisions of upstream, `r7258-5eb055306f`: how many changes there were. A branch gets fewer of them than main does, so of two
 * equal numbers that of a branch is the later day; what has the higher number is never the older system.
 */

/** Null for what is no revision of upstream. */
export function revisionNumber(revision: string): number | null {
  const digits = /^r(\d{1,9})(?:\+\d{1,9})?(?:-|$)/.exec(revision)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** False where it cannot be told: who does not know what a router runs offers it nothing. */
export function isNewerRevision(revision: string, than: string): boolean {
  const [one, other] = [revisionNumber(revision), revisionNumber(than)];
  return one !== null && other !== null && one > other;
}
