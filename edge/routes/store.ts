/**
 * `GET` and `HEAD /store/<bin_dir>/<file>`: the bytes. The name is resolved through the build's record, so nothing can be
 * fetched before it is published. Never a redirect: owut follows none.
 */
import { type Context, Hono } from 'hono';
import { isSha256Hex } from '../../shared/crypto/digest.ts';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { findBuilt } from '../builds/find-build.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { methodNotAllowed, notFound, problem, titleOf } from '../http/answer.ts';
import type { Refuse } from '../http/download.ts';
import { serveFile } from '../http/serve-file.ts';
import { visitOf } from '../limits/visit.ts';

export const storeRoutes = new Hono<{ Bindings: Env }>()
  .get('/store/:hash/:file', getFile)
  .all('/store/*', (c) =>
    ['GET', 'HEAD'].includes(c.req.method) ? notFound('no such file') : methodNotAllowed('GET, HEAD, OPTIONS'),
  );

const refuse: Refuse = (status, detail, headers) => problem(status, titleOf(status), detail, {}, headers);

async function getFile(c: Context<{ Bindings: Env }, '/store/:hash/:file'>): Promise<Response> {
  const { hash, file: name } = c.req.param();
  if (!isSha256Hex(hash) || !OUTPUT_FILE.test(name)) return notFound('no such file');
  const context = await edgeContext(c.env);
  const built = await findBuilt(context, hash, visitOf(context, c.req.raw));
  const file = built?.files.find((candidate) => candidate.name === name);
  return built && file ? serveFile(c, context, built, file, refuse) : notFound('no such file');
}
