/**
 * What can go wrong between a client and a server, by what is to be done about it. A script at a shell must know whether it
 * pays to ask again; one word for all of it would have it hammer a server that said no, or give up on one that restarts.
 */

/** The server said no, or the build failed: the same words would be answered alike. `message` is its sentence. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly status: number;
  /** The end of what the ImageBuilder printed, as lines fit for a terminal. */
  readonly log: readonly string[];
  /** A build that the server could not bring to its end; another time it may. */
  readonly isServersFault: boolean;

  constructor(status: number, detail: string, more: Partial<Pick<RequestRefused, 'log' | 'isServersFault'>> = {}) {
    super(detail);
    this.status = status;
    this.log = more.log ?? [];
    this.isServersFault = more.isServersFault ?? false;
  }
}

/** It does not answer, or cannot now. Worth another try; see patience.ts. */
export class NotNow extends Error {
  override readonly name: string = 'NotNow';
  /** As the server asked for, by `Retry-After`; 0 where it did not. */
  readonly retryAfterMs: number;
  /** Something came before it broke, so patience begins anew. */
  readonly hasProgressed: boolean;

  constructor(message: string, retryAfterMs = 0, hasProgressed = false) {
    super(message);
    this.retryAfterMs = retryAfterMs;
    this.hasProgressed = hasProgressed;
  }
}

/** What came is not what was promised, or no answer of such a server at all. Asking again would bring the same. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

/** Of this machine: no room, no right to write. */
export class LocalFault extends Error {
  override readonly name = 'LocalFault';
}
