/**
 * Fetches a file whose sha256 is known beforehand. A mirror that is down, slow, truncates or answers with a captive portal's
 * page is everyday life for a farm at home; none of it may become an ImageBuilder, and none of it is the user's fault.
 */
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildError } from '../../shared/build/build-error.ts';
import { isDiskFull } from '../disk/disk-full.ts';
import { sha256OfFile } from '../sha256-of-file.ts';
import { describeNetworkError, PassingFault, refusal, request, unavailable, Watchdog } from './mirror-request.ts';
import type { MayLead } from './redirects.ts';

export interface DownloadLimits {
  readonly maxBytes: number;
  /** Until the headers are there. */
  readonly connectTimeoutMs: number;
  /** Between two pieces of the body. */
  readonly idleTimeoutMs: number;
  /** So many bytes must come in each stretch of `paceMs`. */
  readonly paceBytes: number;
  readonly paceMs: number;
  readonly attempts: number;
  /** Before the second attempt; doubled for each further one, with up to as much again at random. */
  readonly backoffMs: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  maxBytes: 1024 ** 3,
  connectTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  paceBytes: 2 * 1024 ** 2,
  paceMs: 120_000,
  attempts: 3,
  backoffMs: 1000,
};

export interface Download {
  readonly url: string;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Where the whole, checked file will be. Until then its bytes are in `<path>.part`, and stay there for a resumption. */
  readonly path: string;
  readonly signal: AbortSignal;
  /** Told how large the file will be, before anything of it is written; what it throws ends the download. */
  readonly onSize?: (totalBytes: number) => Promise<void>;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  readonly limits?: Partial<DownloadLimits>;
  readonly mayLead?: MayLead;
}

const PROGRESS_STEP_BYTES = 1024 * 1024;

/** @throws BuildError `upstream_unavailable` with what was expected and what came; the signal's reason when aborted */
export async function download(file: Download): Promise<void> {
  const limits = { ...DOWNLOAD_LIMITS, ...file.limits };
  const partPath = `${file.path}.part`;
  const part: Part = { path: partPath, etag: undefined };
  // Killed between the last byte and the name: a range behind its end would be refused, and all of it fetched again.
  if ((await sha256OfFile(partPath, { signal: file.signal }).catch(() => null)) === file.sha256)
    return await rename(partPath, file.path);
  file.signal.throwIfAborted();
  let passingFault: PassingFault | undefined;
  for (let attempt = 0; attempt < limits.attempts; attempt++) {
    if (passingFault) {
      const backoffMs = limits.backoffMs * 2 ** (attempt - 1);
      await sleep(backoffMs + Math.random() * backoffMs, undefined, { signal: file.signal });
    }
    try {
      const fetched = await fetchInto(part, file, limits);
      const got = await sha256OfFile(partPath, { signal: file.signal });
      if (got === file.sha256) return await rename(partPath, file.path);
      await rm(partPath);
      // The first half may be of another day's file: the whole one deserves a chance before anybody is blamed.
      if (!fetched.resumed) throw unavailable(file.url, wrongBytes(file.sha256, got, fetched.contentType));
      passingFault = new PassingFault(wrongBytes(file.sha256, got, fetched.contentType));
    } catch (error) {
      // There is no room for it to be resumed in.
      if (isDiskFull(error)) await rm(partPath, { force: true });
      file.signal.throwIfAborted();
      if (!(error instanceof PassingFault)) throw error;
      passingFault = error;
    }
  }
  throw unavailable(file.url, passingFault?.message ?? 'no attempt was made');
}

interface Part {
  readonly path: string;
  /** Of the file that its bytes are of, once a server has named it; outlives an attempt that was cut off. */
  etag: string | undefined;
}

interface Fetched {
  readonly resumed: boolean;
  readonly contentType: string;
}

async function fetchInto(known: Part, file: Download, limits: DownloadLimits): Promise<Fetched> {
  const watchdog = new Watchdog(file.signal);
  const part = await open(known.path, 'a+', 0o600);
  try {
    watchdog.expect('an answer', limits.connectTimeoutMs);
    const haveBytes = (await part.stat()).size;
    const response = await request(file.url, rangeHeaders(haveBytes, known.etag), watchdog.signal, file.mayLead);
    watchdog.relax();
    const resumed = await startAt(part, haveBytes, response);
    if (response.status !== 200 && response.status !== 206) {
      await response.body?.cancel();
      if (response.status === 416) {
        await part.truncate(0);
        throw new PassingFault('it does not have the rest of what it had before');
      }
      throw refusal(file.url, response.status);
    }
    const etag = response.headers.get('etag');
    // A weak one (`W/…`) does not promise equal bytes, and may not be used for ranges (RFC 9110, 13.1.5).
    known.etag = etag?.startsWith('"') ? etag : undefined;
    const startBytes = resumed ? haveBytes : 0;
    const lengthBytes = Number(response.headers.get('content-length') ?? 0);
    const totalBytes = lengthBytes > 0 ? startBytes + lengthBytes : 0;
    if (totalBytes > limits.maxBytes) throw tooLarge(file.url, totalBytes, limits);
    if (totalBytes > 0) await file.onSize?.(totalBytes);
    await copyBody(response, part, startBytes, totalBytes, file, limits, watchdog);
    // Else a power cut may leave the whole file's name on half of its bytes.
    await part.sync();
    return { resumed, contentType: response.headers.get('content-type') ?? '' };
  } catch (error) {
    if (error instanceof BuildError || error instanceof PassingFault) throw error;
    if (isLocal(error)) throw error;
    throw new PassingFault(watchdog.reason ?? describeNetworkError(error), { cause: error });
  } finally {
    watchdog.stop();
    await part.close();
  }
}

const rangeHeaders = (haveBytes: number, etag: string | undefined): Record<string, string> => ({
  // A compressed transfer has other offsets than the file.
  'accept-encoding': 'identity',
  ...(haveBytes > 0 ? { range: `bytes=${haveBytes}-` } : {}),
  ...(haveBytes > 0 && etag !== undefined ? { 'if-range': etag } : {}),
});

/** True where the body continues what we have; else what we have is dropped, whatever was asked for. */
async function startAt(part: FileHandle, haveBytes: number, response: Response): Promise<boolean> {
  if (response.status === 206) {
    const start = /^bytes ([0-9]+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
    if (Number(start) === haveBytes) return haveBytes > 0;
    await part.truncate(0);
    throw new PassingFault(`it was asked for the bytes from ${haveBytes} on and answered with others`);
  }
  if (response.status === 200) await part.truncate(0);
  return false;
}

async function copyBody(
  response: Response,
  part: FileHandle,
  startBytes: number,
  totalBytes: number,
  file: Download,
  limits: DownloadLimits,
  watchdog: Watchdog,
): Promise<void> {
  let doneBytes = startBytes;
  let toldBytes = startBytes;
  file.onProgress?.(doneBytes, totalBytes);
  watchdog.expect('more bytes', limits.idleTimeoutMs);
  watchdog.expectPace(limits.paceBytes, limits.paceMs, () => doneBytes);
  for await (const chunk of response.body ?? []) {
    watchdog.expect('more bytes', limits.idleTimeoutMs);
    doneBytes += chunk.length;
    if (doneBytes > limits.maxBytes) throw tooLarge(file.url, doneBytes, limits);
    await part.appendFile(chunk);
    if (doneBytes - toldBytes >= PROGRESS_STEP_BYTES) {
      toldBytes = doneBytes;
      file.onProgress?.(doneBytes, totalBytes);
    }
  }
  if (totalBytes > 0 && doneBytes < totalBytes)
    throw new PassingFault(`it ended after ${doneBytes} of ${totalBytes} bytes`);
  file.onProgress?.(doneBytes, totalBytes > 0 ? totalBytes : doneBytes);
}

/** True where the file is there already, whole and checked: only a checked one ever gets its name. */
export const isDownloaded = async (path: string): Promise<boolean> =>
  await stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );

const tooLarge = (url: string, bytes: number, limits: DownloadLimits): BuildError =>
  unavailable(url, `expected at most ${limits.maxBytes} bytes, got ${bytes} or more`);

const wrongBytes = (expected: string, got: string, contentType: string): string =>
  `expected sha256 ${expected}, got ${got}${/html/i.test(contentType) ? ' (an HTML page)' : ''}`;

/** Our own disk, not the network: must not be tried again, nor called the mirror's fault. */
const isLocal = (error: unknown): boolean =>
  error instanceof Error &&
  'syscall' in error &&
  ['write', 'open', 'ftruncate', 'fstat', 'fsync'].includes(String(error.syscall));
