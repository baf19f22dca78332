/** Numbers that are the same on every run: two benches must ask for the same things in the same order. */

/** mulberry32: enough to shuffle packages; nothing here is secret. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Fisher–Yates; a new array. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items];
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [all[last], all[other]] = [all[other] as T, all[last] as T];
  }
  return all;
}

/** Ranks from 0, rank r with a probability in proportion to 1 / (r + 1): Zipf's law with exponent 1. */
export class ZipfRanks {
  /** Of the weights up to each rank. */
  readonly #sums: Float64Array;

  constructor(distinct: number) {
    this.#sums = new Float64Array(distinct);
    for (let rank = 0, total = 0; rank < distinct; rank += 1) {
      total += 1 / (rank + 1);
      this.#sums[rank] = total;
    }
  }

  draw(random: () => number): number {
    const sums = this.#sums;
    const wanted = random() * (sums.at(-1) ?? 0);
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `count` such ranks at once. */
export function zipfRanks(distinct: number, count: number, random: () => number): number[] {
  const ranks = new ZipfRanks(distinct);
  return Array.from({ length: count }, () => ranks.draw(random));
}
