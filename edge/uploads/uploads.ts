/**
 * Uploads of a build's files. Each is bound to its lease, name, size and digest before a byte is taken. Through the edge,
 * up to 64 MiB it is one PUT whose digest the store checks, above that parts; see upload-in-parts.ts. What a trusted node
 * put into the store by itself is taken over when it is completed; see take-over.ts.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { type StoredFile, storeKey } from '../../shared/build/build-record.ts';
import { type EdgeContext, foremanOf } from '../edge-context.ts';
import type { Completed } from '../foreman/foreman-answers.ts';
import type { ObjectBody } from '../storage/object-store.ts';
import { isTakenOver, MAX_DIRECT_BYTES, removeSource } from './take-over.ts';
import {
  completeParts,
  notReceived,
  openParts,
  type PartsDesk,
  type ReceiveAnswer,
  receivePart,
} from './upload-in-parts.ts';

/** Below the 100 MB that a request through a Worker may have; a whole number of the store's smallest parts. */
export const PART_BYTES = 64 * 1024 * 1024;

export interface OpenedUpload {
  readonly complete: boolean;
  readonly path: string;
  readonly partSizeBytes: bigint;
  /** Empty: through the edge. */
  readonly directKey: string;
  readonly partsPresent: number[];
}

/**
 * All files, or none of them. `mayPutDirectly`: it says that it can, and it is one that may.
 *
 * @throws ConnectError FAILED_PRECONDITION where there is no grant to be had, INVALID_ARGUMENT where there never will be
 */
export async function openUploads(
  context: EdgeContext,
  nodeId: string,
  leaseId: string,
  files: readonly StoredFile[],
  mayPutDirectly: boolean,
): Promise<OpenedUpload[]> {
  const granted = await foremanOf(context.env).grantUploads(nodeId, leaseId, files);
  if (!granted.ok)
    throw new ConnectError(granted.reason, granted.never ? Code.InvalidArgument : Code.FailedPrecondition);
  const opened: OpenedUpload[] = [];
  for (const upload of granted.uploads) {
    const inParts = isInParts(upload);
    // Once it has parts it goes on in parts: what may still become of those would hit an object that was taken over.
    const isDirect =
      mayPutDirectly && upload.state === 'open' && upload.multipartId === null && upload.sizeBytes <= MAX_DIRECT_BYTES;
    if (upload.state === 'open' && inParts && !isDirect) await openParts(partsDesk(context), upload);
    const isOnePut = upload.state === 'open' && !inParts;
    const permit = isOnePut ? `?permit=${context.uploadPermits.give(nodeId, leaseId, upload)}` : '';
    opened.push({
      complete: upload.state === 'complete',
      path: `/farm/v1/objects/${leaseId}/${encodeURIComponent(upload.name)}${permit}`,
      partSizeBytes: inParts ? BigInt(PART_BYTES) : 0n,
      // The node knows the bucket, and no prefix of this edge in it.
      directKey: isDirect ? context.config.STORE_PREFIX + storeKey.incoming(nodeId, leaseId, upload.name) : '',
      partsPresent: Object.keys(upload.parts).map(Number),
    });
  }
  return opened;
}

/** Of files that do not go up by one PUT. */
const isInParts = ({ sizeBytes }: Pick<StoredFile, 'sizeBytes'>): boolean => sizeBytes > PART_BYTES;

const partsDesk = ({ env, store }: EdgeContext): PartsDesk => ({
  store,
  foreman: foremanOf(env),
  partBytes: PART_BYTES,
});

/** Takes the bytes of a whole file (`part` 0) or of one part, counted from 1. `permit`: empty where the node shows none. */
export async function receiveUpload(
  context: EdgeContext,
  nodeId: string,
  target: { readonly leaseId: string; readonly name: string; readonly part: number; readonly permit: string },
  body: ObjectBody,
  declared: { readonly sizeBytes: number; readonly sha256: string },
): Promise<ReceiveAnswer> {
  const foreman = foremanOf(context.env);
  const key = storeKey.object(target.leaseId, target.name);
  const putWhole = async ({ sizeBytes, sha256 }: StoredFile): Promise<ReceiveAnswer> => {
    if (declared.sizeBytes !== sizeBytes || declared.sha256 !== sha256)
      return notReceived(400, `expected ${sizeBytes} bytes with sha256 ${sha256}`);
    await context.store.put(key, body, { size: sizeBytes, sha256 });
    return { ok: true };
  };
  const file = { name: target.name, ...declared };
  if (target.part === 0 && context.uploadPermits.has(nodeId, target.leaseId, file, target.permit))
    return putWhole(file);
  const granted = await foreman.upload(nodeId, target.leaseId, target.name);
  if (!granted.ok) return notReceived(403, granted.reason);
  const { upload } = granted;
  if (upload.state !== 'open') return notReceived(409, `${target.name} is complete and cannot be written again`);
  if (target.part === 0)
    return isInParts(upload) ? notReceived(400, `expected parts of ${PART_BYTES} bytes`) : putWhole(upload);
  return isInParts(upload)
    ? receivePart(partsDesk(context), upload, target.part, body, declared)
    : notReceived(400, `part ${target.part} is not expected`);
}

/** How an upload is completed: `direct` has the names of the files that the node put into the store by itself. */
export interface Completion {
  readonly files: readonly StoredFile[];
  readonly direct: readonly string[];
  /** A serialised ReportRequest. */
  readonly reports?: Uint8Array | undefined;
}

/**
 * Closes files of one PUT each. What the node says of them is what the store is asked about, and then the Foreman, who knows
 * what was granted, in the same call that closes them, and takes a report where there is one.
 *
 * @throws ConnectError INVALID_ARGUMENT for a file that comes in parts, FAILED_PRECONDITION without a grant
 */
export async function completeUploads(
  context: EdgeContext,
  nodeId: string,
  leaseId: string,
  { files, direct, reports }: Completion,
): Promise<Completed> {
  const large = files.find(isInParts);
  if (large) throw new ConnectError(`${large.name} is an upload in parts: complete it by itself`, Code.InvalidArgument);
  const found = await Promise.all(
    files.map(async (file) => ({
      ...file,
      isStored: await isStored(context, storeKey.object(leaseId, file.name), file),
    })),
  );
  const left = found.filter(({ name, isStored }) => !isStored && direct.includes(name));
  const taken = left.length > 0 ? await takeOver(context, nodeId, leaseId, left) : new Set<string>();
  const sent = found.map((file) => (taken.has(file.name) ? { ...file, isStored: true } : file));
  const answer = await foremanOf(context.env).completeUploads(nodeId, leaseId, sent, reports);
  if (!answer.ok) throw new ConnectError(answer.reason, Code.FailedPrecondition);
  const done = direct.filter((name) => sent.some((file) => file.name === name) && !answer.lost.includes(name));
  await Promise.all(done.map((name) => removeSource(context.store, nodeId, leaseId, name)));
  return answer;
}

/** Names of those that are objects now. Here something is written, so what the node says of them is not enough. */
async function takeOver(
  { env, store }: EdgeContext,
  nodeId: string,
  leaseId: string,
  files: readonly StoredFile[],
): Promise<ReadonlySet<string>> {
  const granted = await foremanOf(env).grantUploads(nodeId, leaseId, files);
  if (!granted.ok) throw new ConnectError(granted.reason, Code.FailedPrecondition);
  const taken = new Set<string>();
  // One after the other: each takes two of the six connections that a Worker may have.
  for (const upload of granted.uploads)
    if (upload.state === 'open' && (await isTakenOver(store, nodeId, leaseId, upload))) taken.add(upload.name);
  return taken;
}

async function isStored({ store }: EdgeContext, key: string, file: Omit<StoredFile, 'name'>): Promise<boolean> {
  const head = await store.head(key);
  return head.exists && head.size === file.sizeBytes && head.sha256 === file.sha256;
}

/** @throws ConnectError FAILED_PRECONDITION without a grant, DATA_LOSS where the bytes are others or not all there */
export async function completeUpload(
  context: EdgeContext,
  nodeId: string,
  leaseId: string,
  name: string,
  isDirect: boolean,
): Promise<void> {
  const foreman = foremanOf(context.env);
  const granted = await foreman.upload(nodeId, leaseId, name);
  if (!granted.ok) throw new ConnectError(granted.reason, Code.FailedPrecondition);
  const { upload } = granted;
  if (upload.state === 'complete') return;
  // What may still become of its parts would hit what is taken over.
  if (isDirect && upload.multipartId !== null)
    throw new ConnectError(`${name} is an upload in parts; upload it again`, Code.DataLoss);
  // By its size, and not by what the row has of its parts: what the store says of such an object is only what was claimed.
  if (isInParts(upload) && !isDirect) return completeParts(partsDesk(context), upload);
  const isWhole = isDirect
    ? await isTakenOver(context.store, nodeId, leaseId, upload)
    : await isStored(context, storeKey.object(leaseId, name), upload);
  if (!isWhole || !(await foreman.completeUpload(leaseId, name)))
    throw new ConnectError(
      `${name}: the stored bytes are not those that were promised; upload it again`,
      Code.DataLoss,
    );
  if (isDirect) await removeSource(context.store, nodeId, leaseId, name);
}
