/**
 * `PUT /farm/v1/logs/<lease>/<piece>`: a piece of what a build prints, from the node that builds it, for those who listen. It
 * is written once; again with the same bytes is the answer that was lost.
 */
import { Hono } from 'hono';
import { LOG_LIMITS, LOG_PERMIT_HEADER, logPieceNumber } from '../../shared/build/build-log.ts';
import { storeKey } from '../../shared/build/build-record.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { CALL_HEADERS } from '../../shared/node/call-signature.ts';
import { edgeContext, foremanOf } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonAnswer, methodNotAllowed, problem, titleOf } from '../http/answer.ts';
import { readBody } from '../http/read-body.ts';
import { authenticateNode } from '../nodes/node-auth.ts';

export const logRoutes = new Hono<{ Bindings: Env }>()
  .put('/farm/v1/logs/:lease/:piece', async (c) => {
    const no = (status: number, reason: string): Response => problem(status, titleOf(status), reason);
    const context = await edgeContext(c.env);
    const sha256 = c.req.header(CALL_HEADERS.bodySha256) ?? '';
    const caller = await authenticateNode(context, c.req.raw, sha256, Date.now());
    if (!caller.ok) return no(401, caller.reason);
    const { lease: leaseId, piece: number } = c.req.param();
    const piece = logPieceNumber(number);
    if (piece === null) return no(400, `expected the number of a piece, from 1 to ${LOG_LIMITS.pieces}`);
    const bytes = await readBody(c.req.raw, LOG_LIMITS.pieceBytes);
    if (bytes.length === 0 || sha256Hex(bytes) !== sha256) return no(400, `expected a body with sha256 ${sha256}`);
    const permit = c.req.header(LOG_PERMIT_HEADER) ?? '';
    const refused = await context.logPermits.refuse(caller.certificate.nodeId, leaseId, permit, (node, lease) =>
      foremanOf(context.env).refuseLog(node, lease),
    );
    if (refused !== null) return no(403, refused);
    const key = storeKey.log(leaseId, piece);
    const stored = await context.store.head(key);
    // Nodes write one piece after the other, so nobody writes this one between the look and the write.
    if (stored.exists && (stored.size !== bytes.length || stored.sha256 !== sha256))
      return no(409, `piece ${piece} is written already, with other bytes`);
    const described = { size: bytes.length, sha256, contentType: 'text/plain; charset=utf-8' };
    if (!stored.exists) await context.store.put(key, bytes, described);
    return jsonAnswer(200, { status: 200, detail: 'stored' });
  })
  .all('/farm/v1/logs/*', () => methodNotAllowed('PUT'));
