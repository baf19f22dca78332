/**
 * A file too large for one request: it comes in parts, which the store makes one object of, and no store hashes that whole. The
 * object is read back and hashed before it counts; and since several callers may be at it at once, each step is bound to the
 * upload in parts (`multipartId`) that it was begun for, or bytes could count that nobody hashed.
 *
 *   grant ─▶ open ──(close: no more parts)──▶ closing ──(hashed, and they are the bytes of the grant)──▶ complete
 *             ▲                                  │
 *             └── restart: another multipartId ──┘ hashed, and they are others
 *
 * Why what is `complete` is what was hashed, whoever calls what at once, and wherever a Worker or the Foreman dies:
 *
 *   1. The object is written by the store's `completeMultipart`, or taken over (take-over.ts), which writes the promised bytes or
 *      nothing; never by the node's own PUT. Once the row has an id, taking over does not begin and does not complete it; one that
 *      has begun before and ends late changes no byte of what was found to be promised.
 *   2. An id is dead when the store has made an object of it, has dropped it or does not know it: it writes never again.
 *      A `completeMultipart` of it that is still under way somewhere then changes nothing.
 *   3. Bytes are hashed only when the id of the row is dead. So is every id that the row had before: it lets go of one
 *      (restart) only for a caller that hashed under it. An id that the row never had has no parts, and nobody completes it.
 *   4. So from the beginning of that hashing nobody writes other bytes there, unless the row has got another id; and the row is
 *      complete only if it still has the id that was hashed under.
 *
 * Bytes that are others are not deleted. A delete that is slow would hit the good ones of the next try, while the next try writes
 * over the bad ones; and nothing is read of an object whose row is not complete.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { storeKey } from '../../shared/build/build-record.ts';
import type { ForemanCalls } from '../edge-context.ts';
import type { UploadRow } from '../foreman/schema.ts';
import { digestOf } from '../storage/digest-of.ts';
import type { ObjectBody, ObjectStore, UploadedPart } from '../storage/object-store.ts';
import { ObjectStoreError } from '../storage/object-store-error.ts';

export interface PartsDesk {
  readonly store: Pick<ObjectStore, 'get' | 'createMultipart' | 'uploadPart' | 'completeMultipart' | 'abortMultipart'>;
  readonly foreman: Pick<
    ForemanCalls,
    'startMultipart' | 'addPart' | 'closeUpload' | 'restartUpload' | 'completeUpload'
  >;
  /** Of every part but the last. */
  readonly partBytes: number;
}

export type ReceiveAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** Of bytes that were not taken. */
export const notReceived = (status: number, reason: string): ReceiveAnswer => ({ ok: false, status, reason });

export async function openParts(
  { store, foreman }: PartsDesk,
  { leaseId, name, sha256, multipartId }: UploadRow,
): Promise<void> {
  if (multipartId !== null) return;
  const key = storeKey.object(leaseId, name);
  const id = await store.createMultipart(key, { sha256 });
  const kept = await foreman.startMultipart(leaseId, name, id);
  if (kept !== id) await store.abortMultipart(key, id);
}

/** `part`: counted from 1. */
export async function receivePart(
  { store, foreman, partBytes }: PartsDesk,
  { leaseId, name, sizeBytes, multipartId }: UploadRow,
  part: number,
  body: ObjectBody,
  declared: { readonly sizeBytes: number; readonly sha256: string },
): Promise<ReceiveAnswer> {
  const parts = Math.ceil(sizeBytes / partBytes);
  if (multipartId === null || part < 1 || part > parts) return notReceived(400, `part ${part} is not expected`);
  const expected = part < parts ? partBytes : sizeBytes - partBytes * (parts - 1);
  if (declared.sizeBytes !== expected) return notReceived(400, `expected part ${part} to have ${expected} bytes`);
  const { etag } = await store.uploadPart(storeKey.object(leaseId, name), multipartId, part, body, {
    size: expected,
    sha256: declared.sha256,
  });
  const isAdded = await foreman.addPart(leaseId, name, multipartId, part, etag);
  return isAdded
    ? { ok: true }
    : notReceived(503, `part ${part} of ${name} came too late for this try; ask for the upload again`);
}

/**
 * Closes the upload, has the store make one object of the parts, reads it back and hashes it.
 *
 * @throws ConnectError DATA_LOSS where it is to be sent again: the bytes are others, parts are missing (the try that they were
 *   sent for may be over, unheard by the node), or another call was at it as well
 */
export async function completeParts({ store, foreman, partBytes }: PartsDesk, upload: UploadRow): Promise<void> {
  const { leaseId, name, multipartId } = upload;
  const key = storeKey.object(leaseId, name);
  const again = (what: string) => new ConnectError(`${name}: ${what}; upload it again`, Code.DataLoss);
  const missing = numbersOf(upload, partBytes).filter((part) => upload.parts[part] === undefined);
  if (multipartId === null || missing.length > 0) throw again(`parts ${missing.join(', ')} were not uploaded`);
  // From here on the parts stay as they are noted, so that all callers ask the store for the same.
  const parts = await foreman.closeUpload(leaseId, name, multipartId);
  if (parts) {
    const noted = Object.entries(parts).map(([part, etag]) => ({ partNumber: Number(part), etag }));
    await makeWhole(store, key, multipartId, noted);
    const stored = await digestOf(store, key);
    const isPromised = stored.exists && stored.size === upload.sizeBytes && stored.sha256 === upload.sha256;
    if (!isPromised) {
      await foreman.restartUpload(leaseId, name, multipartId);
      throw again('the stored bytes are not those that were promised');
    }
  }
  // Also where it is closed no more: another call may have been faster.
  if (!(await foreman.completeUpload(leaseId, name, multipartId))) throw again('another try at it has begun');
}

const numbersOf = ({ sizeBytes }: UploadRow, partBytes: number): number[] =>
  Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => index + 1);

/**
 * The id is dead afterwards, and what the object is shows in its digest alone.
 *
 * @throws ObjectStoreError where the store does not say what became of it: it may still do it, so nothing is to be hashed
 */
async function makeWhole(
  store: PartsDesk['store'],
  key: string,
  multipartId: string,
  parts: readonly UploadedPart[],
): Promise<void> {
  try {
    await store.completeMultipart(key, multipartId, parts);
  } catch (error) {
    // Of an id that it knows no more it has made the object already: this call is a second one, or repeated.
    if (error instanceof ObjectStoreError && error.kind === 'no_such_upload') return;
    if (!(error instanceof ObjectStoreError && error.kind === 'refused')) throw error;
    // A part was sent twice at once, and the other one was noted.
    await store.abortMultipart(key, multipartId);
  }
}
