/**
 * `GET /openapi.json`: the API's document, made from the schemas that validate. `GET /docs`: a page that shows it, by a
 * viewer whose files `npm ci` put into edge/assets; nothing of it comes from another server.
 */
import { type Context, Hono } from 'hono';
import { openApiDocument } from '../../shared/api/openapi-document.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import type { EdgeSettings } from '../../shared/edge-settings.ts';
import { configOf } from '../config.ts';
import type { Env } from '../env.ts';
import { CORS, JSON_HEADERS, methodNotAllowed, notFound } from '../http/answer.ts';
import { DOCS_PAGE, docsPagePolicy } from '../http/docs-page.ts';
import { etagMatches } from '../http/etag-matches.ts';
import { serveAsset } from '../http/serve-asset.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';
import { logError } from '../log.ts';

/** What edge/assets-from-packages.mjs copies. Nothing else is asked of the assets, so no name can lead anywhere else. */
const VIEWER_FILES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js.LICENSE.txt', 'text/plain; charset=utf-8'],
  ['LICENSE', 'text/plain; charset=utf-8'],
  ['NOTICE', 'text/plain; charset=utf-8'],
]);

type App = Context<{ Bindings: Env }>;

export const docsRoutes = new Hono<{ Bindings: Env }>()
  .get('/openapi.json', getDocument)
  .get('/docs', getPage)
  .get('/docs/:file', getViewerFile)
  .all('/openapi.json', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .all('/docs', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .all('/docs/:file', () => methodNotAllowed('GET, HEAD, OPTIONS'));

const documents = new WeakMap<EdgeSettings, { readonly text: string; readonly etag: string }>();

/** Made when an isolate is first asked for it, and kept. */
function documentOf(config: EdgeSettings) {
  const known = documents.get(config);
  if (known) return known;
  const text = JSON.stringify(openApiDocument(config.PUBLIC_URL));
  const document = { text, etag: `"${sha256Hex(text)}"` };
  documents.set(config, document);
  return document;
}

function getDocument(c: App): Response {
  const { text, etag } = documentOf(configOf(c.env));
  const headers = { ...JSON_HEADERS, 'cache-control': CACHE_CONTROL.documentation, etag };
  return etagMatches(c.req.header('if-none-match'), etag)
    ? new Response(null, { status: 304, headers })
    : new Response(text, { headers });
}

function getPage(c: App): Response {
  const { PUBLIC_URL } = configOf(c.env);
  return new Response(DOCS_PAGE, {
    headers: {
      ...CORS,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': docsPagePolicy(PUBLIC_URL === '' ? null : new URL(PUBLIC_URL).origin),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': CACHE_CONTROL.documentation,
    },
  });
}

async function getViewerFile(c: App): Promise<Response> {
  const file = c.req.param('file') ?? '';
  const contentType = VIEWER_FILES.get(file);
  if (contentType === undefined || !c.env.ASSETS) return notFound('no such page');
  const served = await serveAsset(c, c.env.ASSETS, `docs/${file}`, {
    'content-type': contentType,
    'cache-control': CACHE_CONTROL.documentation,
  });
  if (typeof served !== 'number') return served;
  logError('a file of the viewer is not there; `npm ci` puts it there', { file, status: served });
  return notFound('the viewer is not installed on this server; /openapi.json is what it would show');
}
