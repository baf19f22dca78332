/**
 * `GET /healthz`: what is up and what is down, each part asked for itself. `GET /metrics`: the same numbers for Prometheus.
 * 200 means that this server can answer requests; a farm without nodes, or an upstream that is down, still can.
 */
import { Hono } from 'hono';
import { jsonAnswer, methodNotAllowed } from '../answer.ts';
import { edgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import type { ForemanStats } from '../foreman/foreman.ts';

type Part = { readonly up: true } | { readonly up: false; readonly reason: string };

const PATIENCE_MS = 5_000;

async function ask(question: () => Promise<unknown>): Promise<Part> {
  try {
    await Promise.race([
      question(),
      new Promise((_, reject) => setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS)),
    ]);
    return { up: true };
  } catch (error) {
    return { up: false, reason: error instanceof Error ? error.message.slice(0, 200) : 'unknown' };
  }
}

export const healthRoutes = new Hono<{ Bindings: Env }>()
  .get('/healthz', async (c) => {
    const context = await edgeContext(c.env);
    const { config } = context;
    let stats: ForemanStats | null = null;
    const [kv, store, foreman, upstream] = await Promise.all([
      ask(() => c.env.CACHE.get('health')),
      ask(() => context.store.list('health/', { limit: 1 })),
      ask(async () => {
        stats = await foremanOf(c.env).stats();
      }),
      ask(async () => {
        const versions = await context.catalogue.versions();
        if (versions.state !== 'found')
          throw new Error(versions.state === 'unavailable' ? versions.reason : 'no versions');
        const ageSeconds = Math.round((Date.now() - versions.document.checkedAt) / 1000);
        if (ageSeconds > 5 * config.CATALOGUE_REFRESH_SECONDS + 10)
          throw new Error(`it gave no good answer for ${ageSeconds} s; the last good copy is served`);
      }),
    ]);
    const known = stats as ForemanStats | null;
    const nodes = known?.nodesPresent ?? 0;
    const able = kv.up && store.up && foreman.up;
    return jsonAnswer(able ? 200 : 503, {
      status: able ? 200 : 503,
      detail: !able ? 'down' : nodes > 0 && upstream.up ? 'up' : 'degraded',
      parts: {
        kv,
        object_store: { ...store, kind: config.S3_ENDPOINT === '' ? 'r2' : 's3' },
        foreman,
        upstream: {
          ...upstream,
          url: config.UPSTREAM_URL,
          signatures: config.UPSTREAM_UNSIGNED ? 'not required' : 'required',
        },
        nodes: { up: nodes > 0, present: nodes },
      },
      queue: { waiting: known?.waiting ?? 0, live: known?.live ?? 0, running: known?.activeLeases ?? 0 },
    });
  })
  .get('/metrics', async (c) => {
    const stats = await foremanOf(c.env).stats();
    const lines = [
      '# HELP asu_foreman_calls_total Calls to the Foreman since it woke, by name.',
      '# TYPE asu_foreman_calls_total counter',
      ...Object.entries(stats.calls).map(([name, n]) => `asu_foreman_calls_total{call="${name}"} ${n}`),
      '# HELP asu_builds Unfinished builds.',
      '# TYPE asu_builds gauge',
      `asu_builds{state="waiting"} ${stats.waiting}`,
      `asu_builds{state="live"} ${stats.live}`,
      '# HELP asu_nodes_present Nodes heard of within a minute.',
      '# TYPE asu_nodes_present gauge',
      `asu_nodes_present ${stats.nodesPresent}`,
    ];
    return new Response(`${lines.join('\n')}\n`, {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'access-control-allow-origin': '*' },
    });
  })
  .all('/healthz', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .all('/metrics', () => methodNotAllowed('GET, HEAD, OPTIONS'));
