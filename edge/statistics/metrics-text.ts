/** `GET /metrics` in Prometheus' text format, version 0.0.4. */
import type { ForemanStats } from '../foreman/foreman.ts';
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
  return [
    ...metric('counter', 'asu_foreman_calls_total', 'Calls to the Foreman since it woke, by name.', 'call', calls),
    ...metric('gauge', 'asu_builds', 'Unfinished builds.', 'state', unfinished),
    '# HELP asu_nodes_present Nodes heard of within a minute.',
    '# TYPE asu_nodes_present gauge',
    `asu_nodes_present ${stats.nodesPresent}`,
    ...metric('counter', 'asu_requests_total', 'POSTs, by what became of them.', 'outcome', totals.outcomes),
    ...metric('counter', 'asu_finished_builds_total', 'Builds that ended, by how.', 'result', totals.builds),
    ...metric(
      'gauge',
      'asu_client_requests',
      `Answered POSTs of the last ${DAYS} days, by what the client calls itself.`,
      'client',
      clients.slice(0, MAX_CLIENTS),
    ),
    '',
  ].join('\n');
}

const metric = (
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  label: string,
  values: readonly NamedCount[],
): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...values.map((value) => `${name}{${label}="${value.name}"} ${value.n}`),
];
