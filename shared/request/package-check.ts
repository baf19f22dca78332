/**
 * What the indexes of upstream make certain about a selection before anybody builds it: that a package exists nowhere. A
 * router learns of a mistyped name at once instead of behind a queue; and where an index cannot tell (the apk era lists no
 * provides, a foreign feed may have anything) nothing is said, since a wrong "no such package" would be a lie.
 */
import { BuildError, impossibleSelection } from '../build/build-error.ts';
import { indexedVersion } from '../build/freshness.ts';
import type { ArchDocument, PackageList, TargetDocument } from '../upstream/catalogue-document.ts';
import type { NormalizedRequest } from './normalize-request.ts';

/** Names to be installed that no index has, under this or as another's name; sorted. */
export function unknownPackages(
  request: Pick<NormalizedRequest, 'addPackages' | 'repositories'>,
  target: TargetDocument,
  arch: ArchDocument,
): readonly string[] {
  if (request.repositories.length > 0 || !target.providesKnown || !arch.providesKnown) return [];
  return request.addPackages.filter((name) => !isAvailable(name, target, arch));
}

/** Under this or as another's name. Where an index does not tell what its packages provide, it may be there all the same. */
export const isAvailable = (name: string, target: TargetDocument, arch: ArchDocument): boolean =>
  indexedVersion(name, target, arch) !== undefined || isProvided(target, name) || isProvided(arch, name);

/** @throws BuildError `unknown_package`, in the words of a build that failed for it */
export function checkPackagesExist(...asked: Parameters<typeof unknownPackages>): void {
  const missing = unknownPackages(...asked);
  if (missing.length > 0) throw new BuildError('unknown_package', impossibleSelection(missing));
}

const sets = new WeakMap<object, ReadonlySet<string>>();

/**
 * Whether the name is one that a package answers to beside its own; never where the index does not tell. By a set that is made
 * once per document: a feed provides some thousand names.
 */
export function isProvided({ provides }: PackageList, name: string): boolean {
  let set = sets.get(provides);
  if (!set) {
    set = new Set(provides);
    sets.set(provides, set);
  }
  return set.has(name);
}
