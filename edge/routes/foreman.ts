/**
 * The calls of farm nodes, over HTTP: how much may come, who calls, and whether it is a message at all. The calls themselves are answered
 * by foreman-service.ts.
 */
import { createContextValues } from '@connectrpc/connect';
import { createFetchHandler } from '@connectrpc/connect/protocol';
import { type Context, Hono } from 'hono';
import { BuildError } from '../../shared/build/build-error.ts';
import { sha256Hex } from '../../shared/crypto/digest.ts';
import { EDGE_TIME_HEADER } from '../../shared/node/call-signature.ts';
import { BODY_FAULT, checkedBody } from '../../shared/node/checked-body.ts';
import type { NodeCertificate } from '../../shared/node/node-identity.ts';
import { addressIn } from '../../shared/request/client-key.ts';
import { networkOf } from '../../shared/trust/network-of.ts';
import { type EdgeContext, edgeContext } from '../edge-context.ts';
import type { Env } from '../env.ts';
import { CORS, JSON_HEADERS } from '../http/answer.ts';
import { readBody } from '../http/read-body.ts';
import { CALLER, foremanService, MAX_MESSAGE_BYTES } from '../nodes/foreman-service.ts';
import { authenticateNode } from '../nodes/node-auth.ts';

export const foremanRoutes = new Hono<{ Bindings: Env }>();

for (const handler of foremanService.handlers) {
  foremanRoutes.post(handler.requestPath, async (c: Context<{ Bindings: Env }>) => {
    const context = await edgeContext(c.env);
    const body = await messageOf(c.req.raw);
    if (!body) return refused(429, 'resource_exhausted', `expected a message of at most ${MAX_MESSAGE_BYTES} bytes`);
    let certificate: NodeCertificate | null = null;
    if (handler.method.name !== 'Join') {
      const caller = await authenticateNode(
        context,
        c.req.raw,
        sha256Hex(body),
        Date.now(),
        graceOf(handler.method.name),
      );
      if (!caller.ok) return refused(401, 'unauthenticated', caller.reason, { [EDGE_TIME_HEADER]: String(Date.now()) });
      certificate = caller.certificate;
    }
    const checked = checkedBody(handler.method.input, (name) => c.req.raw.headers.get(name), body);
    const contextValues = createContextValues()
      .set(CALLER, { context, certificate, network: whence(context, c.req.raw) })
      .set(BODY_FAULT, checked.fault);
    const answer = createFetchHandler((request) => handler({ ...request, contextValues }));
    // The path is all that the handler looks at, and a Host header may be no part of any URL.
    const url = `https://edge.invalid${handler.requestPath}`;
    const call = new Request(url, { method: 'POST', headers: c.req.raw.headers, body: checked.body });
    // Of the body that this one stands for.
    if (checked.fault !== null) call.headers.delete('content-length');
    const answered = await answer(call);
    if (answered.status === 415) return refused(415, 'unknown', 'expected application/proto or application/json');
    // As on every answer; whoever looks into this from a browser shall see the error and not a riddle.
    for (const [name, value] of Object.entries(CORS)) answered.headers.set(name, value);
    return answered;
  });
}

/** A machine that was switched off for a month comes back by Renew, where the Foreman still knows whether it was revoked. */
const graceOf = (method: string): number => (method === 'Renew' ? 90 * 24 * 3_600_000 : 0);

function whence({ config }: EdgeContext, request: Request): string {
  const header = config.CLIENT_ADDRESS_HEADER;
  const address = header === '' ? '' : addressIn(request.headers.get(header) ?? '');
  return networkOf(address, (request as Request<unknown, { readonly asn?: unknown }>).cf?.asn);
}

/** Null for one that is too large. */
async function messageOf(request: Request): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return await readBody(request, MAX_MESSAGE_BYTES);
  } catch (error) {
    if (error instanceof BuildError && error.kind === 'body_too_large') return null;
    throw error;
  }
}

/** As Connect spells an error of a unary call, without having parsed the call. */
const refused = (
  status: number,
  code: string,
  message: string,
  more: Readonly<Record<string, string>> = {},
): Response => new Response(JSON.stringify({ code, message }), { status, headers: { ...JSON_HEADERS, ...more } });
