/** What a refused POST counts as. */
import { BUILD_ERRORS, BuildError } from '../../shared/build/build-error.ts';
import type { Outcome } from './counted.ts';

export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof BuildError)) return 'fault';
  if (error.kind === 'too_many_requests') return 'limited';
  if (error.kind === 'queue_full') return 'queue_full';
  const { status, retry } = BUILD_ERRORS[error.kind];
  if (status < 500) return 'refused';
  return retry === 'never' ? 'failed_early' : 'fault';
}
