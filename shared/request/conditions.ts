/**
 * What a client makes its request depend on: an exact revision, exact package versions. Conditions are not identity; they
 * are checked at each POST and once more when the build is leased, and never cause a build of their own.
 */
import { BuildError } from '../build/build-error.ts';
import type { BuildRequest } from './build-request.ts';

export type Conditions = Pick<BuildRequest, 'version_code' | 'packages_versions'>;

/** @throws BuildError `revision_changed` */
export function checkRevision(conditions: Conditions, currentRevision: string): void {
  if (conditions.version_code !== '' && conditions.version_code !== currentRevision)
    throw new BuildError(
      'revision_changed',
      `Error: Received incorrect version ${currentRevision} (requested ${conditions.version_code})`,
    );
}

/**
 * `versionOf` answers with the version that would be, or is, in the image. `absent` says what an unlisted name means:
 * a manifest is complete, an index may not know a name that a dependency provides.
 * @throws BuildError `version_mismatch`
 */
export function checkPackageVersions(
  conditions: Conditions,
  versionOf: (name: string) => string | undefined,
  absent: 'is an error' | 'says nothing',
): void {
  for (const [name, asked] of Object.entries(conditions.packages_versions)) {
    const version = versionOf(name);
    if (version === undefined) {
      if (absent === 'says nothing') continue;
      throw new BuildError('version_mismatch', `Error: Impossible package selection: ${name} not in manifest`);
    }
    if (asked !== '' && version !== asked)
      throw new BuildError(
        'version_mismatch',
        `Error: Impossible package selection: ${name} version not as requested: ${asked} vs. ${version}`,
      );
  }
}
