/** `GET /metrics` of the edge: what Foreman and statistics count, as Prometheus reads it. */
import { type MetricFamily, prometheusText, type Sample } from '../../shared/metrics/prometheus-text.ts';
import type { ForemanStats } from '../foreman/foreman-answers.ts';
import { DAYS, type NamedCount, type StatisticsAnswers } from './questions.ts';

const MAX_CLIENTS = 20;

export interface Measured {
  readonly stats: ForemanStats;
  readonly totals: StatisticsAnswers['totals'];
  readonly clients: StatisticsAnswers['clients'];
  /** Since upstream last said which versions it has; null where that is not known at all. */
  readonly upstreamAgeSeconds: number | null;
  readonly limits: {
    /** Builds that may wait. */
    readonly queue: number;
    /** Of a day, for builds that nobody asked for. */
    readonly prebuildSeconds: number;
  };
}

export function metricsText({ stats, totals, clients, upstreamAgeSeconds, limits }: Measured): string {
  const calls = Object.entries(stats.calls).map(([name, n]) => ({ name, n }));
  const unfinished = [
    { name: 'waiting', n: stats.waiting },
    { name: 'live', n: stats.live },
    { name: 'running', n: stats.activeLeases },
    { name: 'prebuilds_waiting', n: stats.prebuildsWaiting },
  ];
  const { kept, leaving, removed, budgetBytes } = stats.images;
  const stored = [
    { name: 'kept', n: kept.n },
    { name: 'leaving', n: leaving.n },
  ];
  const storedBytes = [
    { name: 'kept', n: kept.bytes },
    { name: 'leaving', n: leaving.bytes },
  ];
  return prometheusText([
    counter('foreman_calls_total', 'Calls to the Foreman since it woke, by name.', samplesOf('call', calls)),
    gauge(
      'builds',
      'Unfinished builds; `live` and `waiting` are those that somebody asked for.',
      samplesOf('state', unfinished),
    ),
    gauge('queue_wait_seconds', 'How long the first in the queue has waited.', one(stats.longestWaitMs / 1000)),
    gauge('queue_limit', 'Builds that may wait; more are refused.', one(limits.queue)),
    gauge('nodes_present', 'Nodes heard of within a minute.', one(stats.nodesPresent)),
    {
      type: 'histogram',
      name: 'asu_build_phase_seconds',
      help: 'Duration of the phases of builds since the Foreman woke.',
      samples: stats.phases,
    },
    gauge(
      'images',
      'Published images in the store; those that leave are told to nobody any more.',
      samplesOf('state', stored),
    ),
    gauge('image_bytes', 'What they take.', samplesOf('state', storedBytes)),
    gauge('image_budget_bytes', 'What those that are kept may take (IMAGES_BUDGET); 0: no limit.', one(budgetBytes)),
    counter('images_removed_total', 'Images of which nothing is left but who made them.', one(removed.n)),
    counter('image_bytes_freed_total', 'What these took.', one(removed.bytes)),
    ...(upstreamAgeSeconds === null
      ? []
      : [
          gauge('upstream_age_seconds', 'Since upstream last answered which versions it has.', one(upstreamAgeSeconds)),
        ]),
    counter('requests_total', 'POSTs, by what became of them.', samplesOf('outcome', totals.outcomes)),
    counter('finished_builds_total', 'Builds that ended, by how.', samplesOf('result', totals.builds)),
    counter('failed_builds_total', 'Builds that failed, by kind.', samplesOf('kind', totals.failures)),
    counter('published_bytes_total', 'Bytes of images that were published.', one(totals.publishedBytes)),
    counter(
      'prebuilds_total',
      'Builds that nobody had asked for, by what became of them.',
      samplesOf('fate', totals.prebuilds),
    ),
    counter('prebuild_seconds_total', 'How long nodes had them, whatever came of it.', one(totals.prebuildSeconds)),
    gauge('prebuild_budget_seconds', 'What they may spend on them in a day.', one(limits.prebuildSeconds)),
    gauge(
      'client_requests',
      `Answered POSTs of the last ${DAYS} days, by what the client calls itself.`,
      samplesOf('client', clients.slice(0, MAX_CLIENTS)),
    ),
  ]);
}

const family =
  (type: 'counter' | 'gauge') =>
  (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({
    type,
    name: `asu_${name}`,
    help,
    samples,
  });
const counter = family('counter');
const gauge = family('gauge');

const one = (value: number): Sample[] => [{ value }];

const samplesOf = (label: string, counts: readonly NamedCount[]): Sample[] =>
  counts.map(({ name, n }) => ({ labels: { [label]: name }, value: n }));
