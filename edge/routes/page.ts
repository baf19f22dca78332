/**
 * The page for people: one document for each of its addresses, and the files that it names, which Vite made and whose names hold a
 * digest of what is in them. Its policy lets it load from this server and nowhere else, and run nothing that stands in the document:
 * it shows names and logs that others wrote.
 */
import { type Context, Hono } from 'hono';
import type { Env } from '../env.ts';
import { methodNotAllowed, notFound } from '../http/answer.ts';
import { serveAsset } from '../http/serve-asset.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { PAGE_PATHS, viewOf } from '../web/views.ts';

type App = Context<{ Bindings: Env }>;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `main-BX0o3l2v.js`. No name can lead anywhere else. */
const FILE = /^[\w-]{1,64}\.(js|css|svg)$/;
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

export const pageRoutes = new Hono<{ Bindings: Env }>()
  .get('/page/:file', getFile)
  .all('/page/:file', () => methodNotAllowed('GET, HEAD, OPTIONS'));

for (const path of PAGE_PATHS) pageRoutes.get(path, getPage).all(path, () => methodNotAllowed('GET, HEAD, OPTIONS'));

async function getPage(c: App): Promise<Response> {
  if (viewOf(c.req.path) === null) return notFound('no such page');
  return asset(c, 'index.html', 'text/html; charset=utf-8', {
    'cache-control': CACHE_CONTROL.page,
    'content-security-policy': POLICY,
    'referrer-policy': 'no-referrer',
  });
}

function getFile(c: App): Promise<Response> | Response {
  const file = c.req.param('file') ?? '';
  const type = TYPES[FILE.exec(file)?.[1] ?? ''];
  return type === undefined ? notFound('no such page') : asset(c, file, type, { 'cache-control': CACHE_CONTROL.image });
}

async function asset(
  c: App,
  file: string,
  contentType: string,
  more: Readonly<Record<string, string>> & { readonly 'cache-control': string },
): Promise<Response> {
  if (!c.env.ASSETS) return notFound('this server has no page; the API is at /openapi.json');
  const served = await serveAsset(c, c.env.ASSETS, `page/${file}`, { 'content-type': contentType, ...more });
  return typeof served === 'number' ? notFound('no such page') : served;
}
