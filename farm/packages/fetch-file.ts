/**
 * One file of a mirror into a file of ours, its digest taken on the way. Unlike an ImageBuilder's, the digest need not be known
 * beforehand, so an attempt never goes on where another ended: the halves of two days' files would make a third.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DownloadLimits } from '../imagebuilder/download.ts';
import { describeNetworkError, NotFollowed, request, Watchdog } from '../imagebuilder/mirror-request.ts';
import type { MayLead } from '../imagebuilder/redirects.ts';
import { FILE_MODE } from './package-store.ts';

/** What a mirror said that a file can be told by (RFC 9110, 8.8). */
export interface Validators {
  readonly etag?: string;
  readonly lastModified?: string;
}

export interface FileWish {
  readonly url: string;
  /** 64 hex digits; undefined where nothing says what it should be. */
  readonly sha256?: string | undefined;
  readonly maxBytes: number;
  /** Is it of a feed that the request brought? */
  readonly isForeign?: boolean;
  /** Of the copy that is here already. */
  readonly unless?: Validators | undefined;
  readonly signal: AbortSignal;
}

export type FetchedFile =
  | { readonly state: 'unchanged' }
  | {
      readonly state: 'fetched';
      readonly sha256: string;
      readonly sizeBytes: number;
      readonly validators: Validators;
    };

/**
 * Why a mirror did not give a file. `silent`: nobody answered, not even with a no; `passing`: it answered with a fault of the
 * moment; `missing`: there is no such file; `refused`: what it answered cannot be used, now and later.
 */
export class UpstreamFault extends Error {
  readonly url: string;
  readonly what: string;
  readonly state: 'silent' | 'passing' | 'missing' | 'refused';

  constructor(url: string, what: string, state: UpstreamFault['state'], options?: ErrorOptions) {
    super(`${url}: ${what}`, options);
    this.url = url;
    this.what = what;
    this.state = state;
  }
}

/** @throws UpstreamFault; what the file system throws; the signal's reason */
export async function fetchFile(
  wish: FileWish,
  path: string,
  limits: DownloadLimits,
  mayLead: MayLead,
): Promise<FetchedFile> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(wish, path, limits, mayLead);
    } catch (error) {
      wish.signal.throwIfAborted();
      const isPassing = error instanceof UpstreamFault && (error.state === 'silent' || error.state === 'passing');
      if (!isPassing || attempt >= limits.attempts) throw error;
      const backoffMs = limits.backoffMs * 2 ** (attempt - 1);
      await sleep(backoffMs + Math.random() * backoffMs, undefined, { signal: wish.signal });
    }
  }
}

async function attemptOnce(
  wish: FileWish,
  path: string,
  limits: DownloadLimits,
  mayLead: MayLead,
): Promise<FetchedFile> {
  const { url } = wish;
  const watchdog = new Watchdog(wish.signal);
  let answered = false;
  try {
    watchdog.expect('an answer', limits.connectTimeoutMs);
    const response = await request(url, headersOf(wish.unless), watchdog.signal, mayLead);
    answered = true;
    if (response.status === 304 && wish.unless) return { state: 'unchanged' };
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new UpstreamFault(url, `it answered ${response.status}`, stateOf(response.status));
    }
    if (/html/i.test(response.headers.get('content-type') ?? '')) {
      await response.body?.cancel();
      throw new UpstreamFault(url, 'it sent an HTML page', 'refused');
    }
    const copied = await copyBody(response, wish, path, limits, watchdog);
    if (wish.sha256 !== undefined && copied.sha256 !== wish.sha256)
      throw new UpstreamFault(url, `expected sha256 ${wish.sha256}, got ${copied.sha256}`, 'refused');
    return { state: 'fetched', ...copied, validators: validatorsOf(response) };
  } catch (error) {
    if (error instanceof UpstreamFault) throw error;
    if (error instanceof NotFollowed) throw new UpstreamFault(url, error.what, 'refused', { cause: error });
    if (error instanceof LocalFault) throw error.cause;
    const what = watchdog.reason ?? describeNetworkError(error);
    throw new UpstreamFault(url, what, answered ? 'passing' : 'silent', { cause: error });
  } finally {
    watchdog.stop();
  }
}

const headersOf = (unless: Validators | undefined): Record<string, string> => ({
  // Lengths and digests are of the file, not of a compressed transfer.
  'accept-encoding': 'identity',
  ...(unless?.etag === undefined ? {} : { 'if-none-match': unless.etag }),
  ...(unless?.lastModified === undefined ? {} : { 'if-modified-since': unless.lastModified }),
});

const stateOf = (status: number): UpstreamFault['state'] => {
  if (status === 404 || status === 410) return 'missing';
  return status >= 500 || status === 429 || status === 408 ? 'passing' : 'refused';
};

function validatorsOf(response: Response): Validators {
  const [etag, lastModified] = [response.headers.get('etag'), response.headers.get('last-modified')];
  return { ...(etag === null ? {} : { etag }), ...(lastModified === null ? {} : { lastModified }) };
}

/** Our own disk, not the network: must not be tried again, nor called the mirror's fault. */
class LocalFault extends Error {}

async function copyBody(
  response: Response,
  { url, maxBytes }: FileWish,
  path: string,
  limits: DownloadLimits,
  watchdog: Watchdog,
): Promise<{ sha256: string; sizeBytes: number }> {
  const length = response.headers.get('content-length');
  // Else a connection that is cut looks like the end of the file, and there may be no digest to tell.
  if (length === null && response.headers.get('transfer-encoding') === null)
    throw new UpstreamFault(url, 'it does not say how long the file is', 'refused');
  const atMost = (bytes: number): void => {
    if (bytes > maxBytes)
      throw new UpstreamFault(url, `expected at most ${maxBytes} bytes, got ${bytes} or more`, 'refused');
  };
  atMost(Number(length ?? 0));
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await locally(open(path, 'w', FILE_MODE));
  try {
    watchdog.expect('more bytes', limits.idleTimeoutMs);
    watchdog.expectPace(limits.paceBytes, limits.paceMs, () => sizeBytes);
    for await (const chunk of response.body ?? []) {
      if (
        sizeBytes === 0 &&
        /^\s*<(?:!doctype|html|\?xml)/i.test(Buffer.from(chunk.subarray(0, 64)).toString('latin1'))
      )
        throw new UpstreamFault(url, 'it sent an HTML page', 'refused');
      sizeBytes += chunk.length;
      atMost(sizeBytes);
      hash.update(chunk);
      watchdog.relax();
      await locally(file.appendFile(chunk));
      watchdog.expect('more bytes', limits.idleTimeoutMs);
    }
  } finally {
    watchdog.relax();
    await locally(file.close());
  }
  if (length !== null && sizeBytes < Number(length))
    throw new UpstreamFault(url, `it ended after ${sizeBytes} of ${length} bytes`, 'passing');
  return { sha256: hash.digest('hex'), sizeBytes };
}

const locally = async <Result>(work: Promise<Result>): Promise<Result> =>
  await work.catch((cause) => {
    throw new LocalFault('the file cannot be written', { cause });
  });
