/**
 * How long a client will wait: honest enough to be shown, cheap enough to be computed at each poll. Slots of a farm that is busy
 * come free one after the other, not all at once; so a build starts when as many have ended as stand before it, and by then
 * others have come whose turn is sooner. But a rush is over after a while: were it taken to last, whoever waits far back in a long queue
 * would be told hours, and more with each node that is away for a minute.
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

/** After so long those who come before it are taken to be e times fewer than now. */
const RUSH_MS = 30 * 60_000;
/** Newton's steps; at worst each halves what is left of the half hour. */
const STEPS = 20;

/** Seconds until a build is done that waits. `newcomers`: how many come in a millisecond whose turn is before its own. */
export function estimateSeconds(
  ahead: number,
  { slots, free, typicalMs, meanMs }: FarmPace,
  newcomers: number,
): number {
  const eachMs = meanMs / Math.max(1, slots);
  const ends = Math.max(0, ahead + 1 - free);
  return wholeSeconds(overtakenMs(ends * eachMs, Math.min(1, newcomers * eachMs)) + typicalMs);
}

/**
 * How long it is until as much is done as stands before it and comes meanwhile. `workMs`: the first. `share`: of what is done now so
 * much is of those who come.
 */
function overtakenMs(workMs: number, share: number): number {
  if (share === 0 || workMs === 0) return workMs;
  // Of what comes in t there is share · RUSH_MS · (1 − e^(−t / RUSH_MS)). From above, so that each step is nearer.
  let ms = workMs + share * RUSH_MS;
  for (let step = 0; step < STEPS; step += 1) {
    const fading = share * Math.exp(-ms / RUSH_MS);
    ms -= (ms - workMs - share * RUSH_MS + fading * RUSH_MS) / (1 - fading);
  }
  return ms;
}

/** Seconds until a build is done that runs. */
export const remainingSeconds = ({ typicalMs }: Pick<FarmPace, 'typicalMs'>, elapsedMs: number): number =>
  wholeSeconds(typicalMs - elapsedMs);

const wholeSeconds = (ms: number): number => Math.max(1, Math.round(ms / 1000));
