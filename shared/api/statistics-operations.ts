/** The routes that count: for operators, and for pages that show what is asked for. */
import { z } from 'zod';
import type { BuildErrorKind } from '../build/build-error.ts';
import type { Operation, Parameter } from './operation.ts';

const branch: Parameter = {
  schema: z
    .string()
    .max(64)
    .meta({ examples: ['24.10'] }),
  text: 'Of this branch alone.',
};
const atMost = (max: number): Parameter => ({ schema: z.int().min(1).max(max), text: 'How many, at most.' });

const OF_QUERIES: readonly BuildErrorKind[] = ['invalid_request', 'too_many_requests'];

export const STATISTICS_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    paths: ['/api/v1/stats'],
    id: 'getQueueLength',
    tag: 'statistics',
    summary: 'Builds that wait',
    answers: { 200: { text: 'Their number.', shapes: ['QueueLength'] } },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/api/v1/stats/summary'],
    id: 'getSummary',
    tag: 'statistics',
    summary: 'Builds that wait, and those of a day',
    answers: { 200: { text: 'Their numbers.', shapes: ['Summary'] } },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/api/v1/builds-per-day'],
    id: 'getBuildsPerDay',
    tag: 'statistics',
    summary: 'Requests and builds by day',
    answers: { 200: { text: 'For a chart.', shapes: ['Chart'] } },
    errors: ['too_many_requests'],
  },
  {
    method: 'get',
    paths: ['/api/v1/builds-by-version'],
    id: 'getBuildsByVersion',
    tag: 'statistics',
    summary: 'Images by branch, or by version of one branch',
    query: { branch },
    answers: { 200: { text: 'For a chart.', shapes: ['Chart'] } },
    errors: OF_QUERIES,
  },
  {
    method: 'get',
    paths: ['/api/v1/top-packages'],
    id: 'getTopPackages',
    tag: 'statistics',
    summary: 'Packages that are asked for most',
    query: { branch, n: atMost(100) },
    answers: { 200: { text: 'Names that hardly anybody asks for are left out.', shapes: ['TopPackages'] } },
    errors: OF_QUERIES,
  },
  {
    method: 'get',
    paths: ['/api/v1/build-errors'],
    id: 'getBuildErrors',
    tag: 'statistics',
    summary: 'Builds that failed lately',
    query: { n: atMost(500) },
    answers: { 200: { text: 'Newest first. Nothing in it tells who asked.', mediaType: 'text/plain' } },
    errors: OF_QUERIES,
  },
];
