/**
 * `/json/<path>/` and `/download/<path>/`: the files of a build as clients of 2018 and 2019 fetch them. Two names for one thing, and
 * `/json/v1` beside it is another API's. Who knows a path may have what lies there, with `defaults` or without; what lies above
 * it is listed to nobody.
 */
import { type Context, Hono } from 'hono';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { isFilePath, LOG_FILE, SIGNATURE_FILE, SUMS_FILE } from '../../shared/seed/file-path.ts';
import { type BuildAnswer, findBuild, findBuilt } from '../builds/find-build.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { type Refuse, sendText } from '../http/download.ts';
import { serveFile } from '../http/serve-file.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { type Visit, visitOf } from '../limits/visit.ts';
import type { BuiltResult } from '../results/kept-result.ts';
import { listDirectory } from '../seed/build-directory.ts';
import type { EndedBuild } from '../seed/build-logs.ts';
import { findByPrefix } from '../seed/find-by-prefix.ts';
import { seedErrorAnswer, seedMethodNotAllowed, seedProblem } from '../seed/seed-answer.ts';

type App = Context<{ Bindings: Env }>;

const TEXT = 'text/plain; charset=utf-8';

const notAllowed = (): Response => seedMethodNotAllowed('GET, HEAD, OPTIONS');

export const seedFileRoutes = new Hono<{ Bindings: Env }>()
  .get('/json/*', (c, next) => (isV1(c.req.path) ? next() : answer(c)))
  .all('/json/*', (c, next) => (isV1(c.req.path) ? next() : notAllowed()))
  .get('/download/*', answer)
  .all('/download/*', notAllowed);

/** Another API's. */
const isV1 = (path: string): boolean => /^\/json\/v1(?:\/|$)/.test(path);

const refuse: Refuse = (status, detail, headers) => seedProblem(status, detail, {}, headers);
const notThere = (): Response => refuse(404, 'no such file');

async function answer(c: App): Promise<Response> {
  const [, , path = '', name = '', ...deeper] = c.req.path.split('/');
  if (path === '' && deeper.length === 0)
    return seedProblem(403, 'builds are not listed; expected the path that an answer named as files');
  const file = decoded(name);
  if (!isFilePath(path) || deeper.length > 0 || !(file === '' || OUTPUT_FILE.test(file))) return notThere();
  try {
    const context = await edgeContext(c.env);
    const visit = visitOf(context, c.req.raw);
    // Of a build that failed there is no record to be found under less; of one that did not, there need be no other answer.
    if (file === LOG_FILE && isSha256Hex(path))
      return await log(c, context, await findBuild(context, path, visit), visit);
    const hash = isSha256Hex(path) ? path : await findByPrefix(context, path, visit);
    const built = hash && (await findBuilt(context, hash, visit));
    if (!built) return notThere();
    if (file === LOG_FILE) return await log(c, context, { state: 'built', built }, visit);
    return await (file === '' ? listing(c, context, built, visit) : fileOf(c, context, built, file));
  } catch (error) {
    return seedErrorAnswer(error);
  }
}

/** What cannot be decoded is no name. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '%';
  }
}

async function listing(c: App, context: EdgeContext, built: BuiltResult, visit: Visit): Promise<Response> {
  const files = await listDirectory(context, built, visit, c.req.raw.signal);
  return text(c, JSON.stringify(files), 'application/json; charset=utf-8', built.record);
}

async function fileOf(c: App, context: EdgeContext, built: BuiltResult, name: string): Promise<Response> {
  if (name === SUMS_FILE) return text(c, (await context.sums.of(built)).sums, TEXT, built.record);
  if (name === SIGNATURE_FILE) return text(c, (await context.sums.of(built)).signature, TEXT, built.record);
  const file = built.files.find((candidate) => candidate.name === name);
  return file ? serveFile(c, context, built, file, refuse) : notThere();
}

/** A build that failed has this one file. */
async function log(c: App, context: EdgeContext, found: BuildAnswer | null, visit: Visit): Promise<Response> {
  if (!found) return notThere();
  if (found.state === 'pending') return refuse(404, 'the build has not ended');
  return text(c, await context.buildLogs.textOf(found, visit, c.req.raw.signal), TEXT, aboutEnd(found));
}

const aboutEnd = (ended: EndedBuild): About =>
  ended.state === 'built'
    ? ended.built.record
    : { private: ended.failed.failure.private, publishedAt: ended.failed.failure.failedAt };

type About = Pick<BuiltResult['record'], 'private' | 'publishedAt'>;

/** Kept for a minute: a log may come late, and the key that signs may be another one tomorrow. */
function text(c: App, body: string, contentType: string, about: About): Response {
  const cacheControl = about.private ? CACHE_CONTROL.never : CACHE_CONTROL.metadata;
  return sendText(c.req.raw, body, { contentType, cacheControl, modifiedAt: about.publishedAt }, refuse);
}
