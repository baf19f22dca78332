/**
 * What upstream is at the moment a build is leased. Fixed then, and not when the request was accepted: a build that waited
 * an hour is made from what is current when it starts, and says so in its record.
 */
import { BuildError } from '../../../shared/build/build-error.ts';
import type { Pins } from '../../../shared/build/build-record.ts';
import { indexedVersion, upstreamDigest } from '../../../shared/build/freshness.ts';
import { type Conditions, checkPackageVersions, checkRevision } from '../../../shared/request/conditions.ts';
import type { NormalizedRequest } from '../../../shared/request/normalize-request.ts';
import { versionPath } from '../../../shared/upstream/branch.ts';
import type { CatalogueReader } from '../../catalogue/read.ts';

export interface PinnedInputs {
  readonly pins: Pins;
  readonly upstreamDigest: string;
}

/**
 * @throws BuildError `revision_changed` or `version_mismatch` where the client's conditions no longer hold, `unsupported`
 *   where upstream dropped the target, `upstream_unavailable` where it cannot be told now
 */
export async function pinInputs(
  request: NormalizedRequest,
  conditions: Conditions,
  catalogue: CatalogueReader,
  upstreamUrl: string,
): Promise<PinnedInputs> {
  const target = await catalogue.target(request.version, request.target);
  if (target.state === 'unavailable') throw new BuildError('upstream_unavailable', undefined, { cause: target.reason });
  if (target.state === 'unknown')
    throw new BuildError('unsupported', `Unsupported target: ${request.target}. Upstream has withdrawn it.`);
  const arch = await catalogue.arch(request.version, target.document.archPackages);
  if (arch.state !== 'found')
    throw new BuildError('upstream_unavailable', undefined, {
      cause: arch.state === 'unavailable' ? arch.reason : `no packages for ${target.document.archPackages}`,
    });
  checkRevision(conditions, target.document.versionCode);
  checkPackageVersions(conditions, (name) => indexedVersion(name, target.document, arch.document), 'says nothing');
  return {
    pins: {
      revision: target.document.versionCode,
      imageBuilder: {
        url: `${upstreamUrl}/${target.document.imageBuilder.path}`,
        sha256: target.document.imageBuilder.sha256,
      },
      feeds: [...target.document.feeds, ...arch.document.feeds],
    },
    upstreamDigest: upstreamDigest(target.document, arch.document),
  };
}

export const versionUrl = (upstreamUrl: string, version: string): string => `${upstreamUrl}/${versionPath(version)}`;
