/**
 * `GET /healthz`: what is up and what is down, each part asked for itself. `GET /livez`: that this isolate answers, of which no part is
 * asked: for whoever asks each second. `GET /metrics`: the same numbers for Prometheus.
 * 200 means that this server can answer requests; a farm without nodes, or an upstream that is down, still can. Both are kept
 * for a moment in each isolate, so that a flood of them does not reach the parts it asks about.
 * Anybody may ask, so a part of ours is told to be ill and not in its own words: these say where it stands. The log has them.
 */
import { type Context, Hono } from 'hono';
import type { Health, Live } from '../../shared/api/health-answer.ts';
import { PROMETHEUS_CONTENT_TYPE } from '../../shared/metrics/prometheus-text.ts';
import { configOf } from '../config.ts';
import { type EdgeContext, edgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import type { ForemanStats } from '../foreman/foreman-answers.ts';
import { CORS, jsonText, methodNotAllowed } from '../http/answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';
import { logError } from '../log.ts';
import { metricsText } from '../statistics/metrics-text.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';

type App = Context<{ Bindings: Env }>;
type Part = { readonly up: true } | { readonly up: false; readonly reason: string };

const PATIENCE_MS = 5_000;
const LIVE = JSON.stringify({ status: 200, detail: 'live' } satisfies Live);

export const healthRoutes = new Hono<{ Bindings: Env }>()
  .get('/healthz', async (c) => {
    const { status, text } = await kept(c, 'healthz', healthz);
    return jsonText(status, text);
  })
  .get('/livez', (c) => {
    // An impossible setting stops every answer, this one as well.
    configOf(c.env);
    return jsonText(200, LIVE);
  })
  .get('/metrics', async (c) => {
    const { text } = await kept(c, 'metrics', async (context) => ({ status: 200, text: await metrics(context) }));
    const headers = { 'content-type': PROMETHEUS_CONTENT_TYPE, 'cache-control': CACHE_CONTROL.never };
    return new Response(text, { headers: { ...CORS, ...headers } });
  })
  .all('/healthz', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .all('/livez', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .all('/metrics', () => methodNotAllowed('GET, HEAD, OPTIONS'));

interface HealthAnswer {
  readonly status: number;
  readonly text: string;
}

async function kept(
  c: App,
  name: string,
  make: (context: EdgeContext) => Promise<HealthAnswer>,
): Promise<HealthAnswer> {
  const context = await edgeContext(c.env);
  return context.health.get(name, async () => {
    await visitOf(context, c.req.raw).charge('misses');
    return make(context);
  });
}

async function healthz(context: EdgeContext): Promise<HealthAnswer> {
  const { config, env } = context;
  let stats: ForemanStats | null = null;
  const [kv, store, foreman, upstream] = await Promise.all([
    ask('kv', () => env.CACHE.get('health')),
    ask('object_store', () => context.store.list('health/', { limit: 1 })),
    ask('foreman', async () => {
      stats = await foremanOf(env).stats();
    }),
    // What is wrong with upstream is no secret.
    ask('upstream', async () => {
      const versions = await context.catalogue.versions();
      if (versions.state !== 'found')
        throw new Told(versions.state === 'unavailable' ? versions.reason : 'no versions');
      const ageSeconds = Math.round((Date.now() - versions.document.checkedAt) / 1000);
      if (ageSeconds > 5 * config.CATALOGUE_REFRESH_SECONDS + 10)
        throw new Told(`it gave no good answer for ${ageSeconds} s; the last good copy is served`);
    }),
  ]);
  const known = stats as ForemanStats | null;
  const nodes = known?.nodesPresent ?? 0;
  const refusal = known?.refusal ?? null;
  const objectStore: Part = store.up && refusal !== null ? { up: false, reason: refusal } : store;
  const able = kv.up && objectStore.up && foreman.up;
  const status = able ? 200 : 503;
  const body: Health = {
    status,
    detail: !able ? 'down' : nodes > 0 && upstream.up ? 'up' : 'degraded',
    parts: {
      kv,
      object_store: { ...objectStore, kind: config.S3_ENDPOINT === '' ? 'r2' : 's3' },
      foreman,
      upstream: {
        ...upstream,
        url: config.UPSTREAM_URL,
        signatures: config.UPSTREAM_UNSIGNED ? 'not required' : 'required',
      },
      nodes: { up: nodes > 0, present: nodes },
    },
    queue: { waiting: known?.waiting ?? 0, live: known?.live ?? 0, running: known?.activeLeases ?? 0 },
  };
  return { status, text: JSON.stringify(body) };
}

/** A sentence of ours, with nothing in it that strangers may not read. */
class Told extends Error {}

async function ask(part: keyof Health['parts'], question: () => Promise<unknown>): Promise<Part> {
  try {
    await Promise.race([
      question(),
      new Promise((_, reject) => setTimeout(() => reject(new Told(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS)),
    ]);
    return { up: true };
  } catch (error) {
    if (error instanceof Told) return { up: false, reason: error.message.slice(0, 200) };
    logError('a part is down', { part, error });
    const isRefusal = error instanceof ObjectStoreError && error.kind === 'refused';
    const symptom = isRefusal ? 'it refuses what it is asked' : 'it does not answer as it should';
    return { up: false, reason: `${symptom}; the log of this server says why` };
  }
}

async function metrics({ counts, env, catalogue, config }: EdgeContext): Promise<string> {
  const foreman = foremanOf(env);
  // Before the numbers are read, what this isolate has counted itself.
  await counts.flush();
  const [versions, stats, totals, clients] = await Promise.all([
    catalogue.versions(),
    foreman.stats(),
    foreman.statistics({ about: 'totals' }),
    foreman.statistics({ about: 'clients' }),
  ]);
  const { MAX_QUEUE, PREBUILD_MINUTES } = config;
  return metricsText({
    stats,
    totals,
    clients,
    upstreamAgeSeconds:
      versions.state === 'found' ? Math.max(0, Math.round((Date.now() - versions.document.checkedAt) / 1000)) : null,
    limits: { queue: MAX_QUEUE, prebuildSeconds: PREBUILD_MINUTES * 60 },
  });
}
