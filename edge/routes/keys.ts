/**
 * `GET /keys/usign.pub`: by which clients check `sha256sums.sig`. It goes into `/etc/opkg/keys` of a router under its own id.
 * `GET /keys/edge.pub`: by which anybody checks what vouches for an image, and the log.
 */
import { Hono } from 'hono';
import type { ServerKeys } from '../../shared/crypto/server-keys.ts';
import { toPem } from '../../shared/trust/public-key-pem.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { methodNotAllowed, notFound, problem, titleOf } from '../http/answer.ts';
import { sendText } from '../http/download.ts';
import { CACHE_CONTROL } from '../lifetimes.ts';

/** Keys change with the server's secret only, and never at a time that anybody would write down. */
const MADE_AT = 0;

const KEYS: Readonly<Record<string, (keys: ServerKeys) => string>> = {
  '/keys/usign.pub': ({ usign }) => usign.publicKey,
  '/keys/edge.pub': ({ signing }) => toPem(signing.publicKey),
};

export const keyRoutes = new Hono<{ Bindings: Env }>();

for (const [path, textOf] of Object.entries(KEYS))
  keyRoutes
    .get(path, async (c) => {
      const { keys } = await edgeContext(c.env);
      const about = {
        contentType: 'text/plain; charset=utf-8',
        cacheControl: CACHE_CONTROL.documentation,
        modifiedAt: MADE_AT,
      };
      return sendText(c.req.raw, textOf(keys), about, (status, detail, headers) =>
        problem(status, titleOf(status), detail, {}, headers),
      );
    })
    .all(path, () => methodNotAllowed('GET, HEAD, OPTIONS'));

keyRoutes.all('/keys/*', () => notFound('no such key'));
