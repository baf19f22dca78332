/**
 * One GET of a mirror as far as its headers, and the watch over what follows. Shared by everything that reads from a mirror,
 * so that patience, redirects and the sentences about a mirror that fails are the same for a tarball and for its signature.
 */
import { BuildError } from '../../shared/build/build-error.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { AS_USUAL, isWeb, type MayLead, whyNotFollowed } from './redirects.ts';

const MAX_REDIRECTS = 3;

/** Worth another attempt: the network's fault or a passing one of the server's. */
export class PassingFault extends Error {}

/** A place that is not asked: `what` is the clause that says why. */
export class NotFollowed extends BuildError {
  readonly what: string;

  constructor(url: string, what: string) {
    super('upstream_unavailable', sentenceOf(url, what));
    this.what = what;
  }
}

/**
 * Follows redirects by hand: at most three, each only to where it may lead (redirects.ts).
 * @throws NotFollowed; what fetch throws; the signal's reason
 */
export async function request(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal,
  mayLead: MayLead = AS_USUAL,
): Promise<Response> {
  const named = new URL(url);
  if (!isWeb(named)) throw new NotFollowed(url, 'expected http or https');
  let location = named;
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(location.href, { headers, signal, redirect: 'manual' });
    const next = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || response.status === 304 || next === null) return response;
    await response.body?.cancel();
    if (redirects === MAX_REDIRECTS) throw new NotFollowed(url, `it redirects more than ${MAX_REDIRECTS} times`);
    if (!URL.canParse(next, location.href)) throw new NotFollowed(url, 'it redirects to something that is no URL');
    const to = new URL(next, location);
    const refused = await unlessAborted(() => whyNotFollowed({ named, from: location, to }, mayLead), signal);
    if (refused !== null) throw new NotFollowed(url, refused);
    location = to;
  }
}

/** What an answer without the file means. */
export function refusal(url: string, status: number): Error {
  const message = `it answered ${status}`;
  return status >= 500 || status === 429 || status === 408 ? new PassingFault(message) : unavailable(url, message);
}

/** Aborts what it watches when the expected thing does not come, or when the caller gives up. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #pace: NodeJS.Timeout | undefined;
  reason: string | undefined;

  constructor(caller: AbortSignal) {
    this.signal = AbortSignal.any([caller, this.#controller.signal]);
  }

  expect(what: string, withinMs: number): void {
    this.relax();
    this.#timer = setTimeout(() => this.#bite(`${what} did not come within ${withinMs / 1000} s`), withinMs);
  }

  /** While it is we who take our time. */
  relax(): void {
    clearTimeout(this.#timer);
  }

  /** In each such stretch of time so many bytes: one a minute is never idle, and would hold a build for days. */
  expectPace(bytes: number, eachMs: number, doneBytes: () => number): void {
    let before = doneBytes();
    this.#pace = setInterval(() => {
      const got = doneBytes() - before;
      if (got < bytes) this.#bite(`expected at least ${bytes} bytes in ${eachMs / 1000} s, got ${got}: it is too slow`);
      before += got;
    }, eachMs);
  }

  /** It is over, also for who still sends what nobody reads. */
  stop(): void {
    this.relax();
    clearInterval(this.#pace);
    this.#controller.abort();
  }

  #bite(reason: string): void {
    this.reason ??= reason;
    this.#controller.abort();
  }
}

export const unavailable = (url: string, what: string): BuildError =>
  new BuildError('upstream_unavailable', sentenceOf(url, what));

const sentenceOf = (url: string, what: string): string =>
  `Error: The upstream mirror does not answer as it should: ${url}: ${what}. This is not a fault of your request`;

export function describeNetworkError(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return `the connection failed (${String(cause.code)})`;
  return `the connection failed (${cause instanceof Error ? cause.message : String(cause)})`;
}
