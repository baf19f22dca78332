/**
 * Everything that can go wrong with an object store, as a closed set: callers decide by `kind` (refuse the node's upload,
 * retry later, page the operator), people read the message. Without it each adapter's own exceptions would leak upwards.
 *
 * | kind | whose fault | what to do |
 * |---|---|---|
 * | digest_mismatch, size_mismatch | the sender's: the body is not what was announced | refuse it |
 * | range_not_satisfiable | the reader's | 416 |
 * | no_such_upload | nobody's: the multipart upload is completed, aborted or unknown | look with `head` |
 * | refused | ours: credentials, bucket, key or request are wrong; trying again will not help | tell the operator |
 * | unavailable | the store's or the network's | try again later |
 */
export type ObjectStoreErrorKind =
  | 'digest_mismatch'
  | 'size_mismatch'
  | 'range_not_satisfiable'
  | 'no_such_upload'
  | 'refused'
  | 'unavailable';

export class ObjectStoreError extends Error {
  override readonly name = 'ObjectStoreError';
  readonly kind: ObjectStoreErrorKind;

  /** @param options.cause for logs only: it may hold what a store said, and is never shown to a client */
  constructor(kind: ObjectStoreErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
