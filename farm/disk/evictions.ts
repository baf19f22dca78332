/** What to remove so that something else fits. Pure, because a wrong answer deletes what somebody is using. */
import type { ShelfEntry } from './shelf.ts';

export interface Space {
  /** On all shelves together. */
  readonly usedBytes: number;
  readonly budgetBytes: number;
  /** On the file system. */
  readonly freeBytes: number;
  /** Of which so many stay free, whatever the budget. */
  readonly reserveBytes: number;
  /** Asked for, now and by others who have not yet written it. */
  readonly neededBytes: number;
}

/** Positive: so much must go. */
export const shortfallOf = (space: Space): number =>
  Math.max(
    space.usedBytes + space.neededBytes - space.budgetBytes,
    space.reserveBytes + space.neededBytes - space.freeBytes,
  );

/** The least recently used that together give `shortfallBytes`; null where all that may go would not: then nothing goes. */
export function evictions<Entry extends ShelfEntry>(
  entries: readonly Entry[],
  shortfallBytes: number,
): readonly Entry[] | null {
  const going: Entry[] = [];
  let missingBytes = shortfallBytes;
  for (const entry of entries
    .filter(({ inUse }) => !inUse)
    .toSorted((one, other) => one.lastUsedMs - other.lastUsedMs)) {
    if (missingBytes <= 0) break;
    going.push(entry);
    missingBytes -= entry.bytes;
  }
  return missingBytes <= 0 ? going : null;
}
