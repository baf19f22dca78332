/** How long a client will wait: honest enough to be shown, cheap enough to be computed at each poll. */

/** Seconds until done. `typicalMs`: median of recent builds; `slots`: builds that run at once, over all nodes seen lately. */
export function estimateSeconds(position: number, slots: number, typicalMs: number, elapsedMs = 0): number {
  const rounds = Math.ceil((position + 1) / Math.max(1, slots));
  return Math.max(1, Math.round((rounds * typicalMs - elapsedMs) / 1000));
}
