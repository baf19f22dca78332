/**
 * What became of a client that did not get its image, as its user would tell it. Today's clients differ most in this: one
 * and the same answer is a clear message in the first, a crash in the second and an endless spinner in the third.
 */
export type FailureKind =
  /** It said so and ended; the message holds what its user reads. */
  | 'shown'
  /** It waits for ever, or asks the same again and again. */
  | 'stuck'
  /** Its program met a value that it was not written for. */
  | 'crashed';

export class ClientFailure extends Error {
  override readonly name = 'ClientFailure';
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** No answer at all: refused, cut off, or kept from a page by the browser. What a client makes of that is its own. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}
