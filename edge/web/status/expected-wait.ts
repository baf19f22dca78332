/** How long a build would take that is asked for now: what the queue, the machines and the last images say together. */
import type { Health } from '../../../shared/api/health-answer.ts';
import type { NodeList } from '../../../shared/api/nodes-answers.ts';
import type { SeedLatestImages } from '../../../shared/api/seed-data-answers.ts';
import { median } from '../../../shared/metrics/median.ts';
import { estimateSeconds } from '../../../shared/queue/estimate.ts';

export type ExpectedWait =
  | { readonly state: 'known'; readonly seconds: number }
  /** No machine takes builds. */
  | { readonly state: 'nobody' }
  /** Nothing was built yet by which one could tell. */
  | { readonly state: 'unknown' };

type Node = NodeList['nodes'][number];

/** Of machines that are there and may build. */
export const takesBuilds = ({ present, state }: Pick<Node, 'present' | 'state'>): boolean =>
  present && state === 'active';

export function expectedWait(
  { waiting }: Pick<Health['queue'], 'waiting'>,
  nodes: NodeList['nodes'],
  latest: SeedLatestImages,
): ExpectedWait {
  const building = nodes.filter(takesBuilds);
  if (building.length === 0) return { state: 'nobody' };
  const times = latest.map(({ build_seconds }) => build_seconds * 1000);
  const typicalMs = median(times);
  if (typicalMs === undefined) return { state: 'unknown' };
  const pace = {
    slots: sum(building.map(({ slots }) => slots)),
    free: sum(building.map(({ slots, running }) => Math.max(0, slots - running))),
    typicalMs,
    meanMs: sum(times) / times.length,
  };
  return { state: 'known', seconds: estimateSeconds(waiting, pace, 0) };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
