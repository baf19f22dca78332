/** How often a step of an upload is tried, and what its failures mean: for the build, for this node, for nobody. */
import { Code, ConnectError } from '@connectrpc/connect';
import { backoffMs, pause } from '../backoff.ts';
import type { UploadContext } from './through-edge.ts';

export class UploadError extends Error {
  override readonly name = 'UploadError';
  /** `build_failed`: the edge will never take such files. */
  readonly kind: 'upload_failed' | 'build_failed';

  constructor(kind: 'upload_failed' | 'build_failed', message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** The edge answers, and has no store to put anything into. Nothing is wrong with the files, nor with this machine. */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
}

const MAX_TRIES = 8;

/**
 * Of a PUT. The edge says 503 of its store; what stands before it says the others, of an edge that is away. 500 is a fault of the edge
 * with these very bytes: waited for to the deadline by one node after the other, it would never count as an attempt.
 */
export const isAwayStatus = (status: number): boolean => status > 500;

/** Said by the edge of its store or its Foreman, or by whatever stands before an edge that is away as a whole. */
const isAway = (error: unknown): boolean =>
  error instanceof StoreAway || (error instanceof ConnectError && error.code === Code.Unavailable);

/** `name`: of what could not be uploaded, for whoever reads the error. */
export async function withRetries<Result>(
  name: string,
  { signal, patience = AbortSignal.abort() }: Pick<UploadContext, 'signal' | 'patience'>,
  work: () => Promise<Result>,
): Promise<Result> {
  const waiting = AbortSignal.any([signal, patience]);
  for (let failures = 0, inARow = 0; ; ) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UploadError) throw error;
      if (error instanceof ConnectError && error.code === Code.FailedPrecondition)
        throw new UploadError('upload_failed', error.rawMessage);
      if (error instanceof ConnectError && error.code === Code.InvalidArgument)
        throw new UploadError('build_failed', `Error: The image cannot be stored: ${error.rawMessage}`);
      const message = `${name} could not be uploaded: ${(error as Error).message}`;
      inARow += 1;
      if (!isAway(error)) failures += 1;
      else if (inARow >= MAX_TRIES && waiting.aborted) throw new StoreAway(message, { cause: error });
      if (signal.aborted || failures >= MAX_TRIES) throw new UploadError('upload_failed', message, { cause: error });
      await pause(backoffMs(inARow, Math.random()), patience.aborted ? signal : waiting);
    }
  }
}
