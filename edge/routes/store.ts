/**
 * `GET` and `HEAD /store/<bin_dir>/<file>`: the bytes. The name is resolved through the build's record, so nothing can be
 * fetched before it is published, and HEAD costs no call to the store. Never a redirect: owut follows none.
 */
import { type Context, Hono } from 'hono';
import { storeKey } from '../../shared/build-record.ts';
import { requestedRange } from '../../shared/byte-range-header.ts';
import { isSha256Hex } from '../../shared/digest.ts';
import { OUTPUT_FILE } from '../../shared/grammar.ts';
import { CORS, methodNotAllowed, notFound, problem, titleOf } from '../answer.ts';
import { findBuilt } from '../build-service.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { etagMatches } from '../etag-matches.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { visitOf } from '../limits/visit.ts';
import type { BuiltResult } from '../results/kept-result.ts';

const ASK_AGAIN_MS = 1_000;

export const storeRoutes = new Hono<{ Bindings: Env }>()
  .get('/store/:hash/:file', getFile)
  .all('/store/*', (c) =>
    ['GET', 'HEAD'].includes(c.req.method) ? notFound('no such file') : methodNotAllowed('GET, HEAD, OPTIONS'),
  );

async function getFile(c: Context<{ Bindings: Env }, '/store/:hash/:file'>): Promise<Response> {
  const { hash, file: name } = c.req.param();
  if (!isSha256Hex(hash) || !OUTPUT_FILE.test(name)) return notFound('no such file');
  const context = await edgeContext(c.env);
  const built = await findBuilt(context, hash, visitOf(context, c.req.raw));
  const file = built?.files.find((candidate) => candidate.name === name);
  if (!built || !file) return notFound('no such file');

  const etag = `"${file.sha256}"`;
  const headers: Record<string, string> = {
    ...CORS,
    'content-type': contentType(name),
    'content-disposition': `attachment; filename="${name}"`,
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    'cache-control': built.record.private ? CACHE_CONTROL.never : CACHE_CONTROL.image,
    'last-modified': new Date(built.record.publishedAt).toUTCString(),
    etag,
  };
  if (etagMatches(c.req.header('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  const ifRange = c.req.header('if-range');
  // RFC 9110, 14.2: a range has a meaning for GET only.
  const isRanged = c.req.method === 'GET' && (ifRange === undefined || ifRange === etag);
  const range = requestedRange(isRanged ? c.req.header('range') : undefined, file.sizeBytes);
  if (range.kind === 'unsatisfiable')
    return problem(
      416,
      titleOf(416),
      `expected a range within ${file.sizeBytes} bytes`,
      {},
      {
        'content-range': `bytes */${file.sizeBytes}`,
      },
    );
  headers['content-length'] = String(file.sizeBytes);
  if (c.req.method === 'HEAD') return new Response(null, { headers });

  const key = storeKey.object(built.record.leaseId, name);
  const object = await context.store.get(key, {
    ...(range.kind === 'part' && { range: { offset: range.offset, length: range.length } }),
    signal: c.req.raw.signal,
  });
  if (!object.exists) {
    await forgetIfGone(context, built, key);
    return notFound('the file was removed from the store; ask for the image again');
  }
  if (object.size !== file.sizeBytes) {
    await object.body.cancel();
    console.error(`${key}: expected ${file.sizeBytes} bytes in the store, got ${object.size}`);
    return notFound('the file in the store is not the one that was published');
  }
  // What the store gave, not what it was asked for: a proxy in front of it may have taken the range away.
  const part = range.kind === 'part' ? object.range : undefined;
  if (part) {
    headers['content-length'] = String(part.length);
    headers['content-range'] = `bytes ${part.offset}-${part.offset + part.length - 1}/${file.sizeBytes}`;
  }
  const status = part ? 206 : 200;
  // Without a fixed length the runtime answers chunked, and auc compares Content-Length with what it received.
  const { readable, writable } = new FixedLengthStream(part?.length ?? file.sizeBytes);
  c.executionCtx.waitUntil(object.body.pipeTo(writable).catch(() => undefined));
  return new Response(readable, { status, headers });
}

/** Forgetting throws a record away and has the image built anew, so the store is asked once more. */
async function forgetIfGone(context: EdgeContext, built: BuiltResult, key: string): Promise<void> {
  await scheduler.wait(ASK_AGAIN_MS);
  const { exists } = await context.store.head(key);
  console.error(`${key} is ${exists ? 'there again after it was not' : 'gone; its build is forgotten'}`);
  if (!exists) await context.results.forget(built.record);
}

function contentType(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  if (name.endsWith('.manifest') || name === 'sha256sums') return 'text/plain; charset=utf-8';
  return 'application/octet-stream';
}
