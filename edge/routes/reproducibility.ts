/** `GET /api/v1/reproducibility`: what builds were found to be equal. Kept for a minute in each isolate, as statistics are. */
import { Hono } from 'hono';
import type { ReproducibilityAnswer } from '../../shared/api/reproducibility-answers.ts';
import { timestamp } from '../../shared/build/build-state.ts';
import { edgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import type { MeasuredTarget } from '../foreman/trust/reproducibility.ts';
import { jsonAnswer, methodNotAllowed } from '../http/answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';

export const reproducibilityRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/v1/reproducibility', async (c) => {
    const context = await edgeContext(c.env);
    const answer = await context.statistics.get('reproducibility', async () => {
      await visitOf(context, c.req.raw).charge('misses');
      return told(await foremanOf(c.env).reproducibility());
    });
    return jsonAnswer(200, answer, { 'cache-control': CACHE_CONTROL.statistics });
  })
  .all('/api/v1/reproducibility', () => methodNotAllowed('GET, HEAD, OPTIONS'));

const told = (targets: readonly MeasuredTarget[]): ReproducibilityAnswer => ({
  targets: targets.map(({ lastAt, isReproducible, ...row }) => ({
    ...row,
    reproducible: isReproducible,
    measured_at: timestamp(lastAt),
  })),
});
