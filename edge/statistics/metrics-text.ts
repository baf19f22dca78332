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
