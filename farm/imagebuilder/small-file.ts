/**
 * A file of a mirror that is small enough for memory: lists of digests and their signatures. Bounded in size and in time as
 * a whole, since nothing is worth resuming here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildError } from '../../shared/build/build-error.ts';
import { describeNetworkError, PassingFault, refusal, request, unavailable, Watchdog } from './mirror-request.ts';
import type { MayLead } from './redirects.ts';

export interface SmallFile {
  readonly bytes: Uint8Array;
  /** What captive portals and login pages send, with status 200. */
  readonly isHtml: boolean;
}

export interface SmallFileLimits {
  /** Until the headers are there. */
  readonly connectTimeoutMs: number;
  /** From then on, for all of it. */
  readonly bodyTimeoutMs: number;
  readonly attempts: number;
  readonly backoffMs: number;
}

const LIMITS: SmallFileLimits = { connectTimeoutMs: 30_000, bodyTimeoutMs: 120_000, attempts: 3, backoffMs: 1000 };

export interface SmallFileOptions {
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly limits?: Partial<SmallFileLimits> | undefined;
  readonly mayLead?: MayLead | undefined;
}

/**
 * Null: the mirror says that there is no such file.
 * @throws BuildError `upstream_unavailable`; the signal's reason
 */
export async function readSmallFile(url: string, options: SmallFileOptions): Promise<SmallFile | null> {
  const limits = { ...LIMITS, ...options.limits };
  let fault = 'no attempt was made';
  for (let attempt = 0; attempt < limits.attempts; attempt++) {
    if (attempt > 0) await sleep(limits.backoffMs * 2 ** (attempt - 1), undefined, { signal: options.signal });
    try {
      return await readOnce(url, options, limits);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof PassingFault)) throw error;
      fault = error.message;
    }
  }
  throw unavailable(url, fault);
}

async function readOnce(
  url: string,
  { maxBytes, signal, mayLead }: SmallFileOptions,
  limits: SmallFileLimits,
): Promise<SmallFile | null> {
  const watchdog = new Watchdog(signal);
  try {
    watchdog.expect('an answer', limits.connectTimeoutMs);
    const response = await request(url, { 'accept-encoding': 'identity' }, watchdog.signal, mayLead);
    if (response.status !== 200) {
      await response.body?.cancel();
      if (response.status === 404 || response.status === 410) return null;
      throw refusal(url, response.status);
    }
    watchdog.expect('the whole of it', limits.bodyTimeoutMs);
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const chunk of response.body ?? []) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw unavailable(url, `expected at most ${maxBytes} bytes, got more`);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    // By the bytes: a mirror that has no type for files without a suffix may call them all text/html.
    const isHtml = bytes.subarray(0, 100).toString('latin1').trimStart().startsWith('<');
    return { bytes, isHtml };
  } catch (error) {
    if (error instanceof BuildError || error instanceof PassingFault) throw error;
    throw new PassingFault(watchdog.reason ?? describeNetworkError(error), { cause: error });
  } finally {
    watchdog.stop();
  }
}
