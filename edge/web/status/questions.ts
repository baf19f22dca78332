/**
 * What the status view asks, and how often while somebody looks: not sooner than the server would say something else. What comes is
 * looked at just so far that a table cannot break on it; whatever else answers in the server's place is told as that.
 */
import type { Health } from '../../../shared/api/health-answer.ts';
import type { NodeList } from '../../../shared/api/nodes-answers.ts';
import type { ReproducibilityAnswer } from '../../../shared/api/reproducibility-answers.ts';
import type {
  SeedLatestFailures,
  SeedLatestImages,
  SeedPopularPackages,
  SeedPopularTargets,
} from '../../../shared/api/seed-data-answers.ts';
import type { Chart, Summary } from '../../../shared/api/statistics-answers.ts';

export interface Question<Answer> {
  readonly path: string;
  readonly everyMs: number;
  /** Statuses besides 2xx that are an answer. */
  readonly accepted?: readonly number[];
  readonly isAnswer: (json: unknown) => json is Answer;
}

const HEALTH_MS = 15_000;
/** Kept for a minute by the server. */
const STATISTICS_MS = 60_000;

const member = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null && Object.hasOwn(json, name)
    ? (json as Record<string, unknown>)[name]
    : null;

const statistics = <Answer>(path: string, isAnswer: (json: unknown) => boolean): Question<Answer> => ({
  path,
  everyMs: STATISTICS_MS,
  isAnswer: isAnswer as (json: unknown) => json is Answer,
});
const isChart = (json: unknown): boolean =>
  Array.isArray(member(json, 'labels')) && Array.isArray(member(json, 'datasets'));

export const HEALTH: Question<Health> = {
  path: '/healthz',
  everyMs: HEALTH_MS,
  // Down is what it says then, with all of its parts.
  accepted: [503],
  isAnswer: (json): json is Health => member(json, 'parts') !== null && member(json, 'queue') !== null,
};
export const NODES = statistics<NodeList>('/api/v1/nodes', (json) => Array.isArray(member(json, 'nodes')));
export const SUMMARY = statistics<Summary>(
  '/api/v1/stats/summary',
  (json) => typeof member(json, 'builds_24h') === 'number',
);
export const PER_DAY = statistics<Chart>('/api/v1/builds-per-day', isChart);
export const BY_VERSION = statistics<Chart>('/api/v1/builds-by-version', isChart);
export const PACKAGES = statistics<SeedPopularPackages>('/api/v1/stats/popular_packages', Array.isArray);
export const TARGETS = statistics<SeedPopularTargets>('/api/v1/stats/popular_targets', Array.isArray);
export const LATEST = statistics<SeedLatestImages>('/api/v1/stats/images_latest', Array.isArray);
export const FAILURES = statistics<SeedLatestFailures>('/api/v1/stats/fails_latest', Array.isArray);
export const REPRODUCIBILITY = statistics<ReproducibilityAnswer>('/api/v1/reproducibility', (json) =>
  Array.isArray(member(json, 'targets')),
);
