/**
 * `GET /api/v1/build/<hash>/events`: a build as it happens, as server-sent events. Who was told the end and comes back gets
 * 204, by which browsers know not to come again; who is one too many is sent away to poll. docs/events.md says the rest.
 */
import { type Context, Hono } from 'hono';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { type ResumePoint, resumePoint } from '../../shared/http/resume-point.ts';
import { findBuild } from '../builds/find-build.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { buildEvents } from '../events/build-events.ts';
import { eventBody } from '../events/event-body.ts';
import { STREAM_MS } from '../events/event-desk.ts';
import { CORS, methodNotAllowed, notFound, problem, titleOf } from '../http/answer.ts';
import { CACHE_CONTROL, RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';

type App = Context<{ Bindings: Env }>;

export const eventRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/v1/build/:hash/events', getEvents)
  .all('/api/v1/build/:hash/events', () => methodNotAllowed('GET, HEAD, OPTIONS'));

const HEADERS = { ...CORS, 'cache-control': CACHE_CONTROL.never, 'x-content-type-options': 'nosniff' } as const;
/** The last one tells nginx not to collect what should go out at once. */
const EVENT_HEADERS = { ...HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } as const;

async function getEvents(c: App): Promise<Response> {
  const hash = c.req.param('hash') ?? '';
  const from = pointOf(c);
  if (!isSha256Hex(hash)) return notFound('could not find provided request hash');
  if (from.kind === 'end') return new Response(null, { status: 204, headers: HEADERS });
  const context = await edgeContext(c.env);
  const visit = visitOf(context, c.req.raw);
  const first = await findBuild(context, hash, visit);
  if (!first) return notFound('could not find provided request hash');
  if (c.req.method === 'HEAD') return new Response(null, { headers: EVENT_HEADERS });
  // What the stream asks for later is shared by all who listen, and charged to nobody.
  await visit.charge('misses');
  const close = context.events.open.open(Date.now(), visit.client);
  if (!close) {
    const detail = 'Too many clients listen to builds here; ask for the build itself every few seconds';
    return problem(503, titleOf(503), detail, {}, { 'retry-after': String(RETRY_AFTER_SECONDS.overloaded) });
  }
  const listening = { context, requestHash: hash, first, from };
  const ends = { client: c.req.raw.signal, lifeMs: STREAM_MS, onEnd: close };
  return new Response(
    eventBody((signal) => buildEvents(listening, signal), ends),
    { headers: EVENT_HEADERS },
  );
}

/** The header is what a browser sends when it comes back; at first it can say it in the address only. */
function pointOf(c: App): ResumePoint {
  const said = [c.req.header('last-event-id'), c.req.query('last_event_id')];
  for (const id of said) {
    const point = id === undefined ? null : resumePoint(id);
    if (point) return point;
  }
  return { kind: 'start' };
}
