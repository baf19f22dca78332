/** `PUT /farm/v1/objects/<lease>/<file>[?part=N]`, as RequestUploads said it: the bytes of a file that was granted, streamed through. */
import { Hono } from 'hono';
import { CALL_HEADERS } from '../../shared/node/call-signature.ts';
import { OUTPUT_FILE } from '../../shared/request/grammar.ts';
import { edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { jsonAnswer, methodNotAllowed, problem, titleOf } from '../http/answer.ts';
import { authenticateNode } from '../nodes/node-auth.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';
import { receiveUpload } from '../uploads/uploads.ts';

export const uploadRoutes = new Hono<{ Bindings: Env }>()
  .put('/farm/v1/objects/:lease/:name', async (c) => {
    const context = await edgeContext(c.env);
    const sha256 = c.req.header(CALL_HEADERS.bodySha256) ?? '';
    const caller = await authenticateNode(context, c.req.raw, sha256, Date.now());
    if (!caller.ok) return problem(401, titleOf(401), caller.reason);
    const { lease: leaseId, name } = c.req.param();
    const part = c.req.query('part') ?? '0';
    const sizeBytes = Number(c.req.header('content-length'));
    if (!OUTPUT_FILE.test(name) || !/^\d{1,5}$/.test(part))
      return problem(400, titleOf(400), 'expected a file name and a part number');
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 1 || !c.req.raw.body)
      return problem(411, titleOf(411), 'expected a body with Content-Length');
    try {
      const target = { leaseId, name, part: Number(part), permit: c.req.query('permit') ?? '' };
      const declared = { sizeBytes, sha256 };
      const received = await receiveUpload(context, caller.certificate.nodeId, target, c.req.raw.body, declared);
      return received.ok
        ? jsonAnswer(200, { status: 200, detail: 'stored' })
        : problem(received.status, titleOf(received.status), received.reason);
    } catch (error) {
      if (!isOfTheBytes(error)) throw error;
      // Not in the store's own words: where it is, is nobody's business but the operator's.
      return problem(400, titleOf(400), `expected a body of ${sizeBytes} bytes with sha256 ${sha256}, got another`);
    }
  })
  .all('/farm/v1/objects/*', () => methodNotAllowed('PUT'));

const isOfTheBytes = (error: unknown): boolean =>
  error instanceof ObjectStoreError && (error.kind === 'digest_mismatch' || error.kind === 'size_mismatch');
