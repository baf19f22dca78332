/**
 * Uploads a build's files through the edge. A node holds no key of the store: each file is asked for by name, size and
 * digest, sent, and confirmed. Every step may be repeated, so a broken line only costs the part that was on it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { Code, ConnectError } from '@connectrpc/connect';
import type { SigningKey } from '../../shared/ed25519.ts';
import { backoffMs, pause } from '../backoff.ts';
import type { OutputFile } from '../build-event.ts';
import { callHeaders, type ForemanClient, type Membership } from '../edge-client.ts';

export class UploadError extends Error {
  override readonly name = 'UploadError';
  /** `build_failed`: the edge will never take such files. */
  readonly kind: 'upload_failed' | 'build_failed';

  constructor(kind: 'upload_failed' | 'build_failed', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface UploadContext {
  readonly edgeUrl: string;
  readonly client: ForemanClient;
  readonly key: SigningKey;
  readonly membership: () => Membership | null;
  readonly leaseId: string;
  readonly signal: AbortSignal;
  /** Bytes of all files that are there. */
  readonly onProgress: (bytesDone: number) => void;
}

const MAX_TRIES = 8;
const PUT_TIMEOUT_MS = 10 * 60_000;

/** @throws UploadError */
export async function uploadThroughEdge(files: readonly OutputFile[], context: UploadContext): Promise<void> {
  let bytesDone = 0;
  for (const file of files) {
    const sentParts = new Set<number>();
    await withRetries(file.name, context.signal, () => uploadFile(file, sentParts, context));
    bytesDone += file.sizeBytes;
    context.onProgress(bytesDone);
  }
}

/** `sentParts` survives a broken try, so that only what was on the line is sent again. */
async function uploadFile(file: OutputFile, sentParts: Set<number>, context: UploadContext): Promise<void> {
  const { client, leaseId, signal } = context;
  const described = { name: file.name, sizeBytes: BigInt(file.sizeBytes), sha256: file.sha256 };
  const grant = await client.requestUpload({ leaseId, file: described }, { signal });
  if (grant.complete) return;
  const url = new URL(grant.path, context.edgeUrl);
  const partBytes = Number(grant.partSizeBytes);
  const whole = await openAsBlob(file.path);
  if (partBytes === 0) await put(url, whole, file.sha256, context);
  else
    for (let part = 1, offset = 0; offset < file.sizeBytes; part += 1, offset += partBytes) {
      if (sentParts.has(part)) continue;
      const end = Math.min(offset + partBytes, file.sizeBytes);
      const partUrl = new URL(url);
      partUrl.searchParams.set('part', String(part));
      await put(partUrl, whole.slice(offset, end), await digestOf(file.path, offset, end), context);
      sentParts.add(part);
    }
  try {
    // The edge reads and hashes a file that came in parts.
    await client.completeUpload({ leaseId, name: file.name }, { signal, timeoutMs: 300_000 });
  } catch (error) {
    // The edge has thrown the whole away.
    if (error instanceof ConnectError && error.code === Code.DataLoss) sentParts.clear();
    throw error;
  }
}

async function put(url: URL, body: Blob, sha256: string, context: UploadContext): Promise<void> {
  const headers = await callHeaders(context.key, context.membership(), 'PUT', url, sha256);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(PUT_TIMEOUT_MS)]);
  const response = await fetch(url, { method: 'PUT', body, headers, signal, redirect: 'error' });
  const text = (await response.text()).slice(0, 500);
  if (response.ok) return;
  if (response.status === 403) throw new UploadError('upload_failed', text);
  // Complete already: an earlier try got through and its answer was lost.
  if (response.status !== 409) throw new Error(`PUT ${url.pathname}: status ${response.status}: ${text}`);
}

async function digestOf(path: string, start: number, end: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { start, end: end - 1 })) hash.update(chunk);
  return hash.digest('hex');
}

async function withRetries(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let failures = 0; ; ) {
    try {
      await work();
      return;
    } catch (error) {
      if (error instanceof UploadError) throw error;
      if (error instanceof ConnectError && error.code === Code.FailedPrecondition)
        throw new UploadError('upload_failed', error.rawMessage);
      if (error instanceof ConnectError && error.code === Code.InvalidArgument)
        throw new UploadError('build_failed', `Error: The image cannot be stored: ${error.rawMessage}`);
      failures += 1;
      if (signal.aborted || failures >= MAX_TRIES)
        throw new UploadError('upload_failed', `${name} could not be uploaded: ${(error as Error).message}`, {
          cause: error,
        });
      await pause(backoffMs(failures, Math.random()), signal);
    }
  }
}
