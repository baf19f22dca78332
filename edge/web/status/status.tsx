/** How the farm does: what works, how long one waits, what is asked for, and who builds it. */
import './status.css';
import type { VNode } from 'preact';
import type { SeedPopularTargets } from '../../../shared/api/seed-data-answers.ts';
import type { Chart } from '../../../shared/api/statistics-answers.ts';
import { duration, number } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { Failures } from './failures.tsx';
import { Figures } from './figures.tsx';
import { HealthBanner } from './health.tsx';
import { LineChart } from './line-chart.tsx';
import { largest, linesOf, total, totalOf } from './lines.ts';
import type { Column } from './long-table.tsx';
import { Nodes } from './nodes.tsx';
import {
  BY_VERSION,
  FAILURES,
  HEALTH,
  LATEST,
  NODES,
  PACKAGES,
  PER_DAY,
  REPRODUCIBILITY,
  SUMMARY,
  TARGETS,
} from './questions.ts';
import { Ranking } from './ranking.tsx';
import { Reproducibility } from './reproducibility.tsx';
import { Section } from './section.tsx';
import { useWatched } from './use-watched.ts';

const { status, shell } = MESSAGES;

const BUILD_TIME: readonly Column<SeedPopularTargets[number]>[] = [
  {
    title: status.targets.time,
    isNumber: true,
    cell: ({ build_seconds }) => (build_seconds === null ? '–' : duration(build_seconds)),
  },
];

export default function Status(): VNode {
  const [health, nodes, summary, latest] = [
    useWatched(HEALTH),
    useWatched(NODES),
    useWatched(SUMMARY),
    useWatched(LATEST),
  ];
  const [perDay, byVersion] = [useWatched(PER_DAY), useWatched(BY_VERSION)];
  const [packages, targets] = [useWatched(PACKAGES), useWatched(TARGETS)];
  const [reproducibility, failures] = [useWatched(REPRODUCIBILITY), useWatched(FAILURES)];
  return (
    <div class="status">
      <h1>{shell.status}</h1>
      <HealthBanner asked={health} />
      <Figures
        health={health.answer}
        nodes={nodes.answer}
        latest={latest.answer}
        summary={summary.answer}
        perDay={perDay.answer}
      />
      <div class="parts">
        <Section title={status.perDay.title} asked={perDay}>
          {(chart) => <PerDay chart={chart} />}
        </Section>
        <Section title={status.byVersion.title} asked={byVersion}>
          {(chart) => <ByVersion chart={chart} />}
        </Section>
        <Section title={status.packages.title} note={status.packages.note} asked={packages}>
          {(rows) =>
            rows.length === 0 ? (
              <Nothing />
            ) : (
              <Ranking
                title={status.packages.title}
                nameTitle={status.packages.name}
                countTitle={status.packages.count}
                searchLabel={status.packages.search}
                rows={rows}
              />
            )
          }
        </Section>
        <Section title={status.targets.title} note={status.targets.note} asked={targets}>
          {(rows) =>
            rows.length === 0 ? (
              <Nothing />
            ) : (
              <Ranking
                title={status.targets.title}
                nameTitle={status.targets.name}
                countTitle={status.targets.count}
                searchLabel={status.targets.search}
                rows={rows.map((row) => ({ ...row, name: row.target }))}
                more={BUILD_TIME}
              />
            )
          }
        </Section>
        <Section title={status.nodes.title} note={status.nodes.note} asked={nodes} isWide>
          {(list) => <Nodes list={list} />}
        </Section>
        <Section title={status.reproducibility.title} note={status.reproducibility.note} asked={reproducibility} isWide>
          {(answer) => <Reproducibility answer={answer} />}
        </Section>
        <Section title={status.failures.title} note={status.failures.note} asked={failures} isWide>
          {(rows) => <Failures failures={rows} />}
        </Section>
      </div>
    </div>
  );
}

const Nothing = (): VNode => <p class="empty">{status.nothingYet}</p>;

function PerDay({ chart }: { readonly chart: Chart }): VNode {
  const requests = totalOf(chart, 'Requests');
  const { title, names, day, summary } = status.perDay;
  if (requests === 0) return <Nothing />;
  return (
    <LineChart
      title={title}
      summary={summary(number(requests), number(totalOf(chart, 'Cache-Hits')), number(totalOf(chart, 'Failures')))}
      dayTitle={day}
      labels={chart.labels}
      lines={linesOf(chart, names)}
    />
  );
}

function ByVersion({ chart }: { readonly chart: Chart }): VNode {
  const { title, others, day, summary } = status.byVersion;
  const lines = largest(linesOf(chart), others);
  const [most] = lines;
  if (most === undefined) return <Nothing />;
  const images = lines.reduce((sum, line) => sum + total(line), 0);
  return (
    <LineChart
      title={title}
      summary={summary(number(images), most.label)}
      dayTitle={day}
      labels={chart.labels}
      lines={lines}
    />
  );
}
