/**
 * A GET by somebody who expects the worst of whoever answers: bounded in time and bytes, and the answer is data, whatever it
 * is. Edge, upstream, store and clock are all judged by such answers.
 */
export type Answer =
  | {
      readonly state: 'answered';
      readonly status: number;
      readonly isHtml: boolean;
      /** Its beginning. */
      readonly body: string;
      /** How far the answerer's clock is ahead of ours; null where it shows none. */
      readonly aheadMs: number | null;
    }
  | { readonly state: 'failed'; readonly reason: string };

export type Reach = (url: string) => Promise<Answer>;

const PATIENCE_MS = 10_000;
const MAX_BYTES = 256 * 1024;

/** Each URL is asked once. */
export function reachOnce(signal: AbortSignal, now: () => number = Date.now): Reach {
  const answers = new Map<string, Promise<Answer>>();
  return (url) => {
    const known = answers.get(url);
    if (known) return known;
    const asked = get(url, signal, now);
    answers.set(url, asked);
    return asked;
  };
}

async function get(url: string, caller: AbortSignal, now: () => number): Promise<Answer> {
  const signal = AbortSignal.any([caller, AbortSignal.timeout(PATIENCE_MS)]);
  const sentMs = now();
  try {
    const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
    const receivedMs = now();
    const body = await beginningOf(response);
    return {
      state: 'answered',
      status: response.status,
      isHtml: isHtml(response.headers.get('content-type'), body),
      body,
      aheadMs: aheadOf(response.headers, (sentMs + receivedMs) / 2),
    };
  } catch (error) {
    return { state: 'failed', reason: reasonOf(error) };
  }
}

async function beginningOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop closes the connection.
    if (text.length > MAX_BYTES) break;
  }
  return text.slice(0, MAX_BYTES);
}

/** By its words, since portals often say `text/plain` or nothing. */
export const isHtml = (contentType: string | null, body: string): boolean =>
  /html/i.test(contentType ?? '') || /^\s*<(?:!doctype|html|head|body|script|meta)/i.test(body.slice(0, 500));

/** A cache shows the time at which the answer was made, and its age (RFC 9111, 5.1). */
function aheadOf(headers: Headers, atMs: number): number | null {
  const dateMs = Date.parse(headers.get('date') ?? '');
  const age = headers.get('age') ?? '0';
  return Number.isNaN(dateMs) || !/^\d{1,9}$/.test(age) ? null : dateMs + Number(age) * 1000 - atMs;
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${PATIENCE_MS / 1000} s`;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}
