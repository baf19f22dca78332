/** `GET /keys/usign.pub`: by which clients check `sha256sums.sig`. It goes into `/etc/opkg/keys` of a router under its own id. */
import { Hono } from 'hono';
import { methodNotAllowed, notFound, problem, titleOf } from '../answer.ts';
import { sendText } from '../download.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';

/** Keys change with the server's secret only, and never at a time that anybody would write down. */
const MADE_AT = 0;

export const keyRoutes = new Hono<{ Bindings: Env }>()
  .get('/keys/usign.pub', async (c) => {
    const { keys } = await edgeContext(c.env);
    const about = {
      contentType: 'text/plain; charset=utf-8',
      cacheControl: CACHE_CONTROL.documentation,
      modifiedAt: MADE_AT,
    };
    return sendText(c.req.raw, keys.usign.publicKey, about, (status, detail, headers) =>
      problem(status, titleOf(status), detail, {}, headers),
    );
  })
  .all('/keys/usign.pub', () => methodNotAllowed('GET, HEAD, OPTIONS'))
  .all('/keys/*', () => notFound('no such key'));
