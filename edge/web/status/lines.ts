/** What a chart draws: few enough lines to be told apart, and the sums that a sentence or a legend says of them. */
import type { Chart } from '../../../shared/api/statistics-answers.ts';

export interface Line {
  readonly label: string;
  /** One for each of the chart's labels. */
  readonly values: readonly number[];
}

/** More cannot be told apart by colour and stroke. */
export const MAX_LINES = 5;

export const total = ({ values }: Pick<Line, 'values'>): number => values.reduce((sum, value) => sum + value, 0);

/** `names`: what a line is called here; without one it keeps the name that it came with. */
export function linesOf({ labels, datasets }: Chart, names: Readonly<Record<string, string>> = {}): readonly Line[] {
  return datasets.map(({ label, data }) => ({
    label: Object.hasOwn(names, label) ? (names[label] ?? label) : label,
    values: labels.map((_, at) => data[at] ?? 0),
  }));
}

/** The largest by what they sum up to, in that order; all others together as one more. */
export function largest(lines: readonly Line[], others: string): readonly Line[] {
  const sorted = lines.filter((line) => total(line) > 0).toSorted((a, b) => total(b) - total(a));
  if (sorted.length <= MAX_LINES) return sorted;
  const [kept, rest] = [sorted.slice(0, MAX_LINES - 1), sorted.slice(MAX_LINES - 1)];
  const values = (rest[0]?.values ?? []).map((_, at) => rest.reduce((sum, line) => sum + (line.values[at] ?? 0), 0));
  return [...kept, { label: others, values }];
}

/** By the label that it came with: a chart's sum of all its days. */
export const totalOf = ({ datasets }: Chart, label: string): number =>
  total({ values: datasets.find((set) => set.label === label)?.data ?? [] });
