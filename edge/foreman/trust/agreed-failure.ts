/**
 * A failure as whoever asked for the build reads it. Of a quorum each knows the kind to be true, and the words only where all have the
 * same; what a volunteer's machine printed is nobody's word but its own, and would be a way to speak to every user.
 */
import { BUILD_ERRORS, BuildError, type BuildErrorKind } from '../../../shared/build/build-error.ts';
import type { Agreement } from '../../../shared/trust/quorum.ts';

export interface ToldFailure {
  readonly detail: string;
  readonly stdout: string;
  readonly stderr: string;
}

const NOT_SHOWN =
  'Machines of independent volunteers agree that this fails. What they printed is not shown, since nobody else confirms it.';

/** `told`: by the node that spoke last; null where nothing of it was kept. `areSameWords`: all told the same detail. */
export function agreedFailure(
  kind: BuildErrorKind,
  by: Agreement['by'],
  told: ToldFailure | null,
  areSameWords = false,
): BuildError {
  const { detail, stdout, stderr } = told ?? { detail: '', stdout: '', stderr: '' };
  if (by === 'trusted' && told) return new BuildError(kind, detail, { stdout, stderr });
  return new BuildError(kind, areSameWords ? detail : BUILD_ERRORS[kind].text, { stderr: NOT_SHOWN });
}
