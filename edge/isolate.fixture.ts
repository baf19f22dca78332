/**
 * One isolate of the Worker for tests of what it keeps in memory: every route, memory of its own, and the same KV and Catalogue
 * as the other isolates of its mirror. The clock is `Date`, which a test may fake.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { app } from './app.ts';
import { catalogueBinding, countingKv, envOf } from './catalogue/catalogue.fixture.ts';
import type { Mirror } from './catalogue/mirror.fixture.ts';

export interface Isolate {
  ask(path: string, init?: RequestInit): Promise<Response>;
  post(body: unknown): Promise<Response>;
  /** Keys of catalogue documents that were read from KV. */
  readonly kvReads: string[];
  /** Calls to the Catalogue. */
  readonly questions: string[];
}

export function openIsolate(mirror: Mirror, changes: Record<string, unknown> = {}): Isolate {
  const kvReads: string[] = [];
  const questions: string[] = [];
  const clock = {
    get ms(): number {
      return Date.now();
    },
  };
  const CATALOGUE = catalogueBinding(mirror, clock, questions);
  const env = envOf(mirror, { CACHE: countingKv(kvReads), CATALOGUE, ...changes });
  const ask: Isolate['ask'] = async (path, init) => {
    const context = createExecutionContext();
    const response = await app.fetch(new Request(`https://asu.example${path}`, init), env, context);
    await waitOnExecutionContext(context);
    return response;
  };
  return {
    ask,
    post: (body) => ask('/api/v1/build', { method: 'POST', body: JSON.stringify(body) }),
    kvReads,
    questions,
  };
}
