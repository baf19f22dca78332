/**
 * Uploads of a build's files through the edge. Each is bound to its lease, name, size and digest before a byte is taken;
 * up to 64 MiB it is one PUT whose digest the store checks, above that parts, whose whole is hashed before it counts.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { type StoredFile, storeKey } from '../shared/build-record.ts';
import { type EdgeContext, foremanOf } from './edge-context.ts';
import type { Completed } from './foreman/foreman.ts';
import type { UploadRow } from './foreman/schema.ts';
import { digestOf } from './storage/digest-of.ts';
import type { ObjectBody } from './storage/object-store.ts';

/** Below the 100 MB that a request through a Worker may have; a whole number of the store's smallest parts. */
export const PART_BYTES = 64 * 1024 * 1024;

export interface OpenedUpload {
  readonly complete: boolean;
  readonly path: string;
  readonly partSizeBytes: bigint;
}

/**
 * All files, or none of them.
 *
 * @throws ConnectError FAILED_PRECONDITION where there is no grant to be had, INVALID_ARGUMENT where there never will be
 */
export async function openUploads(
  context: EdgeContext,
  nodeId: string,
  leaseId: string,
  files: readonly StoredFile[],
): Promise<OpenedUpload[]> {
  const granted = await foremanOf(context.env).grantUploads(nodeId, leaseId, files);
  if (!granted.ok)
    throw new ConnectError(granted.reason, granted.never ? Code.InvalidArgument : Code.FailedPrecondition);
  const opened: OpenedUpload[] = [];
  for (const upload of granted.uploads) {
    const inParts = upload.sizeBytes > PART_BYTES;
    if (upload.state === 'open' && inParts) await openParts(context, upload);
    const isOnePut = upload.state === 'open' && !inParts;
    const permit = isOnePut ? `?permit=${context.uploadPermits.give(nodeId, leaseId, upload)}` : '';
    opened.push({
      complete: upload.state === 'complete',
      path: `/farm/v1/objects/${leaseId}/${encodeURIComponent(upload.name)}${permit}`,
      partSizeBytes: inParts ? BigInt(PART_BYTES) : 0n,
    });
  }
  return opened;
}

async function openParts(
  { env, store }: EdgeContext,
  { leaseId, name, sha256, multipartId }: UploadRow,
): Promise<void> {
  if (multipartId !== null) return;
  const key = storeKey.object(leaseId, name);
  const id = await store.createMultipart(key, { sha256 });
  const kept = await foremanOf(env).startMultipart(leaseId, name, id);
  if (kept !== id) await store.abortMultipart(key, id);
}

export type ReceiveAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** Takes the bytes of a whole file (`part` 0) or of one part, counted from 1. `permit`: empty where the node shows none. */
export async function receiveUpload(
  context: EdgeContext,
  nodeId: string,
  target: { readonly leaseId: string; readonly name: string; readonly part: number; readonly permit: string },
  body: ObjectBody,
  declared: { readonly sizeBytes: number; readonly sha256: string },
): Promise<ReceiveAnswer> {
  const no = (status: number, reason: string): ReceiveAnswer => ({ ok: false, status, reason });
  const foreman = foremanOf(context.env);
  const key = storeKey.object(target.leaseId, target.name);
  const putWhole = async ({ sizeBytes, sha256 }: StoredFile): Promise<ReceiveAnswer> => {
    if (declared.sizeBytes !== sizeBytes || declared.sha256 !== sha256)
      return no(400, `expected ${sizeBytes} bytes with sha256 ${sha256}`);
    await context.store.put(key, body, { size: sizeBytes, sha256 });
    return { ok: true };
  };
  const file = { name: target.name, ...declared };
  if (target.part === 0 && context.uploadPermits.has(nodeId, target.leaseId, file, target.permit))
    return putWhole(file);
  const granted = await foreman.upload(nodeId, target.leaseId, target.name);
  if (!granted.ok) return no(403, granted.reason);
  const { upload } = granted;
  if (upload.state !== 'open') return no(409, `${target.name} is complete and cannot be written again`);
  if (target.part === 0)
    return upload.multipartId === null ? putWhole(upload) : no(400, `expected parts of ${PART_BYTES} bytes`);
  const expected = partSize(upload, target.part);
  if (upload.multipartId === null || expected === null) return no(400, `part ${target.part} is not expected`);
  if (declared.sizeBytes !== expected) return no(400, `expected part ${target.part} to have ${expected} bytes`);
  const stored = await context.store.uploadPart(key, upload.multipartId, target.part, body, {
    size: expected,
    sha256: declared.sha256,
  });
  await foreman.addPart(target.leaseId, target.name, target.part, stored.etag);
  return { ok: true };
}

/** Null for a part number that the file does not have. */
function partSize(upload: UploadRow, part: number): number | null {
  const parts = Math.ceil(upload.sizeBytes / PART_BYTES);
  if (part < 1 || part > parts) return null;
  return part < parts ? PART_BYTES : upload.sizeBytes - PART_BYTES * (parts - 1);
}

/**
 * Closes files of one PUT each. What the node says of them is what the store is asked about, and then the Foreman, who knows
 * what was granted, in the same call that closes them, and takes a report where there is one.
 *
 * @param reports a serialised ReportRequest
 * @throws ConnectError INVALID_ARGUMENT for a file that comes in parts, FAILED_PRECONDITION without a grant
 */
export async function completeUploads(
  context: EdgeContext,
  nodeId: string,
  leaseId: string,
  files: readonly StoredFile[],
  reports?: Uint8Array,
): Promise<Completed> {
  const large = files.find(({ sizeBytes }) => sizeBytes > PART_BYTES);
  if (large) throw new ConnectError(`${large.name} is an upload in parts: complete it by itself`, Code.InvalidArgument);
  const sent = await Promise.all(
    files.map(async (file) => ({
      ...file,
      isStored: await isStored(context, storeKey.object(leaseId, file.name), file),
    })),
  );
  const answer = await foremanOf(context.env).completeUploads(nodeId, leaseId, sent, reports);
  if (!answer.ok) throw new ConnectError(answer.reason, Code.FailedPrecondition);
  return answer;
}

async function isStored({ store }: EdgeContext, key: string, file: Omit<StoredFile, 'name'>): Promise<boolean> {
  const head = await store.head(key);
  return head.exists && head.size === file.sizeBytes && head.sha256 === file.sha256;
}

/** @throws ConnectError FAILED_PRECONDITION without a grant or with parts missing, DATA_LOSS where the bytes are others */
export async function completeUpload(
  context: EdgeContext,
  nodeId: string,
  leaseId: string,
  name: string,
): Promise<void> {
  const foreman = foremanOf(context.env);
  const granted = await foreman.upload(nodeId, leaseId, name);
  if (!granted.ok) throw new ConnectError(granted.reason, Code.FailedPrecondition);
  const { upload } = granted;
  if (upload.state === 'complete') return;
  const key = storeKey.object(leaseId, name);
  const lost = () =>
    new ConnectError(`${name}: the stored bytes are not those that were promised; upload it again`, Code.DataLoss);
  if (upload.multipartId === null) {
    if (!(await isStored(context, key, upload))) throw lost();
  } else {
    const parts = Math.ceil(upload.sizeBytes / PART_BYTES);
    const numbers = Array.from({ length: parts }, (_, index) => index + 1);
    const missing = numbers.filter((part) => upload.parts[part] === undefined);
    if (missing.length > 0)
      throw new ConnectError(`${name}: parts ${missing.join(', ')} were not uploaded`, Code.FailedPrecondition);
    await foreman.closeUpload(leaseId, name);
    // Repeated after a lost answer, the store may have made the object already.
    if (!(await context.store.head(key)).exists)
      await context.store.completeMultipart(
        key,
        upload.multipartId,
        numbers.map((partNumber) => ({ partNumber, etag: upload.parts[partNumber] ?? '' })),
      );
    const stored = await digestOf(context.store, key);
    if (!stored.exists || stored.size !== upload.sizeBytes || stored.sha256 !== upload.sha256) {
      await context.store.delete(key);
      await foreman.restartUpload(leaseId, name);
      throw lost();
    }
  }
  await foreman.completeUpload(leaseId, name);
}
