/** Puts a piece of a log where the edge keeps it, by a call that is signed like an upload. */
import { LOG_PERMIT_HEADER } from '../../shared/build/build-log.ts';
import { sha256Hex, utf8ToBytes } from '../../shared/crypto/digest.ts';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import { callHeaders, type Membership } from '../membership/edge-client.ts';

export interface LogPlace {
  readonly edgeUrl: string;
  readonly key: SigningKey;
  readonly membership: () => Membership | null;
  readonly leaseId: string;
  /** As it came with the order; empty where none did. */
  readonly permit: string;
}

const TIMEOUT_MS = 10_000;
/** The lease is over, the build is private, the edge has other bytes or knows of no logs: none of this changes. */
const FOR_GOOD: readonly number[] = [400, 403, 404, 405, 409, 413];

/** @throws where another try may help */
export async function putLogPiece(
  place: LogPlace,
  piece: number,
  text: string,
  signal: AbortSignal,
): Promise<{ readonly refused: string | null }> {
  const url = new URL(`/farm/v1/logs/${place.leaseId}/${piece}`, place.edgeUrl);
  const body = utf8ToBytes(text) as Uint8Array<ArrayBuffer>;
  const signed = await callHeaders(place.key, place.membership(), 'PUT', url, sha256Hex(body));
  const headers = place.permit === '' ? signed : { ...signed, [LOG_PERMIT_HEADER]: place.permit };
  const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const response = await fetch(url, { method: 'PUT', body, headers, signal: within, redirect: 'error' });
  const said = (await response.text()).slice(0, 200);
  if (response.ok) return { refused: null };
  if (FOR_GOOD.includes(response.status)) return { refused: `status ${response.status}: ${said}` };
  throw new Error(`status ${response.status}`);
}
