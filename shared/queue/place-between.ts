/** A place in a list of which only the ends were counted. */
export interface End {
  /** How many were counted there. */
  readonly n: number;
  /** Where the last of them stands, on a scale on which the others are about evenly spread. */
  readonly at: number;
}

/** How many of `others` stand before what is at `at`: as far between the ends as it stands there. */
export function placeBetween(others: number, front: End, back: End, at: number): number {
  const most = Math.max(front.n, others - back.n);
  const share = back.at > front.at ? Math.min(1, Math.max(0, (at - front.at) / (back.at - front.at))) : 1;
  return Math.min(others, Math.round(front.n + (most - front.n) * share));
}
