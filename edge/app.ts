/** All routes of the edge in one Hono application. Order does not matter: `/json/*` of the old API lets by what is below `/json/v1`, and else no two of them answer one path. */
import { Hono } from 'hono';
import type { Env } from './env.ts';
import { CORS, errorAnswer, notFound } from './http/answer.ts';
import { canonicalPath } from './http/canonical-path.ts';
import { EdgeRouter } from './router.ts';
import { adminRoutes } from './routes/admin.ts';
import { buildRoutes } from './routes/build.ts';
import { docsRoutes } from './routes/docs.ts';
import { eventRoutes } from './routes/events.ts';
import { foremanRoutes } from './routes/foreman.ts';
import { healthRoutes } from './routes/health.ts';
import { jsonRoutes } from './routes/json.ts';
import { keyRoutes } from './routes/keys.ts';
import { logRoutes } from './routes/logs.ts';
import { nodesRoutes } from './routes/nodes.ts';
import { overviewRoutes } from './routes/overview.ts';
import { pageRoutes } from './routes/page.ts';
import { provenanceRoutes } from './routes/provenance.ts';
import { reproducibilityRoutes } from './routes/reproducibility.ts';
import { revisionRoutes } from './routes/revision.ts';
import { seedFileRoutes } from './routes/seed-files.ts';
import { seedImageRoutes } from './routes/seed-images.ts';
import { seedListRoutes } from './routes/seed-lists.ts';
import { seedStatisticsRoutes } from './routes/seed-statistics.ts';
import { statisticsRoutes } from './routes/statistics.ts';
import { storeRoutes } from './routes/store.ts';
import { upgradeCheckRoutes } from './routes/upgrade-check.ts';
import { upgradeRequestRoutes } from './routes/upgrade-request.ts';
import { uploadRoutes } from './routes/uploads.ts';
import { seedProblem } from './seed/seed-answer.ts';

export const app = new Hono<{ Bindings: Env }>({ getPath: canonicalPath, router: new EdgeRouter() });

/** Browsers ask this before even a poll (LuCI adds headers of its own). */
app.options('*', (c) => {
  const asked = c.req.header('access-control-request-headers') ?? '';
  const more = asked.split(',').map((name) => name.trim().toLowerCase());
  const headers = new Set(['content-type', ...more.filter((name) => /^[a-z0-9-]{1,64}$/.test(name)).slice(0, 16)]);
  return new Response(null, {
    status: 204,
    headers: {
      ...CORS,
      'access-control-allow-headers': [...headers].join(', '),
      'access-control-allow-methods': 'GET, HEAD, POST, OPTIONS',
      'access-control-max-age': '86400',
    },
  });
});

app.route('/', buildRoutes);
app.route('/', eventRoutes);
app.route('/', provenanceRoutes);
app.route('/', storeRoutes);
app.route('/', overviewRoutes);
app.route('/', jsonRoutes);
app.route('/', revisionRoutes);
app.route('/', healthRoutes);
app.route('/', statisticsRoutes);
app.route('/', nodesRoutes);
app.route('/', reproducibilityRoutes);
app.route('/', adminRoutes);
app.route('/', seedFileRoutes);
app.route('/', keyRoutes);
app.route('/', seedImageRoutes);
app.route('/', seedListRoutes);
app.route('/', seedStatisticsRoutes);
app.route('/', docsRoutes);
app.route('/', pageRoutes);
app.route('/', upgradeCheckRoutes);
app.route('/', upgradeRequestRoutes);
app.route('/', foremanRoutes);
app.route('/', uploadRoutes);
app.route('/', logRoutes);

/** Clients of the old API read `error`, whatever they mistyped. */
app.notFound((c) =>
  /^\/api\/(?!v1\/)/.test(c.req.path) ? seedProblem(404, 'no such page') : notFound('no such page'),
);
app.onError((error) => errorAnswer(error));
