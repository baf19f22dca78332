/**
 * One question to a server and its answer in JSON, with an end to everything: to waiting, to reading, to believing. What answers
 * may be a captive portal, a proxy in front of a server that is down, or somebody who never stops sending.
 */
import { SERVER_VERSION } from '../../shared/server-version.ts';
import { printable } from '../../shared/text/printable.ts';
import { describeNetworkError, Watchdog } from '../imagebuilder/mirror-request.ts';
import { BadAnswer, NotNow, RequestRefused } from './faults.ts';
import { whatIsSaid } from './what-is-said.ts';

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  /** Undefined for a 204. */
  readonly json: unknown;
}

export const CONNECT_TIMEOUT_MS = 30_000;
const BODY_TIMEOUT_MS = 120_000;
/** An image with 1,000 packages has an answer of some 100 KiB. */
const MAX_BYTES = 4 * 1024 ** 2;
/** A server that asks for more is not waited for in any case. */
const MAX_RETRY_AFTER_SECONDS = 24 * 3_600;
/** Proxies and edges say these of themselves, so no build has failed. */
const PASSING = [408, 425, 429, 502, 503, 504];

/** How a body comes that may be a whole image: one byte a minute is never idle, and would last for years. */
export const IMAGE_COMES = { idleMs: 60_000, pace: { bytes: 64 * 1024, ms: 300_000 } } as const;
/** In the place of an image. */
export const MAX_ERROR_BYTES = 256 * 1024;

export const CLIENT_NAME = `asu/${SERVER_VERSION}`;

/**
 * A 200, 202 or 204.
 * @throws NotNow; RequestRefused for what the server will not do; BadAnswer for what is no answer of such a server
 */
export async function ask(url: string, question: Question, signal: AbortSignal): Promise<Answer> {
  return await within(signal, async (watchdog) => {
    watchdog.expect('an answer', CONNECT_TIMEOUT_MS);
    const response = await open(url, question, watchdog.signal);
    watchdog.expect('the whole answer', BODY_TIMEOUT_MS);
    const { status } = response;
    const text = await readText(response, MAX_BYTES);
    if (status === 204) return { status, json: undefined };
    if (status === 200 || status === 202) return { status, json: parsed(text, status) };
    throw refusalOf(response, text);
  });
}

/**
 * A 200 that is no JSON, as text. `what`: for who reads that it did not come.
 * @throws as `ask`
 */
export async function askText(
  url: string,
  { what, maxBytes, timeoutMs }: { readonly what: string; readonly maxBytes: number; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<string> {
  return await within(signal, async (watchdog) => {
    watchdog.expect(what, timeoutMs);
    const response = await open(url, {}, watchdog.signal);
    const text = await readText(response, maxBytes);
    if (response.status === 200) return text;
    throw refusalOf(response, text);
  });
}

/** Not followed: a POST that is sent on becomes a GET, and who asks should know whom. */
export async function open(url: string, { method, body, headers }: Question, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, {
    method: method ?? 'GET',
    redirect: 'manual',
    headers: {
      'user-agent': CLIENT_NAME,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body }),
    signal,
  });
  if (response.status < 300 || response.status > 399) return response;
  await response.body?.cancel();
  const location = printable(response.headers.get('location') ?? 'nowhere', 200);
  throw new BadAnswer(`the server sends on to ${location}; an asu server does not, so give the address that it is at`);
}

/** Watches over `work`; its faults of the network become NotNow. */
export async function within<T>(signal: AbortSignal, work: (watchdog: Watchdog) => Promise<T>): Promise<T> {
  const watchdog = new Watchdog(signal);
  try {
    return await work(watchdog);
  } catch (error) {
    signal.throwIfAborted();
    if (watchdog.reason !== undefined) throw new NotNow(watchdog.reason);
    if (!isOfLine(error)) throw error;
    const told = printable(describeNetworkError(error), 200);
    throw isOfCertificate(error)
      ? new BadAnswer(`${told}: the server's certificate is not to be believed`)
      : new NotNow(told);
  } finally {
    watchdog.stop();
  }
}

/** What fetch says where there is no connection, and where a body breaks off. */
const isOfLine = (error: unknown): error is TypeError =>
  error instanceof TypeError && /^(?:fetch failed|terminated)$/.test(error.message);

/** No waiting mends it. */
const isOfCertificate = ({ cause }: Error): boolean =>
  cause instanceof Error && 'code' in cause && /CERT|SELF_SIGNED|LEAF_SIGNATURE|ALTNAME/.test(String(cause.code));

/** @throws BadAnswer where there is more of it */
export async function readText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BadAnswer(`expected an answer of at most ${maxBytes} bytes, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string, status: number): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadAnswer(`expected JSON with status ${status}, got ${whatItIs(text)}`);
  }
}

/** By the bytes: portals call their pages whatever they like. */
export const whatItIs = (text: string): string =>
  text.trimStart().startsWith('<')
    ? 'an HTML page (of a captive portal, a proxy, or something that is no asu server)'
    : `${JSON.stringify(printable(text.slice(0, 60)))}`;

/** What an answer without what was asked for means. */
export function refusalOf({ status, headers }: Response, text: string): Error {
  const said = whatIsSaid(text);
  if (PASSING.includes(status) || (status >= 500 && !said?.isFailedBuild))
    return new NotNow(said?.sentence ?? `the server answers ${status}`, retryAfterMs(headers));
  return said === null
    ? new BadAnswer(`expected JSON with status ${status}, got ${whatItIs(text)}`)
    : new RequestRefused(status, said.sentence, said);
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(headers: Headers): number {
  const said = headers.get('retry-after') ?? '';
  const seconds = /^\d{1,9}$/.test(said) ? Number(said) : (Date.parse(said) - Date.now()) / 1000;
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) * 1000 : 0;
}
