/**
 * The statistics as firmware pages draw them: labels, and a row of numbers for each line of the chart, zeros filled in. Shapes,
 * names and colours are those of the peer's API (openwrt/asu, routers/stats.py), which the pages know.
 */
import type { Chart, TopPackages } from '../../shared/api/statistics-answers.ts';
import type { Outcome } from './counted.ts';
import { DAYS, type DayCount, type NamedCount, type StatisticsAnswers, WEEKS } from './questions.ts';

const DAY_MS = 24 * 3_600_000;

/** `2026-11-24Z` */
const dayLabel = (day: number): string => `${new Date(day * DAY_MS).toISOString().slice(0, 10)}Z`;

/** The first days of `buckets` spans of days, of which the last ends with today. */
function spans(today: number, buckets: number, days: number): number[] {
  const start = today + 1 - buckets * days;
  return Array.from({ length: buckets }, (_, bucket) => start + bucket * days);
}

function sums(counts: readonly DayCount[], starts: readonly number[], days: number): number[] {
  const data = new Array<number>(starts.length).fill(0);
  for (const { day, n } of counts) {
    const bucket = Math.floor((day - (starts[0] ?? 0)) / days);
    if (bucket >= 0 && bucket < data.length) data[bucket] = (data[bucket] ?? 0) + n;
  }
  return data;
}

/** What counts as a request: every one that was answered about an image, be it with a failure. */
const REQUESTS: readonly Outcome[] = [
  'hit_memory',
  'hit_kv',
  'hit_store',
  'known_failure',
  'joined',
  'new',
  'failed_early',
];
const HITS: readonly Outcome[] = ['hit_memory', 'hit_kv', 'hit_store'];

export function daysChart({ outcomes, builds }: StatisticsAnswers['days'], today: number): Chart {
  const starts = spans(today, DAYS, 1);
  const line = (label: string, color: string, counts: readonly DayCount[], names: readonly string[]) => ({
    label,
    data: sums(
      counts.filter(({ name }) => names.includes(name)),
      starts,
      1,
    ),
    color,
  });
  return {
    labels: starts.map(dayLabel),
    datasets: [
      line('Requests', 'green', outcomes, REQUESTS),
      line('Cache-Hits', 'orange', outcomes, HITS),
      line('Failures', 'red', builds, ['failed']),
    ],
  };
}

/** A line for each branch, or for each version of one branch. */
export function versionsChart(counts: StatisticsAnswers['versions'], branch: string | null, today: number): Chart {
  const starts = spans(today, WEEKS, 7);
  const lines = new Map<string, DayCount[]>();
  for (const one of counts) {
    if (one.branch === '' || (branch !== null && one.branch !== branch)) continue;
    const label = branch === null ? one.branch : one.name;
    lines.set(label, [...(lines.get(label) ?? []), one]);
  }
  return {
    labels: starts.map(dayLabel),
    datasets: [...lines]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([label, of]) => ({ label, data: sums(of, starts, 7) })),
  };
}

export const topPackages = (counts: readonly NamedCount[], branch: string | null, n: number): TopPackages => ({
  packages: counts.slice(0, n).map((one) => ({ name: one.name, count: one.n })),
  branch,
  days: DAYS,
});
