/** `POST`, `GET` and `HEAD /api/v1/build`: what routers ask. Contract: rules 1, 4, 7–11 and 17 of the v1 API. */
import { type Context, Hono } from 'hono';
import { doneBody, failedBody } from '../../shared/build/build-result.ts';
import { pendingBody, stepWord } from '../../shared/build/build-state.ts';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { MAX_BODY_BYTES } from '../../shared/request/build-request.ts';
import { requestBuild } from '../builds/build-service.ts';
import { type BuildAnswer, findBuild } from '../builds/find-build.ts';
import type { Asked } from '../builds/wish.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { JSON_HEADERS, jsonAnswer, methodNotAllowed, notFound } from '../http/answer.ts';
import { readText } from '../http/read-body.ts';
import { CACHE_CONTROL, RETRY_AFTER_SECONDS } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';
import { countAnswer } from '../statistics/count-answer.ts';
import { outcomeOf } from '../statistics/outcome-of.ts';

type App = Context<{ Bindings: Env }>;

export const buildRoutes = new Hono<{ Bindings: Env }>()
  .post('/api/v1/build', postBuild)
  .get('/api/v1/build/:hash', getBuild)
  .all('/api/v1/build', () => methodNotAllowed('POST, OPTIONS'))
  .all('/api/v1/build/:hash', () => methodNotAllowed('GET, HEAD, OPTIONS'));

async function postBuild(c: App): Promise<Response> {
  const context = await edgeContext(c.env);
  const visit = visitOf(context, c.req.raw);
  let asked: Asked | undefined;
  try {
    const body = await readText(c.req.raw, MAX_BODY_BYTES);
    // A flood of wishes that nobody had would also push out of memory what others ask for.
    asked = context.wishes.read(body, () => visit.refuseIfSpent('misses', 'builds'));
    const answer = await requestBuild(context, asked, visit);
    if (!asked.wish.isPrivate) countAnswer(context.counts, visit.outcome, answer, asked.client, c.req.raw);
    if (answer.state === 'built') return new Response(doneBody(answer.built.pieces, asked.echoJson), DONE);
    return respond(answer, JSON.parse(asked.echoJson));
  } catch (error) {
    if (!asked?.wish.isPrivate) context.counts.refused(outcomeOf(error));
    throw error;
  }
}

async function getBuild(c: App): Promise<Response> {
  const hash = c.req.param('hash') ?? '';
  if (!isSha256Hex(hash)) return notFound('could not find provided request hash');
  const context = await edgeContext(c.env);
  const answer = await findBuild(context, hash, visitOf(context, c.req.raw));
  if (!answer) return notFound('could not find provided request hash');
  return respond(answer);
}

/** Made once: six headers are a measurable part of a hit. */
const DONE = {
  status: 200,
  headers: new Headers({ ...JSON_HEADERS, 'cache-control': CACHE_CONTROL.never, 'x-imagebuilder-status': 'done' }),
};

/** Without `echo` the request that started the build is shown. */
function respond(answer: BuildAnswer, echo?: NonNullable<Parameters<typeof failedBody>[1]>): Response {
  if (answer.state === 'built')
    return new Response(doneBody(answer.built.pieces, echo ? JSON.stringify(echo) : answer.built.echoJson), DONE);
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
