/** `GET /api/v1/nodes`: who builds, as far as it concerns everybody. Kept for a minute in each isolate, as statistics are. */
import { Hono } from 'hono';
import type { NodeList } from '../../shared/api/nodes-answers.ts';
import { edgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import type { PublicNode } from '../foreman/nodes/node-lists.ts';
import { jsonAnswer, methodNotAllowed } from '../http/answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';

export const nodesRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/v1/nodes', async (c) => {
    const context = await edgeContext(c.env);
    const answer = await context.statistics.get('nodes', async () => {
      await visitOf(context, c.req.raw).charge('misses');
      return told(await foremanOf(c.env).publicNodes());
    });
    return jsonAnswer(200, answer, { 'cache-control': CACHE_CONTROL.statistics });
  })
  .all('/api/v1/nodes', () => methodNotAllowed('GET, HEAD, OPTIONS'));

const told = (nodes: readonly PublicNode[]): NodeList => ({
  nodes: nodes.map(({ isPresent, ...node }) => ({ ...node, present: isPresent })),
});
