/**
 * How long a client will wait: honest enough to be shown, cheap enough to be computed at each poll. Slots of a farm that is busy
 * come free one after the other, not all at once; so a build starts when as many have ended as stand before it, and by then
 * others have come whose turn is sooner.
 */
export interface FarmPace {
  /** Builds that run at once, over all nodes seen lately that may take this one. */
  readonly slots: number;
  /** Of these, those that run none. */
  readonly free: number;
  /** Median of recent builds: what this one will take. */
  readonly typicalMs: number;
  /** Their mean: what the slots do with those before it. */
  readonly meanMs: number;
}

/** A queue that hardly moves for those far back moves all the same, when fewer come. */
const MOST_OVERTAKEN = 0.8;

/** Seconds until a build is done that waits. `overtaken`: which share of what starts is of those who came later, 0 to 1. */
export function estimateSeconds(
  ahead: number,
  { slots, free, typicalMs, meanMs }: FarmPace,
  overtaken: number,
): number {
  const ends = Math.max(0, ahead + 1 - free);
  const waitMs = (ends * meanMs) / Math.max(1, slots) / (1 - Math.min(overtaken, MOST_OVERTAKEN));
  return wholeSeconds(waitMs + typicalMs);
}

/** Seconds until a build is done that runs. */
export const remainingSeconds = ({ typicalMs }: Pick<FarmPace, 'typicalMs'>, elapsedMs: number): number =>
  wholeSeconds(typicalMs - elapsedMs);

const wholeSeconds = (ms: number): number => Math.max(1, Math.round(ms / 1000));
