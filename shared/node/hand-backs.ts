/**
 * When does a node give back too much? That is free, as it must be: a machine that is switched off must not be blamed for it. But one
 * that takes builds and gives them back for ever keeps them from those who would build them, and nothing else would ever stop it.
 */
export interface HandBacks {
  /** Occasions in this hour, without a build that it brought to an end. */
  readonly n: number;
  /** When the hour began, and when something was given back last; milliseconds since 1970. */
  readonly since: number;
  readonly lastAt: number;
}

export const NO_HAND_BACKS: HandBacks = { n: 0, since: 0, lastAt: 0 };

const HOUR_MS = 3_600_000;
/** A service that somebody restarts again and again while setting it up is no saboteur. */
export const MOST_HAND_BACKS = 20;

/** One more. What it had at the time of the last one was given back for the same cause: a node that stops returns all it has. */
export function withHandBack(known: HandBacks, grantedAt: number, now: number): HandBacks {
  if (grantedAt < known.lastAt) return known;
  const isNewHour = now - known.since >= HOUR_MS;
  return isNewHour ? { n: 1, since: now, lastAt: now } : { ...known, n: known.n + 1, lastAt: now };
}

export const areTooManyHandBacks = ({ n }: HandBacks): boolean => n > MOST_HAND_BACKS;

/** What its operator reads. */
export const toldHandBacks = ({ n }: HandBacks): string =>
  `it gave builds back ${n} times within an hour and brought none to an end`;
