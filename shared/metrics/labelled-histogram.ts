/** Counts of durations by bucket, one row for each label value, as Prometheus' histograms are made. */
import type { Sample } from './prometheus-text.ts';

interface Row {
  readonly counts: number[];
  sum: number;
  count: number;
}

export class LabelledHistogram {
  readonly #label: string;
  readonly #bounds: readonly number[];
  readonly #rows = new Map<string, Row>();

  /** @param bounds upper ends of the buckets, ascending; one without end follows by itself */
  constructor(label: string, bounds: readonly number[]) {
    this.#label = label;
    this.#bounds = bounds;
  }

  observe(labelValue: string, value: number): void {
    const row = this.#rows.get(labelValue) ?? { counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
    this.#rows.set(labelValue, row);
    // Each bucket holds all that is at most its bound, the smaller ones included.
    for (const [index, bound] of this.#bounds.entries())
      if (value <= bound) row.counts[index] = (row.counts[index] ?? 0) + 1;
    row.sum += value;
    row.count += 1;
  }

  samples(): Sample[] {
    return [...this.#rows].flatMap(([value, row]) => {
      const labels = { [this.#label]: value };
      return [
        ...this.#bounds.map((bound, index) => ({
          suffix: '_bucket',
          labels: { ...labels, le: String(bound) },
          value: row.counts[index] ?? 0,
        })),
        { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: row.count },
        { suffix: '_sum', labels, value: row.sum },
        { suffix: '_count', labels, value: row.count },
      ];
    });
  }
}
