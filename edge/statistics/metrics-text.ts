/** `GET /metrics` of the edge: what Foreman and statistics count, as Prometheus reads it. */
import { prometheusText, type Sample } from '../../shared/prometheus-text.ts';
import type { ForemanStats } from '../foreman/foreman-answers.ts';
import { DAYS, type NamedCount, type StatisticsAnswers } from './questions.ts';

const MAX_CLIENTS = 20;

export function metricsText(
  stats: ForemanStats,
  totals: StatisticsAnswers['totals'],
  clients: StatisticsAnswers['clients'],
): string {
  const calls = Object.entries(stats.calls).map(([name, n]) => ({ name, n }));
  const unfinished = [
    { name: 'waiting', n: stats.waiting },
    { name: 'live', n: stats.live },
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
    {
      type: 'counter',
      name: 'asu_foreman_calls_total',
      help: 'Calls to the Foreman since it woke, by name.',
      samples: samplesOf('call', calls),
    },
    { type: 'gauge', name: 'asu_builds', help: 'Unfinished builds.', samples: samplesOf('state', unfinished) },
    {
      type: 'gauge',
      name: 'asu_nodes_present',
      help: 'Nodes heard of within a minute.',
      samples: [{ value: stats.nodesPresent }],
    },
    {
      type: 'gauge',
      name: 'asu_images',
      help: 'Published images in the store; those that leave are told to nobody any more.',
      samples: samplesOf('state', stored),
    },
    { type: 'gauge', name: 'asu_image_bytes', help: 'What they take.', samples: samplesOf('state', storedBytes) },
    {
      type: 'gauge',
      name: 'asu_image_budget_bytes',
      help: 'What those that are kept may take (IMAGES_BUDGET); 0: no limit.',
      samples: [{ value: budgetBytes }],
    },
    {
      type: 'counter',
      name: 'asu_images_removed_total',
      help: 'Images of which nothing is left but who made them.',
      samples: [{ value: removed.n }],
    },
    {
      type: 'counter',
      name: 'asu_image_bytes_freed_total',
      help: 'What these took.',
      samples: [{ value: removed.bytes }],
    },
    {
      type: 'counter',
      name: 'asu_requests_total',
      help: 'POSTs, by what became of them.',
      samples: samplesOf('outcome', totals.outcomes),
    },
    {
      type: 'counter',
      name: 'asu_finished_builds_total',
      help: 'Builds that ended, by how.',
      samples: samplesOf('result', totals.builds),
    },
    {
      type: 'gauge',
      name: 'asu_client_requests',
      help: `Answered POSTs of the last ${DAYS} days, by what the client calls itself.`,
      samples: samplesOf('client', clients.slice(0, MAX_CLIENTS)),
    },
  ]);
}

const samplesOf = (label: string, counts: readonly NamedCount[]): Sample[] =>
  counts.map(({ name, n }) => ({ labels: { [label]: name }, value: n }));
