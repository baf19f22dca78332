/**
 * Which images go when there are too many of them? Those that nobody asked for longest. Never one that was served or published a moment
 * ago, however small the budget is: who was told of it is about to fetch it, and what was just built would be built again at once.
 */

/** What was served within this time stays. Twice as long as it takes until it is noted that an image was served. */
export const GRACE_MS = 2 * 3_600_000;
/** So exactly it is noted when an image was served: a write for each hit would be for nothing. */
export const SERVED_GRAIN_MS = GRACE_MS / 2;

export interface KeptImage {
  readonly requestHash: string;
  readonly bytes: number;
  /** Or published, if nobody asked for it since. Milliseconds since 1970. */
  readonly servedAt: number;
}

/**
 * As many as it takes, no more. `images`: some of those that may be removed, those served least lately first; `keptBytes`: of all.
 * `budgetBytes` 0: there is no limit.
 */
export function imagesToRemove<Image extends KeptImage>(
  images: readonly Image[],
  keptBytes: number,
  budgetBytes: number,
  now: number,
): Image[] {
  if (budgetBytes === 0) return [];
  const removed: Image[] = [];
  let over = keptBytes - budgetBytes;
  for (const image of images) {
    if (over <= 0 || image.servedAt > now - GRACE_MS) break;
    removed.push(image);
    over -= image.bytes;
  }
  return removed;
}
