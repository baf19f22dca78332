/**
 * The statistics of the v1 API. Each answer is kept for a minute in each isolate: it goes past KV, and nobody's router waits
 * for it. How it is counted, and what is never told: docs/statistics-and-limits.md.
 */
import { type Context, Hono } from 'hono';
import type { QueueLength, Summary } from '../../shared/api/statistics-answers.ts';
import { refuseField } from '../../shared/build/build-error.ts';
import { dayOf } from '../../shared/request/client-key.ts';
import type { Branch } from '../../shared/upstream/branch.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CORS, jsonAnswer, methodNotAllowed } from '../http/answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';
import { askForeman } from '../statistics/ask-foreman.ts';
import { daysChart, topPackages, versionsChart } from '../statistics/charts.ts';
import { failureText } from '../statistics/failure-text.ts';
import { MAX_FAILURES, MAX_NAMES } from '../statistics/questions.ts';

type App = Context<{ Bindings: Env }>;

const HEADERS = { 'cache-control': CACHE_CONTROL.statistics };

const ANSWERS: Readonly<Record<string, (c: App, context: EdgeContext) => Promise<Response>>> = {
  '/api/v1/stats': async (c, context) => {
    const { queueLength } = await askForeman(context, visitOf(context, c.req.raw), { about: 'summary' });
    const answer: QueueLength = { queue_length: queueLength };
    return jsonAnswer(200, answer, HEADERS);
  },
  '/api/v1/stats/summary': async (c, context) => {
    const { queueLength, builds24h } = await askForeman(context, visitOf(context, c.req.raw), { about: 'summary' });
    const answer: Summary = { queue_length: queueLength, builds_24h: builds24h };
    return jsonAnswer(200, answer, HEADERS);
  },
  '/api/v1/builds-per-day': async (c, context) =>
    jsonAnswer(
      200,
      daysChart(await askForeman(context, visitOf(context, c.req.raw), { about: 'days' }), dayOf(Date.now())),
      HEADERS,
    ),
  '/api/v1/builds-by-version': async (c, context) => {
    const branch = branchIn(c, context.config.BRANCHES);
    const counts = await askForeman(context, visitOf(context, c.req.raw), { about: 'versions' });
    return jsonAnswer(200, versionsChart(counts, branch, dayOf(Date.now())), HEADERS);
  },
  '/api/v1/top-packages': async (c, context) => {
    const [branch, n] = [branchIn(c, context.config.BRANCHES), numberIn(c, 20, MAX_NAMES)];
    return jsonAnswer(
      200,
      topPackages(await askForeman(context, visitOf(context, c.req.raw), { about: 'packages', branch }), branch, n),
      HEADERS,
    );
  },
  '/api/v1/build-errors': async (c, context) => {
    const n = numberIn(c, 100, MAX_FAILURES);
    const text = failureText(await askForeman(context, visitOf(context, c.req.raw), { about: 'errors' }), n);
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
    return new Response(text, { headers: { ...CORS, ...HEADERS, ...headers } });
  },
};

export const statisticsRoutes = new Hono<{ Bindings: Env }>();

for (const [path, answer] of Object.entries(ANSWERS)) {
  statisticsRoutes.get(path, async (c) => answer(c, await edgeContext(c.env)));
  statisticsRoutes.all(path, () => methodNotAllowed('GET, HEAD, OPTIONS'));
}

/** Null for all branches. @throws BuildError `invalid_request` */
function branchIn(c: App, branches: readonly Branch[]): string | null {
  const branch = c.req.query('branch') ?? '';
  if (branch === '') return null;
  const names = branches.map(({ name }) => name);
  return names.includes(branch) ? branch : refuseField('branch', `expected one of ${names.join(', ')}`);
}

/** @throws BuildError `invalid_request` */
function numberIn(c: App, fallback: number, max: number): number {
  const n = c.req.query('n') ?? '';
  if (n === '') return fallback;
  return /^[1-9]\d{0,3}$/.test(n) && Number(n) <= max
    ? Number(n)
    : refuseField('n', `expected a whole number from 1 to ${max}`);
}
