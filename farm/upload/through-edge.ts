/**
 * Uploads a build's files through the edge. A node needs no key of the store: files are asked for by name, size and digest,
 * all in one call since the Foreman has many nodes, then sent, each by itself, and at the end confirmed, again in one. Every
 * step may be repeated, so a broken line only costs the part that was on it. A trusted node that has a key puts the bytes into the
 * store by itself (direct-store.ts), where the edge lets it; asking and confirming are the same, and where the store fails it,
 * the file goes through the edge like any other.
 */
import { openAsBlob } from 'node:fs';
import { Code, ConnectError } from '@connectrpc/connect';
import type { SigningKey } from '../../shared/crypto/ed25519.ts';
import type { LeaseReport, ReportResponse, UploadGrant } from '../../shared/gen/asu/farm/v1/foreman_pb.js';
import { MAX_FILES_PER_CALL } from '../../shared/node/farm-protocol.ts';
import type { OutputFile } from '../agent/build-event.ts';
import { callHeaders, type ForemanClient, type Membership } from '../membership/edge-client.ts';
import { sha256OfFile } from '../sha256-of-file.ts';
import type { DirectStore } from './direct-store.ts';
import { isAwayStatus, StoreAway, UploadError, withRetries } from './with-retries.ts';

export interface UploadContext {
  readonly edgeUrl: string;
  readonly client: ForemanClient;
  readonly key: SigningKey;
  readonly membership: () => Membership | null;
  readonly leaseId: string;
  /** Null or absent: all goes through the edge. */
  readonly store?: DirectStore | null;
  readonly signal: AbortSignal;
  /** So long an edge whose store is away is waited for: what was built is worth more than the slot. Absent: as long as for all else. */
  readonly patience?: AbortSignal;
  /** Bytes of all files that are there. */
  readonly onProgress: (bytesDone: number) => void;
  /** What is to be said once all files are there, the last word about this lease among it. Asked anew for each try. */
  readonly reports?: () => Promise<LeaseReport[]>;
}

const PUT_TIMEOUT_MS = 10 * 60_000;
/** While the edge reads and hashes a large file. */
const HASHING_MS = 600_000;

/**
 * Null where what was to be reported was not heard: by an older edge, or since no file was left to be completed in the end.
 *
 * @throws UploadError; StoreAway
 */
export async function uploadThroughEdge(
  files: readonly OutputFile[],
  context: UploadContext,
): Promise<ReportResponse | null> {
  const unproven: OutputFile[] = [];
  const direct = new Set<string>();
  let bytesDone = 0;
  for (const batch of batchesOf(files)) {
    const grants = await withRetries(namesOf(batch), context, () => grantAll(batch, context));
    for (const [at, file] of batch.entries()) {
      const grant = grants?.[at] ?? null;
      const onProgress = (bytes: number) => context.onProgress(bytesDone + bytes);
      const put = grant === null ? 'not taken' : await putDirectly(file, grant, context, onProgress);
      if (put === 'to be completed') direct.add(file.name);
      // Of a direct grant there are no parts to be sent: without it, it is asked for anew.
      const through = grant?.directKey ? null : grant;
      const sent = put === 'not taken' ? await sendFile(file, through, context) : put;
      if (sent === 'to be completed') unproven.push(file);
      bytesDone += file.sizeBytes;
      context.onProgress(bytesDone);
    }
  }
  let heard: ReportResponse | null = null;
  const batches = [...batchesOf(unproven)];
  for (const batch of batches)
    await withRetries(namesOf(batch), context, async () => {
      const reports = batch === batches.at(-1) ? ((await context.reports?.()) ?? null) : null;
      const { lost, report } = await completeAll(batch, direct, reports, context);
      heard = report;
      if (lost.length === 0) return;
      for (const file of lost) {
        if (direct.delete(file.name)) context.store?.refuse(NOT_FOUND);
        await sendFile(file, null, context);
      }
      throw new Error(`the stored bytes of ${namesOf(lost)} were not those that were promised`);
    });
  return heard;
}

function* batchesOf(files: readonly OutputFile[]): Generator<readonly OutputFile[]> {
  for (let at = 0; at < files.length; at += MAX_FILES_PER_CALL) yield files.slice(at, at + MAX_FILES_PER_CALL);
}

const namesOf = (files: readonly OutputFile[]): string => files.map(({ name }) => name).join(', ');

const described = ({ name, sizeBytes, sha256 }: OutputFile) => ({ name, sizeBytes: BigInt(sizeBytes), sha256 });

type Grant = Pick<UploadGrant, 'complete' | 'path' | 'partSizeBytes' | 'directKey' | 'partsPresent'>;

const NOT_FOUND = 'the edge does not find there what this node has put there';

/** Large ones are completed by themselves, as those in parts are: the edge reads each. */
async function putDirectly(
  file: OutputFile,
  { complete, directKey, partSizeBytes }: Grant,
  context: UploadContext,
  onProgress: (bytesDone: number) => void,
): Promise<'complete' | 'to be completed' | 'not taken'> {
  const { client, leaseId, signal, store } = context;
  if (complete || directKey === '' || !store?.isOpen) return 'not taken';
  if (!(await store.put({ file, key: directKey, signal, onProgress }))) return 'not taken';
  if (partSizeBytes === 0n) return 'to be completed';
  return withRetries(file.name, context, async () => {
    try {
      await client.completeUpload({ leaseId, name: file.name, isDirect: true }, { signal, timeoutMs: HASHING_MS });
      return 'complete';
    } catch (error) {
      if (!isDataLoss(error)) throw error;
      store.refuse(NOT_FOUND);
      return 'not taken';
    }
  });
}

/** In the order of the files; null from an edge that is older than this call: each file asks for itself. */
async function grantAll(files: readonly OutputFile[], context: UploadContext): Promise<readonly Grant[] | null> {
  const { client, leaseId, signal } = context;
  try {
    const canPutDirectly = context.store?.isOpen === true;
    const { grants } = await client.requestUploads(
      { leaseId, files: files.map(described), canPutDirectly },
      { signal },
    );
    return grants;
  } catch (error) {
    if (isUnknownCall(error)) return null;
    throw error;
  }
}

/** Closes files of one PUT each. `lost`: those whose bytes are not there. `reports`: null where another call follows. */
async function completeAll(
  files: readonly OutputFile[],
  direct: ReadonlySet<string>,
  reports: LeaseReport[] | null,
  context: UploadContext,
): Promise<{ readonly lost: readonly OutputFile[]; readonly report: ReportResponse | null }> {
  const { client, leaseId, signal } = context;
  try {
    const names = files.map(({ name }) => name).filter((name) => direct.has(name));
    const { lost, report = null } = await client.completeUploads(
      { leaseId, files: files.map(described), direct: names, ...(reports && { report: { reports } }) },
      { signal, ...(names.length > 0 && { timeoutMs: HASHING_MS }) },
    );
    return { lost: files.filter(({ name }) => lost.includes(name)), report };
  } catch (error) {
    if (!isUnknownCall(error)) throw error;
  }
  const lost: OutputFile[] = [];
  for (const file of files) {
    try {
      await client.completeUpload({ leaseId, name: file.name, isDirect: direct.has(file.name) }, { signal });
    } catch (error) {
      if (!isDataLoss(error)) throw error;
      lost.push(file);
    }
  }
  return { lost, report: null };
}

/** `granted`: for the first try. Later ones ask again: what became of the one before is known to the edge alone. */
async function sendFile(
  file: OutputFile,
  granted: Grant | null,
  context: UploadContext,
): Promise<'complete' | 'to be completed'> {
  const { client, leaseId, signal } = context;
  // Survives a broken try, so that only what was on the line is sent again.
  const sentParts = new Set<number>();
  let grant = granted;
  return withRetries(file.name, context, async () => {
    const { complete, path, partSizeBytes, partsPresent } =
      grant ?? (await client.requestUpload({ leaseId, file: described(file) }, { signal }));
    grant = null;
    if (complete) return 'complete';
    const url = new URL(path, context.edgeUrl);
    for (const part of partsPresent) sentParts.add(part);
    if (partSizeBytes > 0n) return sendParts(file, url, Number(partSizeBytes), sentParts, context);
    await put(url, await openAsBlob(file.path), file.sha256, context);
    return 'to be completed';
  });
}

async function sendParts(
  file: OutputFile,
  url: URL,
  partBytes: number,
  sentParts: Set<number>,
  context: UploadContext,
): Promise<'complete'> {
  const { client, leaseId, signal } = context;
  const whole = await openAsBlob(file.path);
  for (let part = 1, offset = 0; offset < file.sizeBytes; part += 1, offset += partBytes) {
    if (sentParts.has(part)) continue;
    const end = Math.min(offset + partBytes, file.sizeBytes);
    const partUrl = new URL(url);
    partUrl.searchParams.set('part', String(part));
    await put(partUrl, whole.slice(offset, end), await sha256OfFile(file.path, { part: [offset, end] }), context);
    sentParts.add(part);
  }
  try {
    // The edge reads and hashes the whole.
    await client.completeUpload({ leaseId, name: file.name }, { signal, timeoutMs: HASHING_MS });
  } catch (error) {
    // The edge has thrown it away.
    if (isDataLoss(error)) sentParts.clear();
    throw error;
  }
  return 'complete';
}

const isDataLoss = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.DataLoss;
const isUnknownCall = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.Unimplemented;

async function put(url: URL, body: Blob, sha256: string, context: UploadContext): Promise<void> {
  const headers = await callHeaders(context.key, context.membership(), 'PUT', url, sha256);
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(PUT_TIMEOUT_MS)]);
  const response = await fetch(url, { method: 'PUT', body, headers, signal, redirect: 'error' });
  const text = (await response.text()).slice(0, 500);
  if (response.ok) return;
  if (response.status === 403) throw new UploadError('upload_failed', text);
  // Complete already: an earlier try got through and its answer was lost.
  if (response.status === 409) return;
  const message = `PUT ${url.pathname}: status ${response.status}: ${text}`;
  throw isAwayStatus(response.status) ? new StoreAway(message) : new Error(message);
}
