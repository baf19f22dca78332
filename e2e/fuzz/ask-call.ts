/** Sends one call as it is, and reads all of what is answered. */
import type { CallAnswer } from './call-answer.ts';

/** @throws TypeError of fetch where the line is cut, DOMException where the signal aborts */
export async function askCall(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<CallAnswer> {
  const response = await fetch(url, { method: 'POST', headers, body: Buffer.from(body), signal });
  return {
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** What a socket takes without anybody reading it. */
const UNREAD_BYTES = 60_000;

/** Refused by its headers, the rest of it unread: over TCP that may cost the answer. */
export const isCutBehindUnread = (body: Uint8Array, { cause }: Error): boolean =>
  body.length > UNREAD_BYTES && ['EPIPE', 'ECONNRESET'].includes(String((cause as { code?: string })?.code));

/** Of a call, for whoever wants to see it. */
export const printed = (headers: Readonly<Record<string, string>>, body: Uint8Array): string =>
  `${JSON.stringify(headers)} ${Buffer.from(body).toString('base64').slice(0, 2_000)}`;
