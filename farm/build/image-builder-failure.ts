/**
 * A build that went wrong: a BuildError that also knows which packages were to blame, for clients that show them one by one.
 */
import { BuildError, type BuildErrorKind } from '../../shared/build/build-error.ts';

export interface FailureParts {
  readonly kind: BuildErrorKind;
  readonly detail: string;
  readonly missingPackages: readonly string[];
  readonly conflictingPackages: readonly string[];
}

export class ImageBuilderFailure extends BuildError {
  readonly missingPackages: readonly string[];
  readonly conflictingPackages: readonly string[];

  constructor(parts: FailureParts, output: { readonly stdout: string; readonly stderr: string }) {
    super(parts.kind, parts.detail, output);
    this.missingPackages = parts.missingPackages;
    this.conflictingPackages = parts.conflictingPackages;
  }
}
