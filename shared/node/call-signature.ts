/**
 * How a node signs each call: method, audience, path, body digest and time, by its own key. There is no nonce table: calls
 * are idempotent by lease and sequence, so a replay within the minute changes nothing, and a later one is refused.
 */
import { fromBase64Url, toBase64Url } from '../crypto/base64url.ts';
import { type SigningKey, verifyEd25519 } from '../crypto/ed25519.ts';
import { canonical } from '../request/canonical.ts';

export const CLOCK_TOLERANCE_MS = 60_000;

export const CALL_HEADERS = {
  certificate: 'asu-node-certificate',
  time: 'asu-node-time',
  bodySha256: 'asu-body-sha256',
  signature: 'asu-node-signature',
} as const;

/** In the answer to a call that is not believed: milliseconds since 1970, for a node whose clock is wrong. */
export const EDGE_TIME_HEADER = 'asu-edge-time';

export interface SignedCall {
  readonly method: string;
  /** The edge's public key in hex: a call signed for one edge is worthless at another. */
  readonly audience: string;
  /** Path and query. */
  readonly path: string;
  readonly bodySha256: string;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
}

const bytesOf = (call: SignedCall): Uint8Array =>
  new TextEncoder().encode(
    canonical(['asu-node-call-1', call.method, call.audience, call.path, call.bodySha256, call.timeMs]),
  );

export const signCall = async (key: SigningKey, call: SignedCall): Promise<string> =>
  toBase64Url(await key.sign(bytesOf(call)));

/** Null where the call is good, else what is wrong with it, for the node's operator to read. */
export async function faultOfCall(
  publicKey: Uint8Array,
  call: SignedCall,
  signature: string,
  now: number,
): Promise<string | null> {
  const offMs = call.timeMs - now;
  if (!(Math.abs(offMs) <= CLOCK_TOLERANCE_MS))
    return `the node's clock is ${Math.round(offMs / 1000)} s off; set it (the edge's time is ${new Date(now).toISOString()})`;
  const bytes = fromBase64Url(signature);
  if (!bytes || !(await verifyEd25519(publicKey, bytesOf(call), bytes)))
    return 'the call is not signed by the key of its certificate';
  return null;
}
