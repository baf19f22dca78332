/** A GET route of the old API: whatever goes wrong in it is told in that API's words, be it the method. */
import type { Context, Hono } from 'hono';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { seedErrorAnswer, seedProblem } from './seed-answer.ts';

export type SeedApp = Context<{ Bindings: Env }>;

export function seedGet(
  routes: Hono<{ Bindings: Env }>,
  path: string,
  answer: (c: SeedApp, context: EdgeContext) => Promise<Response>,
): void {
  routes.get(path, async (c) => {
    try {
      return await answer(c, await edgeContext(c.env));
    } catch (error) {
      return seedErrorAnswer(error);
    }
  });
  const allow = 'GET, HEAD, OPTIONS';
  routes.all(path, () => seedProblem(405, `Method not allowed here, expected ${allow}`, {}, { allow }));
}
