/**
 * Who calls? Certificate, clock and signature of a node's call are checked here, in the stateless Worker, so that a
 * stranger, however many there are, never reaches the Foreman.
 */

import { hexToBytes, isSha256Hex } from '../../shared/crypto/digest.ts';
import { CALL_HEADERS, faultOfCall } from '../../shared/node/call-signature.ts';
import { type NodeCertificate, verifyNodeCertificate } from '../../shared/node/node-identity.ts';
import type { EdgeContext } from '../edge-context.ts';

export type Authentication =
  | { readonly ok: true; readonly certificate: NodeCertificate }
  | { readonly ok: false; readonly reason: string };

/**
 * `bodySha256`: of the body as received; for uploads as declared, since those bytes are checked while
 * they are stored. `certificateGraceMs`: how long ago the certificate may have ended.
 */
export async function authenticateNode(
  context: EdgeContext,
  request: Request,
  bodySha256: string,
  now: number,
  certificateGraceMs = 0,
): Promise<Authentication> {
  const certificateText = request.headers.get(CALL_HEADERS.certificate);
  const signature = request.headers.get(CALL_HEADERS.signature);
  const time = request.headers.get(CALL_HEADERS.time);
  if (certificateText === null) return { ok: false, reason: 'no node certificate; join first' };
  if (signature === null || time === null || !isSha256Hex(bodySha256))
    return { ok: false, reason: `expected the headers ${Object.values(CALL_HEADERS).join(', ')}` };
  const certificate = await verifyNodeCertificate(
    context.keys.signing.publicKey,
    certificateText,
    now - certificateGraceMs,
  );
  if (!certificate.ok) return certificate;
  const url = new URL(request.url);
  const fault = await faultOfCall(
    new Uint8Array(hexToBytes(certificate.claim.publicKey)),
    {
      method: request.method,
      audience: context.audience,
      path: url.pathname + url.search,
      bodySha256,
      timeMs: /^\d{1,15}$/.test(time) ? Number(time) : Number.NaN,
    },
    signature,
    now,
  );
  return fault === null ? { ok: true, certificate: certificate.claim } : { ok: false, reason: fault };
}
