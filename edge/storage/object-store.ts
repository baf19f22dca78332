/**
 * The port to the object store: all that the edge asks of a store, so that R2 (`r2.ts`) and any S3 server (`s3.ts`)
 * are exchangeable. The store is the truth for finished builds, therefore nothing that it holds may ever be other bytes
 * than those that were announced: a digest is given with every `put`, and checked before the object can be read.
 *
 * What the port does not promise is write-once. R2 could refuse to overwrite (`onlyIf`), but not every S3 server knows
 * `If-None-Match: *` on PUT (OpenStack Swift does not), and a guarantee that holds on some stores is none. It comes from
 * the caller: an upload grant is spent in the Foreman's SQLite before a byte of `objects/<lease>/<file>` is stored.
 *
 * Every method throws `ObjectStoreError`, whose `kind` says what to do. Keys are those of `object-key.ts`; sizes,
 * offsets and lengths are bytes; digests are 64 lower-case hex digits of sha256.
 */

/** What can be stored: a stream is read once and never buffered; the others are sent again if a store stumbles. */
export type ObjectBody = ReadableStream<Uint8Array> | ArrayBuffer | Uint8Array | string;

/** How long a store may take for an answer, or to the end of a short one. Who waits longer has gone away. */
export const READING_MS = 30_000;
/** A body gets this much time on top. The slowest party is a volunteer's uplink, whose upload goes through us. */
export const SLOWEST_BYTES_PER_MS = 32;

export interface ExpectedBody {
  readonly size: number;
  readonly sha256: string;
  /** Default `application/octet-stream`. */
  readonly contentType?: string;
}

/** A part of an object: from an offset, to the end if `length` is absent; or its last bytes. */
export type ByteRange = { readonly offset: number; readonly length?: number } | { readonly suffix: number };

export interface ObjectDescription {
  readonly exists: true;
  /** Of the whole object, also when a range was asked for. */
  readonly size: number;
  /**
   * What was recorded when the object was stored. A fact for objects that were `put`; a claim for those that came in
   * parts, until `digestOf` confirmed it; absent when somebody else stored the object without saying.
   */
  readonly sha256?: string;
  /** Quoted, as the HTTP header wants it. */
  readonly etag: string;
  readonly contentType?: string;
}

export interface ObjectContent extends ObjectDescription {
  /** Which bytes `body` holds, if a range was asked for: answer 206. Absent: `body` is the whole object. */
  readonly range?: { readonly offset: number; readonly length: number };
  readonly body: ReadableStream<Uint8Array>;
}

export interface Absent {
  readonly exists: false;
}

export interface ObjectPage {
  /** In the order of their keys. `uploadedAtMs` is Unix time. */
  readonly objects: readonly { readonly key: string; readonly size: number; readonly uploadedAtMs: number }[];
  /** Where the next page begins; absent after the last one. A page may be short, even empty, and not be the last. */
  readonly cursor?: string;
}

/** Opaque: to be handed back to `completeMultipart` as it came. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

export interface ObjectStore {
  /**
   * Describes an object without its bytes. A missing key is an answer, not an error.
   *
   * S3 answers HEAD without a body, so a missing bucket looks like a missing key here; `get` and `put` tell them apart.
   */
  head(key: string): Promise<ObjectDescription | Absent>;

  /**
   * Opens an object, or one range of it. A range that ends behind the object's end is cut; one that begins there, and any
   * range of an empty object, throws `range_not_satisfiable` (answer 416; `head` knows the size).
   *
   * The body must be read or cancelled. It errors when the connection breaks or `signal` aborts; how long it may take is
   * the reader's business. Nothing here checks a digest: `digestOf` does.
   */
  get(
    key: string,
    options?: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<ObjectContent | Absent>;

  /**
   * Stores one object of at most 5 GB whole, replacing an older one atomically: it is readable only once every byte is
   * there and its digest was checked by the store (R2, S3) or before the last byte left us (S3).
   *
   * Throws `digest_mismatch` or `size_mismatch` when the body is not what was announced, and leaves nothing readable (an
   * older object stays as it was). Throws `unavailable` when the store failed; bodies that are not streams were retried.
   */
  put(key: string, body: ObjectBody, expected: ExpectedBody): Promise<void>;

  /**
   * Stores a small object where there is none; false where there is one, which stays. On R2, and on an S3 server that knows
   * `If-None-Match: *`, of two who come at once one is told false. On one that does not, both may be told true where one of them
   * needs longer than `CLAIM_PAUSE_MS` from looking to storing: whoever builds on it must look again later.
   */
  putIfAbsent(key: string, body: Uint8Array, expected: ExpectedBody): Promise<boolean>;

  /** Removes an object. It is no error if there was none. */
  delete(key: string): Promise<void>;

  /** One page of the keys that begin with `prefix`, at most `limit` (1 to 1000, default 1000). */
  list(prefix: string, options?: { readonly cursor?: string; readonly limit?: number }): Promise<ObjectPage>;

  /**
   * Begins an upload in parts and returns its id: for what is larger than one request through a Worker may be (100 MB).
   * Nothing can be read until it completes; an upload that never does costs space until `abortMultipart`.
   *
   * `sha256` is recorded as the uploader's claim. No store hashes the whole of a multipart object.
   */
  createMultipart(
    key: string,
    described?: { readonly sha256?: string; readonly contentType?: string },
  ): Promise<string>;

  /**
   * Stores one part. Numbers run from 1 to 10,000; every part but the last has the same size, at least 5 MiB (R2's
   * rules, stricter than S3's). A part may be sent again under its number: the last one counts.
   *
   * With `sha256` its bytes are checked as in `put`. Throws `no_such_upload` after an abort. After completion the caller
   * must not send any: R2 refuses, but Swift takes the part and thereby spoils the object.
   */
  uploadPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: ObjectBody,
    expected: { readonly size: number; readonly sha256?: string },
  ): Promise<UploadedPart>;

  /**
   * Makes one object of the parts, in the order of their numbers. Before the object counts, hash it with `digestOf`.
   *
   * Never repeated by itself: after `unavailable` the object may exist or not, which `head` tells; after success a second
   * call changes nothing, and on most stores throws `no_such_upload`. Throws `refused` for parts that are missing, wrong or too small.
   */
  completeMultipart(key: string, uploadId: string, parts: readonly UploadedPart[]): Promise<void>;

  /** Drops an unfinished upload and its parts. It is no error if it is already gone, and it never removes an object. */
  abortMultipart(key: string, uploadId: string): Promise<void>;
}
