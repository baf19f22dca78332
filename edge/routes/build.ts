/** `POST`, `GET` and `HEAD /api/v1/build`: what routers ask. Contract: rules 1, 4, 7–11 and 17 of the v1 API. */
import { type Context, Hono } from 'hono';
import { LRUCache } from 'lru-cache';
import { BuildError } from '../../shared/build-error.ts';
import { MAX_BODY_BYTES, parseBuildRequest } from '../../shared/build-request.ts';
import { doneBody, failedBody } from '../../shared/build-result.ts';
import { pendingBody, stepWord } from '../../shared/build-state.ts';
import { isSha256Hex } from '../../shared/digest.ts';
import { jsonAnswer, jsonText, methodNotAllowed, notFound } from '../answer.ts';
import { type BuildAnswer, findBuild, type PreparedRequest, prepare, requestBuild } from '../build-service.ts';
import { catalogueOf, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { LIFETIMES, RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import { readBody } from '../read-body.ts';

type App = Context<{ Bindings: Env }>;

export const buildRoutes = new Hono<{ Bindings: Env }>()
  .post('/api/v1/build', postBuild)
  .get('/api/v1/build/:hash', getBuild)
  .all('/api/v1/build', () => methodNotAllowed('POST, OPTIONS'))
  .all('/api/v1/build/:hash', () => methodNotAllowed('GET, HEAD, OPTIONS'));

/**
 * Bodies that were parsed and found well-formed. A router asks again with the same bytes, and parsing costs more than all
 * the rest of a hit. Nothing in here depends on who sent it.
 */
const preparedBodies = new LRUCache<string, PreparedRequest>({
  maxSize: LIFETIMES.bodiesInMemoryBytes,
  sizeCalculation: (_prepared, body) => 1_000 + 6 * body.length,
});

async function postBuild(c: App): Promise<Response> {
  const context = await edgeContext(c.env);
  const prepared = await preparedRequest(c.req.raw);
  const catalogue = catalogueOf(c.env, (work) => c.executionCtx.waitUntil(work));
  const answer = await requestBuild(context, catalogue, prepared);
  if (answer.state === 'built') return jsonText(200, doneBody(answer.built.tail, prepared.echoJson), DONE);
  return respond(answer, JSON.parse(prepared.echoJson));
}

async function getBuild(c: App): Promise<Response> {
  const hash = c.req.param('hash') ?? '';
  const answer = isSha256Hex(hash) ? await findBuild(await edgeContext(c.env), hash) : null;
  if (!answer) return notFound('could not find provided request hash');
  return respond(answer);
}

async function preparedRequest(request: Request): Promise<PreparedRequest> {
  const bytes = await readBody(request, MAX_BODY_BYTES);
  let body: string;
  try {
    body = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new BuildError('invalid_request', 'body: expected UTF-8', {
      errors: [{ path: '', message: 'expected UTF-8' }],
    });
  }
  const known = preparedBodies.get(body);
  if (known) return known;
  const prepared = prepare(parse(body));
  // A secret is not kept for the next request's sake.
  if (prepared.request.defaults === '') preparedBodies.set(body, prepared);
  return prepared;
}

function parse(body: string) {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new BuildError('invalid_request', 'body: expected JSON', {
      errors: [{ path: '', message: 'expected JSON' }],
    });
  }
  const parsed = parseBuildRequest(json);
  if (parsed.ok) return parsed.request;
  const first = parsed.errors[0];
  throw new BuildError('invalid_request', `${first?.path || 'body'}: ${first?.message}`, { errors: parsed.errors });
}

const DONE = { 'x-imagebuilder-status': 'done' } as const;

/** Without `echo` the request that started the build is shown. */
function respond(answer: BuildAnswer, echo?: NonNullable<Parameters<typeof failedBody>[1]>): Response {
  if (answer.state === 'built')
    return jsonText(200, doneBody(answer.built.tail, JSON.stringify(echo ?? answer.built.record.echo)), DONE);
  if (answer.state === 'failed')
    return jsonAnswer(500, failedBody(answer.failed.failure, echo), { 'x-imagebuilder-status': 'failed' });
  const { status } = answer;
  const headers: Record<string, string> = { 'retry-after': String(RETRY_AFTER_SECONDS.pending) };
  if (status.state === 'queued') {
    headers['x-imagebuilder-status'] = 'queued';
    headers['x-queue-position'] = String(status.position);
  } else headers['x-imagebuilder-status'] = stepWord(status.step);
  return jsonAnswer(202, pendingBody(echo ? { ...status, echo } : status), headers);
}
