/** The numbers that one comes for. Each stands on its own questions, and is a dash where one of these has no answer. */
import type { VNode } from 'preact';
import type { Health } from '../../../shared/api/health-answer.ts';
import type { NodeList } from '../../../shared/api/nodes-answers.ts';
import type { SeedLatestImages } from '../../../shared/api/seed-data-answers.ts';
import type { Chart, Summary } from '../../../shared/api/statistics-answers.ts';
import { duration, number, percent } from '../format.ts';
import { MESSAGES } from '../messages.ts';
import { expectedWait, takesBuilds } from './expected-wait.ts';
import { totalOf } from './lines.ts';

const { figures } = MESSAGES.status;
const UNKNOWN = '–';

interface Figure {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
}

/** Null: not answered. */
export interface FigureSources {
  readonly health: Health | null;
  readonly nodes: NodeList | null;
  readonly latest: SeedLatestImages | null;
  readonly summary: Summary | null;
  readonly perDay: Chart | null;
}

export function Figures(sources: FigureSources): VNode {
  return (
    <section aria-label={figures.title}>
      <dl class="figures">
        {figuresOf(sources).map(({ name, value, note }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="value">{value}</dd>
            {note !== undefined && <dd class="quiet small">{note}</dd>}
          </div>
        ))}
      </dl>
    </section>
  );
}

function figuresOf({ health, nodes, latest, summary, perDay }: FigureSources): readonly Figure[] {
  const here = nodes?.nodes.filter(takesBuilds) ?? [];
  const slots = here.reduce((sum, node) => sum + node.slots, 0);
  return [
    { name: figures.waiting, ...waiting(health) },
    {
      name: figures.running,
      value: health ? number(health.queue.running) : UNKNOWN,
      ...(nodes && { note: slots > 0 ? figures.ofSlots(number(slots)) : figures.nobody }),
    },
    { name: figures.wait, ...wait(health, nodes, latest) },
    {
      name: figures.hits,
      value: perDay ? percent(totalOf(perDay, 'Cache-Hits'), totalOf(perDay, 'Requests')) : UNKNOWN,
      note: figures.hitsNote,
    },
    { name: figures.images, value: summary ? number(summary.builds_24h) : UNKNOWN, note: figures.imagesNote },
    {
      name: figures.machines,
      value: nodes ? number(nodes.nodes.filter(({ present }) => present).length) : UNKNOWN,
      ...(nodes && { note: figures.ofMachines(number(nodes.nodes.length)) }),
    },
  ];
}

function waiting(health: Health | null): Omit<Figure, 'name'> {
  if (health === null) return { value: UNKNOWN };
  const { waiting: builds } = health.queue;
  return { value: number(builds), ...(builds === 0 && { note: figures.noneWaiting }) };
}

function wait(health: Health | null, nodes: NodeList | null, latest: SeedLatestImages | null): Omit<Figure, 'name'> {
  if (health === null || nodes === null || latest === null) return { value: UNKNOWN };
  const expected = expectedWait(health.queue, nodes.nodes, latest);
  if (expected.state === 'known') return { value: duration(expected.seconds), note: figures.waitNote };
  return { value: UNKNOWN, note: figures[expected.state] };
}
