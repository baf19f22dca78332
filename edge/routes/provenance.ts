/**
 * `GET /api/v1/build/<hash>/provenance`, `/log/head` and `/log/<n>`: by which anybody checks who made an image from what, and that the
 * log of what was published was not changed since. Everything is as it lies in the store, signed; here nothing is said anew.
 */
import { type Context, Hono } from 'hono';
import { storeKey } from '../../shared/build/build-record.ts';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonText, methodNotAllowed, notFound } from '../http/answer.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';
import { storedText } from '../storage/read-text.ts';

type App = Context<{ Bindings: Env }>;

/** More records than these nobody will ever have written. */
const RECORD = /^[1-9][0-9]{0,14}$/;

export const provenanceRoutes = new Hono<{ Bindings: Env }>()
  .get('/api/v1/build/:hash/provenance', getProvenance)
  .all('/api/v1/build/:hash/provenance', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .get('/log/:number', getRecord)
  .all('/log/:number', () => methodNotAllowed('GET, HEAD, OPTIONS'));

async function getProvenance(c: App): Promise<Response> {
  const hash = c.req.param('hash') ?? '';
  if (!isSha256Hex(hash)) return notFound('could not find provided request hash');
  const context = await chargedContext(c);
  const [statements, logged] = await Promise.all([
    storedText(context.store, storeKey.statements(hash)),
    storedText(context.store, storeKey.logged(hash)),
  ]);
  if (statements === null) return notFound('nothing is signed of such a build');
  // Objects of ours, put into one without having been parsed.
  const text = `${statements.slice(0, -1)},"log":${logged ?? 'null'}}`;
  const isPrivate = statements.includes('"salt":');
  return jsonText(200, text, logged !== null && !isPrivate ? { 'cache-control': CACHE_CONTROL.metadata } : {});
}

async function getRecord(c: App): Promise<Response> {
  const number = c.req.param('number') ?? '';
  const isHead = number === 'head';
  if (!isHead && !RECORD.test(number)) return notFound('no such record');
  const context = await chargedContext(c);
  const text = await storedText(context.store, isHead ? storeKey.logHead : storeKey.logRecord(Number(number)));
  if (text === null) return notFound(isHead ? 'nothing was published yet' : 'no such record');
  return jsonText(200, text, { 'cache-control': isHead ? CACHE_CONTROL.metadata : CACHE_CONTROL.image });
}

/** Each of these questions reaches the store. @throws BuildError `too_many_requests` */
async function chargedContext(c: App): Promise<EdgeContext> {
  const context = await edgeContext(c.env);
  await visitOf(context, c.req.raw).charge('misses');
  return context;
}
