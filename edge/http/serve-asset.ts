/**
 * A static file of this Worker (edge/assets). The Worker is asked first for every path and asks for assets itself: their own answers have
 * no CORS, and some redirect. `path` is made by who calls, never taken from a request as it is.
 */
import type { Context } from 'hono';
import type { Env } from '../env.ts';
import { CORS } from './answer.ts';

/** A number where it is not there: what was said instead. */
export async function serveAsset(
  c: Context<{ Bindings: Env }>,
  assets: Fetcher,
  path: string,
  headers: Readonly<Record<'content-type' | 'cache-control', string>> & Readonly<Record<string, string>>,
): Promise<Response | number> {
  const ifNoneMatch = c.req.header('if-none-match');
  const asset = await assets.fetch(`https://assets.invalid/${path}`, {
    headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch },
  });
  if (asset.status !== 200 && asset.status !== 304) {
    await asset.body?.cancel();
    return asset.status;
  }
  const etag = asset.headers.get('etag');
  return new Response(asset.body, {
    status: asset.status,
    headers: { ...CORS, 'x-content-type-options': 'nosniff', ...(etag !== null && { etag }), ...headers },
  });
}
