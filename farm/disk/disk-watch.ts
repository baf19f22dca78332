/**
 * Asked before each lease: is there room for a build? A node that takes work with a full disk fails it within moments, is
 * free at once, and takes the next: one such machine could fail a whole queue.
 */
import { GIB } from '../../shared/text/byte-size.ts';
import type { DiskBudget } from './disk-budget.ts';

/** A workspace at its height (x86: raw images of 120 MB, their root file systems and what they are packed into) and a bit. */
export const BUILD_BYTES = GIB;

export class DiskWatch {
  readonly #budget: DiskBudget;
  readonly #buildBytes: number;

  constructor(budget: DiskBudget, options: { readonly buildBytes?: number } = {}) {
    this.#budget = budget;
    this.#buildBytes = options.buildBytes ?? BUILD_BYTES;
  }

  /** Null where a build has room, or could be made room for; else a sentence for the node's log and its report. */
  async isFull(): Promise<string | null> {
    if (await this.#budget.makeRoom(this.#buildBytes)) return null;
    const { usedBytes, budgetBytes, freeBytes, reserveBytes, neededBytes } = await this.#budget.space();
    return [
      `a build needs ${gib(this.#buildBytes)} of disk, and nothing is left that could make room:`,
      `${gib(freeBytes)} are free and ${gib(reserveBytes)} must stay so,`,
      `${gib(usedBytes)} of ${gib(budgetBytes)} are used`,
      `and ${gib(neededBytes)} promised to what runs`,
    ].join(' ');
  }
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
