/**
 * The object store on Cloudflare: an R2 bucket by its binding, no credentials, no network of ours. R2 hashes a whole
 * `put` itself; parts it does not hash, so those are checked on the way in.
 */

import { bytesToHex } from '../../shared/crypto/digest.ts';
import { digestMismatch, withAnnouncedBody } from './announced-body.ts';
import { answerWithin } from './answer-within.ts';
import { assertByteRange, notSatisfiable, resolveByteRange } from './byte-range.ts';
import { assertObjectKey } from './object-key.ts';
import type {
  Absent,
  ByteRange,
  ExpectedBody,
  ObjectBody,
  ObjectContent,
  ObjectDescription,
  ObjectPage,
  ObjectStore,
  UploadedPart,
} from './object-store.ts';
import { READING_MS, SLOWEST_BYTES_PER_MS } from './object-store.ts';
import { ObjectStoreError } from './object-store-error.ts';

const octets = 'application/octet-stream';

export class R2ObjectStore implements ObjectStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async head(key: string): Promise<ObjectDescription | Absent> {
    assertObjectKey(key);
    const object = await ask(() => this.#bucket.head(key));
    return object ? describe(object) : { exists: false };
  }

  async get(key: string, options: { range?: ByteRange; signal?: AbortSignal } = {}): Promise<ObjectContent | Absent> {
    assertObjectKey(key);
    const { range, signal } = options;
    signal?.throwIfAborted();
    if (range) assertByteRange(range);
    const object = await ask(
      () => this.#bucket.get(key, { range }),
      (error) => (codeOf(error) === invalidRange && range ? notSatisfiable(range, error) : undefined),
    );
    if (!object) return { exists: false };
    return {
      ...describe(object),
      ...(range && { range: resolveByteRange(range, object.size) }),
      body: object.body,
    };
  }

  async put(key: string, body: ObjectBody, expected: ExpectedBody): Promise<void> {
    assertObjectKey(key);
    const { size, sha256, contentType = octets } = expected;
    await withAnnouncedBody(body, { size }, (checked) =>
      ask(
        () => this.#bucket.put(key, checked, { sha256, httpMetadata: { contentType } }),
        (error) => (codeOf(error) === badDigest ? digestMismatch(sha256, 'another', error) : undefined),
        READING_MS + size / SLOWEST_BYTES_PER_MS,
      ),
    );
  }

  async putIfAbsent(key: string, body: Uint8Array, { sha256, contentType = octets }: ExpectedBody): Promise<boolean> {
    assertObjectKey(key);
    const onlyIf = { etagDoesNotMatch: '*' };
    const put = await ask(() => this.#bucket.put(key, body, { sha256, onlyIf, httpMetadata: { contentType } }));
    return put !== null;
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    await ask(() => this.#bucket.delete(key));
  }

  async list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<ObjectPage> {
    const page = await ask(() => this.#bucket.list({ prefix, ...options }));
    return {
      objects: page.objects.map(({ key, size, uploaded }) => ({ key, size, uploadedAtMs: uploaded.getTime() })),
      ...(page.truncated && { cursor: page.cursor }),
    };
  }

  async createMultipart(key: string, described: { sha256?: string; contentType?: string } = {}): Promise<string> {
    assertObjectKey(key);
    const { sha256, contentType = octets } = described;
    const upload = await ask(() =>
      this.#bucket.createMultipartUpload(key, {
        httpMetadata: { contentType },
        ...(sha256 !== undefined && { customMetadata: { sha256 } }),
      }),
    );
    return upload.uploadId;
  }

  async uploadPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: ObjectBody,
    expected: { size: number; sha256?: string },
  ): Promise<UploadedPart> {
    assertObjectKey(key);
    const upload = this.#bucket.resumeMultipartUpload(key, uploadId);
    const timeoutMs = READING_MS + expected.size / SLOWEST_BYTES_PER_MS;
    return withAnnouncedBody(body, expected, (checked) =>
      ask(() => upload.uploadPart(partNumber, checked), undefined, timeoutMs),
    );
  }

  async completeMultipart(key: string, uploadId: string, parts: readonly UploadedPart[]): Promise<void> {
    assertObjectKey(key);
    const inOrder = parts.toSorted((a, b) => a.partNumber - b.partNumber);
    await ask(() => this.#bucket.resumeMultipartUpload(key, uploadId).complete(inOrder));
  }

  async abortMultipart(key: string, uploadId: string): Promise<void> {
    assertObjectKey(key);
    try {
      await ask(() => this.#bucket.resumeMultipartUpload(key, uploadId).abort());
    } catch (error) {
      if (!(error instanceof ObjectStoreError && error.kind === 'no_such_upload')) throw error;
    }
  }
}

function describe(object: R2Object): ObjectDescription {
  const checked = object.checksums.sha256;
  const sha256 = checked ? bytesToHex(new Uint8Array(checked)) : object.customMetadata?.sha256;
  return {
    exists: true,
    size: object.size,
    etag: object.httpEtag,
    ...(sha256 !== undefined && { sha256 }),
    ...(object.httpMetadata?.contentType !== undefined && { contentType: object.httpMetadata.contentType }),
  };
}

/** https://developers.cloudflare.com/r2/api/error-codes/ : the binding gives them at the end of an Error's message. */
const noSuchUpload = 10024;
const badDigest = 10037;
const invalidRange = 10039;
/** Entity too small, name, upload id, part, argument, precondition, bad upload: what we asked for is at fault. */
const ourFault = new Set([10011, 10012, 10020, 10022, 10025, 10029, 10031, 10048, 100100]);

const codeOf = (error: unknown): number | undefined => {
  const code = error instanceof Error ? /\((\d+)\)\s*$/.exec(error.message)?.[1] : undefined;
  return code === undefined ? undefined : Number(code);
};

async function ask<T>(
  call: () => Promise<T>,
  ownMeaning: (error: unknown) => ObjectStoreError | undefined = () => undefined,
  timeoutMs: number = READING_MS,
): Promise<T> {
  try {
    return await answerWithin(timeoutMs, call);
  } catch (error) {
    const meant = ownMeaning(error);
    if (meant) throw meant;
    const said = error instanceof Error ? error.message : String(error);
    const code = codeOf(error);
    if (code === noSuchUpload) throw new ObjectStoreError('no_such_upload', `R2: ${said}`, { cause: error });
    const kind = code !== undefined && ourFault.has(code) ? 'refused' : 'unavailable';
    throw new ObjectStoreError(kind, `R2: ${said}`, { cause: error });
  }
}
