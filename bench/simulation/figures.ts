/** From a simulated day to the figures of the table, and what each of them may be. */

import { idealEnds } from './ideal-farm.ts';
import { FARM } from './parameters.ts';
import type { Day } from './release-day.ts';
import { quantile } from './statistics.ts';

export interface Figures {
  readonly seed: number;
  readonly scale: number;
  readonly minutes: number;
  readonly nodes: number;
  readonly queued: number;
  readonly requests: number;
  /** Of them, answered without the Foreman. */
  readonly hits: number;
  readonly polls: number;
  readonly builds: number;
  readonly images: number;
  /** Builds that ended, beside those that the ideal farm had ended by then; until that one had nothing left to do. */
  readonly throughput: number;
  readonly callsPerSecond: number;
  readonly peakCallsPerSecond: number;
  /** Calls in a second, by name. */
  readonly calls: Readonly<Record<string, number>>;
  /** Null where nobody had a turn often enough. */
  readonly jain: number | null;
  readonly waitSeconds: { readonly p50: number; readonly p99: number };
  readonly grownPositions: number;
  /** |told − real| / real, medians: of what was told first, and of all that was told. Null where none of it came to pass. */
  readonly estimateError: { readonly first: number; readonly all: number } | null;
  readonly triedTooOften: number;
  readonly cancelled: number;
  readonly events: number;
  readonly processorSeconds: number;
}

/**
 * Within minutes the beginning is all there is: each node is cold, and of what was told only that came to pass which was soon.
 */
const LEAST_MINUTES = 60;

export function figuresOf(day: Day): Figures {
  const { options, ledger, meter, clients } = day;
  const builds = [...ledger.builds.values()];
  const seconds = (day.endAt - day.startAt) / 1000;
  const first: number[] = [];
  const all: number[] = [];
  for (const { ending, endedAt, tellings } of builds) {
    if (endedAt === null || ending === 'cancelled') continue;
    for (const [at, telling] of tellings.entries()) {
      const real = (endedAt - telling.at) / 1000;
      const error = Math.abs(telling.seconds - real) / real;
      if (at === 0) first.push(error);
      all.push(error);
    }
  }
  return {
    seed: options.seed,
    scale: options.scale,
    minutes: options.minutes,
    nodes: day.nodes.length,
    queued: day.backlog,
    requests: clients.requests,
    hits: clients.hits,
    polls: clients.polls,
    builds: builds.length,
    images: builds.filter(({ ending }) => ending === 'image').length,
    throughput: throughputOf(day),
    callsPerSecond: meter.total / seconds,
    peakCallsPerSecond: meter.peakPerSecond,
    calls: Object.fromEntries(
      [...meter.byName]
        .map(([name, n]): [string, number] => [name, n / seconds])
        .sort((one, other) => other[1] - one[1]),
    ),
    jain: ledger.fairness,
    waitSeconds: { p50: quantile(clients.waits, 0.5) / 1000, p99: quantile(clients.waits, 0.99) / 1000 },
    grownPositions: ledger.grownPositions,
    estimateError: options.minutes < LEAST_MINUTES ? null : { first: quantile(first, 0.5), all: quantile(all, 0.5) },
    triedTooOften: ledger.triedTooOften,
    cancelled: builds.filter(({ ending }) => ending === 'cancelled').length,
    events: day.events,
    processorSeconds: day.processorSeconds,
  };
}

function throughputOf({ ledger, nodes, queuedAt, endAt }: Day): number {
  const builds = [...ledger.builds.values()].filter(({ ending }) => ending !== 'cancelled');
  const wanted = builds.map(({ acceptedAt, wish }) => ({ at: acceptedAt, workMs: wish.workMs }));
  const ideal = idealEnds(wanted, nodes, FARM.files * FARM.uploadMs);
  // From then on it waits for work, and whoever is slower catches up.
  const backlogEnds = ideal.filter((_, at) => builds[at]?.acceptedAt === queuedAt);
  const until = Math.min(endAt, quantile(backlogEnds, 1));
  const ended = builds.filter(({ endedAt }) => endedAt !== null && endedAt <= until).length;
  return ended / Math.max(1, ideal.filter((end) => end <= until).length);
}

/** From there on a part of the farm calls as much as its share of it. */
const LEAST_SCALE = 0.05;

export interface Limit {
  readonly name: string;
  readonly text: string;
  /** Null: cannot be told of this part. */
  readonly isKept: (figures: Figures) => boolean | null;
}

/** Of the issue, and where it has no number, what a farm that works as it should keeps by far. */
export const LIMITS: readonly Limit[] = [
  {
    name: 'throughput',
    text: 'at least 0.75 of the ideal',
    isKept: ({ throughput, minutes }) => (minutes < LEAST_MINUTES ? null : throughput >= 0.75),
  },
  {
    name: 'calls',
    text: 'at most 500 by the whole farm',
    // Small numbers vary more: of a farm of five nodes the ten seconds with the most calls tell nothing of a large one.
    isKept: ({ peakCallsPerSecond, scale }) => (scale < LEAST_SCALE ? null : peakCallsPerSecond / scale <= 500),
  },
  { name: 'fairness', text: 'at least 0.9', isKept: ({ jain }) => (jain === null ? null : jain >= 0.9) },
  { name: 'positions', text: 'none that grew', isKept: ({ grownPositions }) => grownPositions === 0 },
  {
    name: 'estimates',
    text: 'off by less than 30 %, in the middle',
    isKept: ({ estimateError }) => (estimateError === null ? null : estimateError.all < 0.3),
  },
  { name: 'attempts', text: 'none beyond its three', isKept: ({ triedTooOften }) => triedTooOften === 0 },
  { name: 'time', text: 'under two minutes', isKept: ({ processorSeconds }) => processorSeconds < 120 },
];
